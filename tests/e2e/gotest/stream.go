package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

// pair is a connected client and server of TLS, with their addresses.
func pair(l net.Listener) (client, server *tls.Conn, at fields) {
	done := make(chan *tls.Conn)
	go func() {
		conn, err := l.Accept()
		check(err)
		c := tls.Server(conn, config())
		check(c.Handshake())
		done <- c
	}()
	client, err := tls.Dial("tcp", l.Addr().String(), insecure)
	check(err)
	server = <-done
	return client, server, ends(client.LocalAddr(), client.RemoteAddr())
}

func totals(at fields, sent, answered int) {
	for _, role := range []string{"client", "server"} {
		say(expectation{Find: at.and(fields{"role": role, "bind": "go"}),
			Total: fields{"request_size": sent, "response_size": answered, "lost_bytes": 0}})
	}
}

// stream sends small frames both ways at once for a while, as gRPC does.
func stream() {
	client, server, at := pair(listen("127.0.0.1:0"))
	var all sync.WaitGroup
	var sent, got [2]int
	end := time.Now().Add(2 * time.Second)
	for side, conn := range []*tls.Conn{client, server} {
		all.Add(2)
		go func(conn *tls.Conn, n *int) {
			defer all.Done()
			for i := 0; time.Now().Before(end); i++ {
				frame := bytes.Repeat([]byte("f"), 9+i*7%120)
				_, err := conn.Write(frame)
				check(err)
				*n += len(frame)
				if i%10 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
			check(conn.CloseWrite())
		}(conn, &sent[side])
		go func(conn *tls.Conn, n *int) {
			defer all.Done()
			m, err := io.Copy(io.Discard, conn)
			check(err)
			*n = int(m)
		}(conn, &got[side])
	}
	all.Wait()
	client.Close()
	server.Close()
	if sent[0] != got[1] || sent[1] != got[0] {
		log.Panic("the stream lost bytes itself")
	}
	totals(at, sent[0], sent[1])
}

// dig uses that much stack below the caller before it goes on.
func dig(depth int, then func()) byte {
	var room [512]byte
	room[depth%512] = byte(depth)
	if depth == 0 {
		then()
	} else {
		dig(depth-1, then)
	}
	return room[depth%512]
}

// stacked reads into a buffer on its stack, which moves when the handshake's reader needs more.
func stacked(conn *tls.Conn) int {
	var buf [700]byte
	n, err := conn.Read(buf[:])
	check(err)
	return n
}

// deep reads and writes on stacks that grow between and within calls, and shrink with each GC.
func deep() {
	l := listen("127.0.0.1:0")
	client, server, at := pair(l)
	go func() {
		in := bufio.NewReaderSize(server, 1000)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				server.Close()
				return
			}
			done := make(chan bool)
			go func() {
				dig(len(line)%90, func() { server.Write([]byte(line)) })
				done <- true
			}()
			<-done
		}
	}()
	sent := 0
	for i := 0; i < 100; i++ {
		done := make(chan bool)
		go func(i int) {
			line := strings.Repeat("d", i*5) + "\n"
			sent += len(line)
			dig(i%60, func() {
				_, err := client.Write([]byte(line))
				check(err)
			})
			if i%20 == 0 {
				runtime.GC()
			}
			dig(i*7%50, func() {
				for got := 0; got < len(line); {
					got += stacked(client)
				}
			})
			done <- true
		}(i)
		<-done
	}
	client.Close()
	totals(at, sent, sent)
	// the content as well: it all is the letter and ends of lines
	say(expectation{Find: at.and(fields{"role": "client", "request_size": 1 + 5*99}),
		Want: fields{"request.body": strings.Repeat("d", 5*99) + "\n",
			"response.body": strings.Repeat("d", 5*99) + "\n"}})
}

// threads makes goroutines change threads while they wait in Read.
func threads() {
	l := listen("127.0.0.1:0")
	var all sync.WaitGroup
	stop := make(chan bool)
	for i := 0; i < 8; i++ { // others keep threads for themselves for a while
		go func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				runtime.LockOSThread()
				time.Sleep(time.Millisecond)
				runtime.UnlockOSThread()
				runtime.Gosched()
			}
		}()
	}
	server(l, false)
	for i := 0; i < 40; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			conn, err := tls.Dial("tcp", l.Addr().String(), insecure)
			check(err)
			in := bufio.NewReader(conn)
			for j := 0; j < 5; j++ {
				if (i+j)%2 == 0 {
					runtime.LockOSThread()
				}
				request(conn, in, fmt.Sprintf("/threads/%d/%d", i, j), strings.Repeat("t", i), "go")
				if (i+j)%2 == 0 {
					runtime.UnlockOSThread()
				}
				time.Sleep(time.Millisecond)
			}
			conn.Close()
		}(i)
	}
	all.Wait()
	close(stop)
}

// large writes 5 MB in one call: what the budget leaves out is counted; empty writes are nothing.
func large() {
	client, server, at := pair(listen("127.0.0.1:0"))
	body := bytes.Repeat([]byte("large\n"), 5<<20/6)
	go func() {
		_, err := client.Write(nil)
		check(err)
		_, err = client.Write(body)
		check(err)
		_, err = client.Write([]byte{})
		check(err)
		check(client.CloseWrite())
	}()
	n, err := io.Copy(io.Discard, server)
	check(err)
	_, err = server.Write([]byte("thanks"))
	check(err)
	server.Close()
	io.Copy(io.Discard, client)
	client.Close()
	for _, role := range []string{"client", "server"} {
		say(expectation{Find: at.and(fields{"role": role}),
			Want: fields{"request_size": n, "response_size": 6, "lost_bytes": 0,
				"truncated_bytes": int(n) - 1<<20, "complete": false,
				"reason": fmt.Sprintf("%d bytes not copied", int(n)-1<<20)}})
	}
}

// failed writes to a peer that is gone. What the program tried to send is shown once.
func failed() {
	client, server, at := pair(listen("127.0.0.1:0"))
	request := "GET /failed HTTP/1.1\r\nHost: x\r\n\r\n"
	server.NetConn().(*net.TCPConn).SetLinger(0)
	server.NetConn().Close()
	time.Sleep(20 * time.Millisecond)
	if _, err := client.Write([]byte(request)); err == nil {
		fmt.Fprintln(os.Stderr, "the first write went into the socket's buffer")
	}
	client.Close()
	say(expectation{Find: at.and(fields{"role": "client", "summary": "/failed"}),
		Want: fields{"complete": false}})
}
