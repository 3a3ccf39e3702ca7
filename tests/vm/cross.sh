#!/bin/bash
# cross.sh ROOT SOURCE BUILD: configure and build cleartap for arm64 in BUILD, against the libraries
# unpacked in ROOT.
set -eu
root=$1 source=$(realpath "$2") build=$3
lib=$root/usr/lib/aarch64-linux-gnu
mkdir -p "$build"
cd "$build"
[ -f config.status ] || PKG_CONFIG_LIBDIR=$lib/pkgconfig:$root/usr/share/pkgconfig \
	PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG=pkg-config \
	"$source/configure" -q --host=aarch64-linux-gnu CC="aarch64-linux-gnu-gcc --sysroot=$root"
make -s -j"$(nproc)" all
