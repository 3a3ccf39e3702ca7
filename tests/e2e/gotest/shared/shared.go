// A c-shared library: TLS by Go inside a program that is none.
package main

import "C"

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"io/ioutil"
	"net/http"
)

//export request
func request(addr, path *C.char) C.int {
	conn, err := tls.Dial("tcp", C.GoString(addr), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return -1
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", C.GoString(path))
	a, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return -2
	}
	io.Copy(ioutil.Discard, a.Body)
	conn.Close()
	return C.int(a.StatusCode)
}

func main() {}
