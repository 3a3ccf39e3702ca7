#!/bin/sh
# Make the seeds of the targets anew, those of fuzz_gobin and fuzz_dwarf of this machine's libraries, Go and
# gcc; run it in the folder of the sources after "make -C build tests/fuzz/thin". Other seeds stay.
set -e
: "${builddir:=build}"
srcdir=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
thin() { LLVM_PROFILE_FILE=/dev/null "$srcdir/$builddir/tests/fuzz/thin" "$1" "$srcdir/tests/data/gobin/$2" || true; }
mkdir -p tests/data/gobin
for name in dwarf session request export database message tls; do
	mkdir -p tests/data/$name
	python3 tests/fuzz/make_$name.py tests/data/$name tests/fuzz/fuzz_$name.dict
done

for lib in ssl.so.3 gnutls.so.30; do
	for file in /usr/lib/*/lib$lib; do thin "$file" "lib${lib%%.*}-$(basename "$(dirname "$file")")"; done
done

cd "$work"
export GO111MODULE=on GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local CGO_ENABLED=0
version=$(go env GOVERSION)
printf 'module example.org/tapped\n\ngo 1.15\n' >go.mod
cat >main.go <<'END'
package main

import "crypto/tls"

func main() {
	c, err := tls.Dial("tcp", "127.0.0.1:1", nil)
	if err == nil {
		c.Write([]byte("x"))
		c.Read(make([]byte, 1))
		c.Close()
	}
}
END
build() { # NAME FLAGS...
	name=$1
	shift
	go build -o program "$@" . && thin program "$version-$name"
}
build amd64 -ldflags="-s -w"
build amd64-pie -buildmode=pie -ldflags="-s -w"
build amd64-symbols -ldflags=-w
build amd64-slow -gcflags="all=-N -l" -ldflags="-s -w"
GOARCH=arm64 build arm64 -ldflags="-s -w"
GOARCH=arm64 build arm64-slow -gcflags="all=-N -l" -ldflags="-s -w"
echo 'package main; func main() { println("hello") }' >main.go
build no-tls -ldflags="-s -w"
