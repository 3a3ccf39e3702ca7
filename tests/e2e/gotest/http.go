package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
)

// seen wraps a tls.Conn to know the goroutine that last read from it.
type seen struct {
	net.Conn
	reader *int
}

func (s seen) Read(p []byte) (int, error) {
	*s.reader = goid()
	return s.Conn.Read(p)
}

// answer says on standard output what a server's entry must hold, and sends the body back.
func answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	check(err)
	local := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	remote, err := net.ResolveTCPAddr("tcp", r.RemoteAddr)
	check(err)
	want := ends(remote, local).and(fields{"method": r.Method, "status_code": 200,
		"protocol": "http", "complete": true, "lost_bytes": 0, "bind": "go", "library": "go",
		"goroutine": goid(), "lock": "open", "dst.pid": os.Getpid()})
	if len(body) > 0 && len(body)%16 == 0 {
		want["request.body"] = string(body)
		want["response.body"] = string(body)
	}
	if r.ProtoMajor == 1 {
		say(expectation{Find: fields{"summary": r.URL.Path, "role": "server",
			"dst.port": port(local)}, Want: want})
	}
	w.Header().Set("Content-Type", "text/plain")
	w.Write(body)
}

// server runs the handler on a listener; h2 says whether HTTP/2 is offered.
func server(l net.Listener, h2 bool) {
	s := &http.Server{Handler: http.HandlerFunc(answer), TLSConfig: config(),
		ErrorLog: log.New(io.Discard, "", 0)}
	if !h2 {
		s.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	}
	go s.ServeTLS(l, "", "")
}

func serve(addr string) {
	l := listen(addr)
	server(l, false)
	select {}
}

func clientFields(method string, goroutine int) fields {
	return fields{"method": method, "status_code": 200, "protocol": "http", "version": "1.1",
		"complete": true, "lost_bytes": 0, "bind": "go", "library": "go",
		"goroutine": goroutine, "lock": "open", "src.pid": os.Getpid()}
}

// get sends COUNT requests over one kept-alive connection of net/http: GET and POST in turn.
func get(url, count string) {
	var conn net.Conn
	var reader int
	dial := func(network, addr string) (net.Conn, error) {
		c, err := tls.Dial(network, addr, insecure)
		conn = c
		return seen{c, &reader}, err
	}
	client := &http.Client{Transport: &http.Transport{DialTLS: dial, DisableCompression: true}}
	n, err := strconv.Atoi(count)
	check(err)
	for i := 0; i < n; i++ {
		method, body := "GET", ""
		if i%2 == 1 {
			method, body = "POST", strings.Repeat(fmt.Sprintf("body %08d\n\n\n", i), i)
		}
		path := fmt.Sprintf("/get/%d/%d", os.Getpid(), i)
		r, err := http.NewRequest(method, url+path, strings.NewReader(body))
		check(err)
		a, err := client.Do(r)
		check(err)
		back, err := io.ReadAll(a.Body)
		check(err)
		a.Body.Close()
		if string(back) != body {
			log.Panic("another body came back")
		}
		want := ends(conn.LocalAddr(), conn.RemoteAddr()).and(clientFields(method, reader))
		if i%2 == 1 {
			want["request.body"], want["response.body"] = body, body
		}
		say(expectation{Find: fields{"summary": path, "role": "client", "src.pid": os.Getpid()}, Want: want})
	}
}

// http2 sends requests at once over one connection; each is an entry of both ends, with its bodies.
func http2() {
	l := listen("127.0.0.1:0")
	server(l, true)
	t := &http.Transport{TLSClientConfig: insecure, ForceAttemptHTTP2: true}
	client := &http.Client{Transport: t}
	var all sync.WaitGroup
	for i := 0; i < 50; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			body := strings.Repeat("x", i*100)
			a, err := client.Post(fmt.Sprintf("https://%s/http2/%d", l.Addr(), i), "text/plain",
				strings.NewReader(body))
			check(err)
			back, err := io.ReadAll(a.Body)
			check(err)
			a.Body.Close()
			if a.ProtoMajor != 2 || string(back) != body {
				log.Panic("not HTTP/2, or another body")
			}
		}(i)
	}
	all.Wait()
	t.CloseIdleConnections()
	for _, role := range []string{"client", "server"} {
		say(expectation{Find: fields{"dst.port": port(l.Addr()), "role": role},
			Total: fields{"lost_bytes": 0, "truncated_bytes": 0}})
		for i := 0; i < 50; i++ {
			want := fields{"protocol": "http2", "version": "2", "method": "POST",
				"status_code": 200, "complete": true, "host": l.Addr().String()}
			if i > 0 {
				want["request.body"] = strings.Repeat("x", i*100)
				want["response.body"] = want["request.body"]
			}
			say(expectation{Find: fields{"summary": fmt.Sprintf("/http2/%d", i),
				"dst.port": port(l.Addr()), "role": role}, Want: want})
		}
	}
}

// request sends one by hand, so that this goroutine writes and reads, and reads the answer.
func request(conn net.Conn, in *bufio.Reader, path, body, bind string) {
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s",
		path, len(body), body)
	check(err)
	a, err := http.ReadResponse(in, nil)
	check(err)
	back, err := io.ReadAll(a.Body)
	check(err)
	if string(back) != body {
		log.Panic("another body came back")
	}
	say(expectation{Find: fields{"summary": path, "role": "client", "src.pid": os.Getpid()},
		Want: ends(conn.LocalAddr(), conn.RemoteAddr()).and(clientFields("POST", goid())).
			and(fields{"bind": bind, "request_size": len(fmt.Sprintf(
				"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", path, len(body))) +
				len(body)})})
}

// many keeps 2,000 connections open at once; each request has a path and a body of its own.
func many() {
	const connections, requests = 2000, 3
	l := listen("127.0.0.1:0")
	server(l, false)
	var open, all sync.WaitGroup
	open.Add(connections)
	all.Add(connections)
	for i := 0; i < connections; i++ {
		go func(i int) {
			defer all.Done()
			conn, err := tls.Dial("tcp", l.Addr().String(), insecure)
			check(err)
			defer conn.Close()
			in := bufio.NewReader(conn)
			open.Done()
			open.Wait()
			for j := 0; j < requests; j++ {
				request(conn, in, fmt.Sprintf("/many/%d/%d", i, j),
					strings.Repeat(string(rune('a'+j)), i), "go")
			}
		}(i)
	}
	all.Wait()
}

// old opens its connection, waits for a line on standard input, then uses it.
func old() {
	l := listen("[::1]:0")
	server(l, false)
	conn, err := tls.Dial("tcp", l.Addr().String(), insecure)
	check(err)
	in := bufio.NewReader(conn)
	_, err = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	check(err)
	a, err := http.ReadResponse(in, nil)
	check(err)
	io.Copy(io.Discard, a.Body)
	output.Lock()
	fmt.Println("ready")
	output.Unlock()
	_, err = bufio.NewReader(os.Stdin).ReadString('\n')
	check(err)
	request(conn, in, "/old/1", string(bytes.Repeat([]byte("o"), 160)), "go")
	request(conn, in, "/old/2", "second", "go")
	conn.Close()
}
