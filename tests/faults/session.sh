#!/bin/sh
# Whole sessions in one process in which a call fails: of memory, write, fsync, ftruncate, open, mmap, read,
# one and from there on. Of the places that call, FAULT_SAMPLE (2) of a kind are tried, chosen by FAULT_SEED;
# 0, as in `make check-faults`: all; -1: all calls. The library is the one of the fuzz targets, with sanitizers.
: "${srcdir:=.}" "${builddir:=.}" "${CLANG:=clang}" "${FAULT_SAMPLE:=2}"
export srcdir
seed=${FAULT_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}

echo 'int main(void) { return 0; }' | "$CLANG" -fsanitize=address -x c -o /dev/null - 2>/dev/null ||
	{ echo "1..0 # SKIP $CLANG has no AddressSanitizer"; exit 0; }
# not the job server of the make that runs the tests
unset MAKEFLAGS MFLAGS
if ! log=$(make -s -C "$builddir" tests/faults/fault_run 2>&1); then
	echo "$log" | sed 's/^/# /'
	echo "Bail out! the program does not compile"
	exit 1
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
echo "# FAULT_SEED=$seed"
"$builddir/tests/faults/fault_run" "$work" "$FAULT_SAMPLE" "$seed"
