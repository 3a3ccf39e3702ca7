#!/bin/sh
# Build the fuzz targets named in FUZZERS and let each run for a few seconds, starting from its seeds
# in tests/data/NAME with tests/fuzz/fuzz_NAME.dict. For longer: FUZZ_SECONDS=600 FUZZERS=... run.sh
: "${srcdir:=.}" "${builddir:=.}" "${FUZZERS:?}" "${FUZZ_SECONDS:=5}" "${CLANG:=clang}"

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
	set -- -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 -verbosity=0 \
		-artifact_prefix="$work/$name.found/"
	[ -f "$srcdir/tests/fuzz/fuzz_$name.dict" ] && set -- "$@" -dict="$srcdir/tests/fuzz/fuzz_$name.dict"
	[ -d "$srcdir/tests/data/$name" ] && seeds=$srcdir/tests/data/$name || seeds=
	if "$builddir/$fuzzer" "$@" "$work/$name" $seeds >"$work/log" 2>&1; then
		echo "ok $n - $name"
	else
		grep -v '^INFO' "$work/log" | tail -40 | sed 's/^/# /'
		for found in "$work/$name.found"/*; do
			[ -f "$found" ] && cp "$found" "$builddir/" && echo "# kept as $builddir/${found##*/}"
		done
		echo "not ok $n - $name"
	fi
done
