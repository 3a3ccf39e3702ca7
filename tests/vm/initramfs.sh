#!/bin/bash
# initramfs.sh ROOT OUTPUT PROGRAM...: a small root file system with the programs and openssl, curl
# and busybox, each with the shared libraries that it needs. These come from ROOT ("/" is this
# machine). The first program tells the architecture.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=${1%/} output=$(realpath -m "$2")
shift 2
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
triplet=$(readelf -h "$1" | awk '/Machine:/ { print /AArch64/ ? "aarch64" : "x86_64" }')-linux-gnu

# add_library NAME: with what it needs itself; the loader is found by its own path.
add_library() {
	local dir
	[ ! -e "$tree/usr/lib/$triplet/$1" ] || return 0
	for dir in "$root/usr/lib/$triplet" "$root/lib/$triplet" "$root/lib" "$root/lib64"; do
		[ ! -e "$dir/$1" ] || break
	done
	cp -L "$dir/$1" "$tree/usr/lib/$triplet/$1"
	add_needed "$dir/$1"
}

# add_needed FILE: the libraries of a program or library.
add_needed() {
	local name
	readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | while read -r name; do
		add_library "$name"
	done
}

# add_program FILE
add_program() {
	local loader
	install -m 755 "$1" "$tree/usr/bin/"
	loader=$(readelf -l "$1" | sed -n 's/.*program interpreter: \(.*\)]/\1/p')
	if [ -n "$loader" ] && [ ! -e "$tree$loader" ]; then
		mkdir -p "$tree$(dirname "$loader")"
		cp -L "$root$loader" "$tree$loader"
	fi
	add_needed "$1"
}

mkdir -p "$tree"/{bin,dev,etc/ssl,run,srv,tmp,usr/bin,usr/lib/"$triplet"}
ln -s usr/lib "$tree/lib"
for program in "$@" "$root/usr/bin/openssl" "$root/usr/bin/curl"; do
	add_program "$program"
done
add_library libgcc_s.so.1 # pthread_cancel loads it by name
for busybox in "$root/usr/bin/busybox" "$root/bin/busybox"; do
	[ ! -e "$busybox" ] || install -m 755 "$busybox" "$tree/bin/busybox"
done
install -m 755 "$here/init" "$tree/init"

mkdir -p "$tree/usr/lib/ssl"
: >"$tree/usr/lib/ssl/openssl.cnf"
printf 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$tree/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$tree/etc/group"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
	-subj /CN=localhost -keyout "$tree/srv/key.pem" -out "$tree/srv/cert.pem" 2>/dev/null
for name in curl4 curl6 s_client; do
	printf 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\nthis is /%s\n' \
		$((${#name} + 10)) "$name" >"$tree/srv/$name"
done

(cd "$tree" && find . | cpio -o -H newc -R 0:0 --quiet) >"$output.new"
mv "$output.new" "$output"
