// SPDX-License-Identifier: GPL-2.0-or-later

// goserver ADDR CERT KEY: an HTTPS server (HTTP/1.1) with answers of /1 and /64 KiB, for go.sh.
package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
)

func main() {
	for _, kib := range []int{1, 64} {
		body := bytes.Repeat([]byte("cleartap"), kib*128)
		http.HandleFunc(fmt.Sprintf("/%d", kib), func(w http.ResponseWriter, r *http.Request) {
			w.Write(body)
		})
	}
	s := &http.Server{
		Addr:         os.Args[1],
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	fmt.Fprintln(os.Stderr, s.ListenAndServeTLS(os.Args[2], os.Args[3]))
	os.Exit(1)
}
