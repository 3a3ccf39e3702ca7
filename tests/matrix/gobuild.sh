#!/bin/bash
# gobuild.sh SUITE VERSION OUTPUT [OPTION...]: gotls.go, or the file GOSOURCE, built by that suite's
# Go, which is unpacked in the folder of tests/vm/fetch.sh, with options of "go build". GOARCH says
# for which processor, CGO_ENABLED=1 wants C.
# Status 77 and the reason on standard error when the toolchain cannot be downloaded.
set -eu
suite=$1 version=$2 output=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
root=$("$here/../vm/fetch.sh" root "$suite" amd64 "golang-$version-go")
export GOROOT=$root/usr/lib/go-$version GOCACHE=${root%/root/*}/go-build-$version
export GO111MODULE=off GOTOOLCHAIN=local GOFLAGS='' CGO_ENABLED=${CGO_ENABLED:-0}
exec "$GOROOT/bin/go" build "$@" -o "$output" "${GOSOURCE:-$here/gotls.go}"
