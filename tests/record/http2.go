// HTTP/2 of Go's net/http, over TLS: http2 serve PORT FOLDER; http2 talk PORT
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
)

func serve(port, folder string) error {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Trailer")
		n, _ := io.Copy(w, r.Body)
		fmt.Fprintf(w, "answer to %s, %d bytes\n", r.URL, n)
		w.Header().Set("X-Trailer", "of "+r.URL.Path)
	})
	return http.ListenAndServeTLS("127.0.0.1:"+port, folder+"/cert.pem", folder+"/key.pem", nil)
}

func talk(port string) error {
	t := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	c := &http.Client{Transport: t}
	url := "https://127.0.0.1:" + port
	get := func(path string) error {
		a, err := c.Get(url + path)
		if err == nil {
			io.Copy(io.Discard, a.Body)
			a.Body.Close()
		}
		return err
	}
	if err := get("/first?a=b"); err != nil {
		return err
	}
	var all sync.WaitGroup
	for i := 0; i < 3; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			get(fmt.Sprintf("/at-once/%d", i))
		}(i)
	}
	all.Wait()
	a, err := c.Post(url+"/post", "text/plain", strings.NewReader("a body"))
	if err == nil {
		io.Copy(io.Discard, a.Body)
		a.Body.Close()
	}
	t.CloseIdleConnections()
	return err
}

func main() {
	var err error
	if os.Args[1] == "serve" {
		err = serve(os.Args[2], os.Args[3])
	} else {
		err = talk(os.Args[2])
	}
	if err != nil {
		panic(err)
	}
}
