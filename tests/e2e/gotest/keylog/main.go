// A server and a client of crypto/tls; the client writes its secrets down (KeyLogWriter).
//
//	keylog CERT KEY FILE
//
// Sends bodies over HTTP/1.1 and HTTP/2, TLS 1.2 and 1.3, to a server that sends them back; each is
// a line on standard output: its path and its length. Body n has its byte i as (i * 7 + n) % 251.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func body(n, size int) string {
	var b strings.Builder
	for i := 0; i < size; i++ {
		b.WriteByte(byte((i*7 + n) % 251))
	}
	return b.String()
}

func echo(w http.ResponseWriter, r *http.Request) {
	sent, err := io.ReadAll(r.Body)
	check(err)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Write(sent)
}

func serve(cert, key string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go http.ServeTLS(l, http.HandlerFunc(echo), cert, key)
	return l.Addr().String()
}

func talk(addr string, version uint16, h2 bool, secrets io.Writer) {
	t := &http.Transport{ForceAttemptHTTP2: h2, TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, KeyLogWriter: secrets}}
	client := &http.Client{Transport: t}
	for n := 1; n <= 5; n++ {
		size := n * n * n * 900
		path := fmt.Sprintf("/go/%x/%v/%d", version, h2, n)
		a, err := client.Post("https://"+addr+path, "application/octet-stream",
			strings.NewReader(body(n, size)))
		check(err)
		back, err := io.ReadAll(a.Body)
		check(err)
		a.Body.Close()
		if string(back) != body(n, size) {
			log.Fatal("another body came back")
		}
		fmt.Println(path, n, size)
	}
	t.CloseIdleConnections()
}

func main() {
	secrets, err := os.OpenFile(os.Args[3], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0600)
	check(err)
	addr := serve(os.Args[1], os.Args[2])
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		talk(addr, version, false, secrets)
		talk(addr, version, true, secrets)
	}
}
