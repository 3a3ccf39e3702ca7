package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
)

// counted is a net.Conn of the program's own; nothing tells where in it the socket is.
type counted struct {
	net.Conn
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n += int64(n)
	return n, err
}

// exchange writes a request and reads the answer of a server that is written by hand, too.
func exchange(client, server *tls.Conn, path string) {
	go func() {
		in := bufio.NewReader(server)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				server.Close()
				return
			}
			body, err := io.ReadAll(r.Body)
			check(err)
			fmt.Fprintf(server, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
	}()
	in := bufio.NewReader(client)
	for i := 0; i < 3; i++ {
		_, err := fmt.Fprintf(client, "POST %s/%d HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody",
			path, i)
		check(err)
		a, err := http.ReadResponse(in, nil)
		check(err)
		_, err = io.ReadAll(a.Body)
		check(err)
	}
	client.Close()
}

// wrapped: the address comes from the socket that the reading goroutine receives from.
func wrapped() {
	l := listen("127.0.0.1:0")
	for i := 0; i < 20; i++ {
		accepted := make(chan net.Conn)
		go func() {
			conn, err := l.Accept()
			check(err)
			accepted <- conn
		}()
		conn, err := net.Dial("tcp", l.Addr().String())
		check(err)
		client := tls.Client(&counted{Conn: conn}, insecure)
		server := tls.Server(&counted{Conn: <-accepted}, config())
		path := fmt.Sprintf("/wrapped/%d", i)
		exchange(client, server, path)
		for j := 0; j < 3; j++ {
			for _, role := range []string{"client", "server"} {
				say(expectation{Find: fields{"summary": fmt.Sprintf("%s/%d", path, j),
					"role": role, "src.port": port(conn.LocalAddr())},
					Want: ends(conn.LocalAddr(), conn.RemoteAddr()).and(fields{
						"complete": true, "bind": "nested", "request.body": "body"})})
			}
		}
	}
}

// pipe: no socket at all, while other goroutines use theirs.
func pipe() {
	for i := 0; i < 20; i++ {
		a, b := net.Pipe()
		path := fmt.Sprintf("/pipe/%d", i)
		exchange(tls.Client(a, insecure), tls.Server(b, config()), path)
		for j := 0; j < 3; j++ {
			two := 2
			say(expectation{Find: fields{"summary": fmt.Sprintf("%s/%d", path, j)}, Count: &two,
				Want: fields{"complete": true, "bind": "unknown", "src.port": 0, "dst.port": 0,
					"src.ip": "", "dst.ip": ""}})
		}
	}
}

// alternate: a goroutine writes to a connection that has no socket and to one that has, in turn.
func alternate() {
	l := listen("127.0.0.1:0")
	server(l, false)
	a, b := net.Pipe()
	plain, err := tls.Dial("tcp", l.Addr().String(), insecure)
	check(err)
	piped, back := tls.Client(a, insecure), tls.Server(b, config())
	go func() {
		in := bufio.NewReader(back)
		for {
			_, err := http.ReadRequest(in)
			check(err)
			fmt.Fprint(back, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	}()
	ask := func(conn *tls.Conn, path string) {
		_, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
		check(err)
		a, err := http.ReadResponse(bufio.NewReader(conn), nil)
		check(err)
		io.Copy(io.Discard, a.Body)
	}
	for i := 0; i < 20; i++ {
		two, path := 2, fmt.Sprintf("/alternate/%d", i)
		ask(piped, path+"/piped")
		ask(plain, path+"/plain")
		say(expectation{Find: fields{"summary": path + "/piped"}, Count: &two,
			Want: fields{"complete": true, "bind": "unknown", "src.port": 0, "dst.port": 0}})
		say(expectation{Find: fields{"summary": path + "/plain", "role": "client"},
			Want: ends(plain.LocalAddr(), plain.RemoteAddr()).and(fields{"bind": "go"})})
	}
}

// tunnel is an HTTPS proxy that takes CONNECT and copies.
func tunnel(outer *tls.Conn) {
	in := bufio.NewReader(outer)
	r, err := http.ReadRequest(in)
	check(err)
	to, err := net.Dial("tcp", r.Host)
	check(err)
	fmt.Fprint(outer, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		io.Copy(to, in)
		to.Close()
	}()
	io.Copy(outer, to)
	outer.Close()
}

// proxy: TLS over TLS. The outer connection shows CONNECT, the inner one the request.
func proxy() {
	target, l := listen("127.0.0.1:0"), listen("127.0.0.1:0")
	server(target, false)
	go func() {
		for {
			conn, err := l.Accept()
			check(err)
			go tunnel(tls.Server(conn, config()))
		}
	}()
	for i := 0; i < 5; i++ {
		outer, err := tls.Dial("tcp", l.Addr().String(), insecure)
		check(err)
		fmt.Fprintf(outer, "CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n", target.Addr())
		a, err := http.ReadResponse(bufio.NewReader(outer), &http.Request{Method: "CONNECT"})
		check(err)
		if a.StatusCode != 200 {
			log.Panic(a.Status)
		}
		inner := tls.Client(outer, insecure)
		path := fmt.Sprintf("/proxy/%d", i)
		fmt.Fprintf(inner, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
		a, err = http.ReadResponse(bufio.NewReader(inner), nil)
		check(err)
		io.Copy(io.Discard, a.Body)
		inner.Close()
		at := ends(outer.LocalAddr(), outer.RemoteAddr())
		for _, role := range []string{"client", "server"} {
			say(expectation{Find: at.and(fields{"role": role, "method": "CONNECT"}),
				Want: fields{"bind": "go", "status_code": 200}})
		}
		say(expectation{Find: fields{"summary": path, "role": "client", "src.pid": os.Getpid()},
			Want: at.and(fields{"bind": "nested", "complete": true})})
	}
}

// reuse drops connections without closing the tls.Conn; memory and descriptors are used again.
func reuse() {
	l := listen("127.0.0.1:0")
	server(l, false)
	for i := 0; i < 600; i++ {
		conn, err := net.Dial("tcp", l.Addr().String())
		check(err)
		bind, path := "go", fmt.Sprintf("/reuse/%d", i)
		client := tls.Client(conn, insecure)
		if i >= 400 {
			bind, client = "nested", tls.Client(&counted{Conn: conn}, insecure)
		}
		request(client, bufio.NewReader(client), path, strings.Repeat("r", i), bind)
		conn.Close()
		if i%4 == 0 {
			runtime.GC()
		}
	}
}
