// Requests with numbers, as net/http sends them: ten at once, each over a connection of its own or
// ("h2") all over one. Prints how many there were; bodies are as loss_talk.py tells.
//
//	loss_talk PORT NAME SECONDS [h2]
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const atOnce = 10

var times = []int{1, 1, 8, 64, 512}

func transport(h2 bool) *http.Transport {
	t := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2: h2, MaxIdleConnsPerHost: atOnce}
	if !h2 {
		t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	return t
}

func ask(client *http.Client, port, name string, n int) {
	path := fmt.Sprintf("/%d/%s-%d", times[n%len(times)], name, n)
	method, body := "GET", ""
	if n%4 == 0 {
		method, body = "POST", strings.Repeat(path+"\n", n%9+1)
	} else if n%7 == 0 {
		method = "HEAD"
	}
	request, err := http.NewRequest(method, "https://127.0.0.1:"+port+path, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	if _, err = io.Copy(io.Discard, answer.Body); err != nil || answer.Header.Get("X-Id") != path {
		log.Fatal(path, ": ", answer.Header.Get("X-Id"), " ", err)
	}
	answer.Body.Close()
}

func main() {
	port, name := os.Args[1], os.Args[2]
	seconds, err := strconv.ParseFloat(os.Args[3], 64)
	if err != nil {
		log.Fatal(err)
	}
	client := &http.Client{Transport: transport(len(os.Args) > 4)}
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	var sent int64
	var all sync.WaitGroup
	for i := 0; i < atOnce; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for time.Now().Before(end) {
				ask(client, port, name, int(atomic.AddInt64(&sent, 1)))
			}
		}()
	}
	all.Wait()
	fmt.Println(sent)
}
