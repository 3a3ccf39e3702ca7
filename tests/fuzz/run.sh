#!/bin/sh
# Build the fuzz targets named in FUZZERS and give each its seeds, all of tests/data/NAME, with its cost
# weighed; then let it change them for FUZZ_SECONDS with the words of tests/fuzz/fuzz_NAME.dict, each time
# in the same way. `make fuzz` takes its time (long.sh).
: "${srcdir:=.}" "${builddir:=.}" "${FUZZERS:?}" "${FUZZ_SECONDS:=2}" "${CLANG:=clang}"

echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n > 9 && 0; }' |
	"$CLANG" -fsanitize=fuzzer,address -x c -o /dev/null - 2>/dev/null ||
	{ echo "1..0 # SKIP $CLANG has no libFuzzer"; exit 0; }
# not the job server of the make that runs the tests
unset MAKEFLAGS MFLAGS
echo 1..$(echo $FUZZERS | wc -w)
if ! log=$(make -s -C "$builddir" $FUZZERS 2>&1); then
	echo "$log" | sed 's/^/# /'
	echo "Bail out! the fuzz targets do not compile"
	exit 1
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
n=0
for fuzzer in $FUZZERS; do
	n=$((n + 1))
	name=${fuzzer##*/fuzz_}
	mkdir "$work/$name" "$work/$name.found"
	set -- -seed=1 -timeout=10 -rss_limit_mb=2048 -verbosity=0 -artifact_prefix="$work/$name.found/"
	[ -f "$srcdir/tests/fuzz/fuzz_$name.dict" ] && set -- "$@" -dict="$srcdir/tests/fuzz/fuzz_$name.dict"
	[ -d "$srcdir/tests/data/$name" ] && seeds=$srcdir/tests/data/$name || seeds=
	if FUZZ_WEIGH=1 "$builddir/$fuzzer" "$@" -runs=0 "$work/$name" $seeds >"$work/log" 2>&1 &&
		"$builddir/$fuzzer" "$@" -max_total_time="$FUZZ_SECONDS" "$work/$name" $seeds >"$work/log" 2>&1
	then
		echo "ok $n - $name"
	else
		grep -v '^INFO' "$work/log" | tail -40 | sed 's/^/# /'
		for found in "$work/$name.found"/*; do
			[ -f "$found" ] && cp "$found" "$builddir/" && echo "# kept as $builddir/${found##*/}"
		done
		echo "not ok $n - $name"
	fi
done
