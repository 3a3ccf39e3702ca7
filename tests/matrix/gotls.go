// Both sides of HTTPS and of TLS echo in one program without dependencies, for Go 1.15 and later.
//
//	gotls serve ADDR:PORT          HTTP/1.1 over TLS: GET /NAME answers with a text that holds
//	                               the path, POST answers with what was sent
//	gotls get URL [BODYFILE]       GET, or POST of the file
//	gotls wrapped-serve ADDR:PORT  like serve, with a net.Conn of its own around the socket
//	gotls wrapped-get URL [BODYFILE]
//	gotls echo-serve ADDR:PORT     TLS without HTTP: sends back what it reads
//	gotls echo ADDR:PORT TEXT
//
// A client prints its own address and port, and the status.
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"io/ioutil"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"time"
)

var insecure = &tls.Config{InsecureSkipVerify: true}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func certificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		DNSNames:     []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	check(err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func listen(addr string) net.Listener {
	l, err := tls.Listen("tcp", addr, &tls.Config{Certificates: []tls.Certificate{certificate()}})
	check(err)
	return l
}

// wrapped is a net.Conn of the program's own; nothing tells where in it the socket is.
type wrapped struct{ net.Conn }

type wrappedListener struct{ net.Listener }

func (l wrappedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return &wrapped{conn}, err
}

func wrappedListen(addr string) net.Listener {
	l, err := net.Listen("tcp", addr)
	check(err)
	return tls.NewListener(wrappedListener{l}, &tls.Config{Certificates: []tls.Certificate{certificate()}})
}

func serve(l net.Listener) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		if r.Method == "POST" {
			body, err := ioutil.ReadAll(r.Body)
			check(err)
			w.Write(body)
			return
		}
		fmt.Fprintf(w, "this is %s\n", r.URL.Path)
	}
	check(http.Serve(l, http.HandlerFunc(handler)))
}

func dialTLS(network, addr string) (net.Conn, error) { return tls.Dial(network, addr, insecure) }

func wrappedDialTLS(network, addr string) (net.Conn, error) {
	conn, err := net.Dial(network, addr)
	return tls.Client(&wrapped{conn}, insecure), err
}

func get(dialTLS func(network, addr string) (net.Conn, error), url string, bodyFile string) {
	var local net.Addr
	dial := func(network, addr string) (net.Conn, error) {
		conn, err := dialTLS(network, addr)
		if err == nil {
			local = conn.LocalAddr()
		}
		return conn, err
	}
	client := &http.Client{Transport: &http.Transport{DialTLS: dial, DisableCompression: true}}
	method, body := "GET", []byte{}
	if bodyFile != "" {
		var err error
		method = "POST"
		body, err = ioutil.ReadFile(bodyFile)
		check(err)
	}
	request, err := http.NewRequest(method, url, bytes.NewReader(body))
	check(err)
	response, err := client.Do(request)
	check(err)
	_, err = io.Copy(ioutil.Discard, response.Body)
	check(err)
	check(response.Body.Close())
	report(local, response.StatusCode)
}

func report(local net.Addr, status int) {
	addr := local.(*net.TCPAddr)
	fmt.Println(addr.IP, addr.Port, status)
}

func echoServe(addr string) {
	l := listen(addr)
	for {
		conn, err := l.Accept()
		check(err)
		go func() {
			io.Copy(conn, conn)
			conn.Close()
		}()
	}
}

func echo(addr, text string) {
	conn, err := tls.Dial("tcp", addr, insecure)
	check(err)
	_, err = conn.Write([]byte(text))
	check(err)
	_, err = io.ReadFull(conn, make([]byte, len(text)))
	check(err)
	report(conn.LocalAddr(), 0)
	check(conn.Close())
}

func main() {
	log.SetFlags(0)
	arg := append(os.Args[1:], "", "", "")
	switch arg[0] {
	case "serve":
		serve(listen(arg[1]))
	case "get":
		get(dialTLS, arg[1], arg[2])
	case "wrapped-serve":
		serve(wrappedListen(arg[1]))
	case "wrapped-get":
		get(wrappedDialTLS, arg[1], arg[2])
	case "echo-serve":
		echoServe(arg[1])
	case "echo":
		echo(arg[1], arg[2])
	default:
		log.Fatal("usage: see the head of gotls.go")
	}
}
