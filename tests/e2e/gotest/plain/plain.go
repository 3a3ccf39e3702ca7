// A Go program without TLS.
package main

import "time"

func main() { time.Sleep(time.Minute) }
