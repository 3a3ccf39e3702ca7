#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A field is one row: in a copy of the sources a row is added to src/entry.def, what knows entries is
# built, and tests/field_walk.py walks the field through store, JSON, KFL, redact(), /api/kfl/fields and
# openapi. So that there is something to walk, the copy gives it a value in each new entry.
srcdir=${srcdir:-.}
builddir=${builddir:-.}
dir=$(mktemp -d "${TMPDIR:-/tmp}/cleartap-field.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

bail() {
	echo "1..1"
	echo "not ok 1 - $1"
	sed 's/^/# /' "$dir/log" | head -n 30
	exit 1
}

variable() { sed -n "s/^$1 = //p" "$builddir/Makefile" | head -n 1; }

[ -e "$builddir/libcleartap.a" ] || skip_all "libcleartap.a is not built"
[ -x "$builddir/tests/unit/api_server" ] || skip_all "api_server is not built"
cp -R "$srcdir/src" "$dir/src"
chmod -R u+w "$dir"

# The version after the newest of schema/ and of the rows that are there.
newest=$({
	ls "$srcdir/schema" | sed -n 's/^0*\([0-9][0-9]*\)-.*/\1/p'
	sed -n 's/.*\.since = \([0-9]*\).*/\1/p' "$srcdir"/src/*.def "$srcdir"/src/dissect/*.def
} | sort -n | tail -n 1)
row='FIELD(TEXT, TOP, flavour, "flavour", (0, "flavour", "how it tastes", "flavour == \\"sour\\"", '
row=$row'"entry.taste"), .since = '$((newest + 1))', .about = "a taste")'
awk -v row="$row" '{ print } /^#include "dissect\/redis.def"/ { print row }' \
	"$srcdir/src/entry.def" >"$dir/src/entry.def"
awk '{ print } /\*e = empty;/ { print "\te->flavour = \"sour\";" }' \
	"$srcdir/src/entry.c" >"$dir/src/entry.c"
[ "$(diff "$srcdir/src/entry.def" "$dir/src/entry.def" | grep -c '^[<>]')" = 1 ] ||
	bail "one row is added"

# All but what reads binaries and traces, which knows no entry.
cc=$(variable CC)
flags="-std=gnu17 -O0 -w -include $builddir/config.h -I$dir/src -I$srcdir/bpf -I$builddir $(variable DEPS_CFLAGS)"
find "$dir/src" -name '*.c' ! -path '*/trace/*' ! -name main.c ! -name serve.c >"$dir/files"
xargs -P "$(nproc)" -I{} sh -c "$cc $flags -c -o \$(echo {} | tr / _ | sed 's,^,$dir/,').o {}" \
	<"$dir/files" >"$dir/log" 2>&1 || bail "the copy is built"
$cc $flags -I"$srcdir/tests/lib" -o "$dir/api_server" "$srcdir/tests/unit/api_server.c" \
	"$srcdir/tests/unit/api_entries.c" "$srcdir"/tests/lib/*.c "$dir"/*.o \
	"$builddir/libcleartap.a" $(variable DEPS_LIBS) $(variable DWARF_LIBS) -lpthread \
	>"$dir/log" 2>&1 || bail "the copy is linked"
PYTHONPATH=$srcdir/tests/unit python3 "$srcdir/tests/field_walk.py" "$dir/api_server"
