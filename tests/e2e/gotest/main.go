// Both ends of TLS connections whose every detail is known, for go.sh:
//
//	gotest CASE...      run them; gotest serve ADDR, gotest get URL COUNT and gotest later MS URL,
//	                    which is get URL 1 so many ms after it started, are on their own
//
// Each prints what must be seen, as lines of JSON for check_go.py: of all entries that have the
// members of "find" there is exactly one (or "count"), and it has those of "want", or all of them
// add up to those of "total". Addresses, ports and goroutines are as the program itself sees them.
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log"
	"math/big"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

type fields map[string]interface{}

type expectation struct {
	Case  string `json:"case"`
	Find  fields `json:"find"`
	Want  fields `json:"want,omitempty"`
	Total fields `json:"total,omitempty"`
	Count *int   `json:"count,omitempty"`
}

var (
	output   sync.Mutex
	current  string
	insecure = &tls.Config{InsecureSkipVerify: true}
)

func say(e expectation) {
	e.Case = current
	line, err := json.Marshal(e)
	check(err)
	output.Lock()
	defer output.Unlock()
	fmt.Printf("%s\n", line)
}

func check(err error) {
	if err != nil {
		log.Panic(current, ": ", err)
	}
}

func goid() int {
	var text [64]byte
	n := runtime.Stack(text[:], false)
	id, err := strconv.Atoi(string(bytes.Fields(text[:n])[1]))
	check(err)
	return id
}

func port(a net.Addr) int { return a.(*net.TCPAddr).Port }

// ends are both addresses of a connection as entries have them.
func ends(client, server net.Addr) fields {
	c, s := client.(*net.TCPAddr), server.(*net.TCPAddr)
	return fields{"src.ip": c.IP.String(), "src.port": c.Port,
		"dst.ip": s.IP.String(), "dst.port": s.Port}
}

func (f fields) and(more fields) fields {
	all := fields{}
	for _, from := range []fields{f, more} {
		for name, value := range from {
			all[name] = value
		}
	}
	return all
}

// config serves "localhost" with a new certificate.
func config() *tls.Config {
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
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func listen(addr string) net.Listener {
	l, err := net.Listen("tcp", addr)
	check(err)
	return l
}

var cases = map[string]func(){
	"http2": http2, "many": many, "old": old,
	"stream": stream, "deep": deep, "threads": threads, "large": large, "failed": failed,
	"wrapped": wrapped, "pipe": pipe, "alternate": alternate, "proxy": proxy, "reuse": reuse,
}

func main() {
	log.SetFlags(0)
	if len(os.Args) > 2 && os.Args[1] == "serve" {
		current = "serve"
		serve(os.Args[2])
	}
	if len(os.Args) > 3 && os.Args[1] == "get" {
		current = "get"
		get(os.Args[2], os.Args[3])
		return
	}
	if len(os.Args) > 3 && os.Args[1] == "later" {
		current = "later"
		ms, err := strconv.Atoi(os.Args[2])
		check(err)
		time.Sleep(time.Duration(ms) * time.Millisecond)
		get(os.Args[3], "1")
		return
	}
	for _, name := range os.Args[1:] {
		current = name
		begin := time.Now()
		cases[name]()
		log.Print(name, " ", time.Since(begin))
	}
}
