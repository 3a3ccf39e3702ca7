#!/bin/sh
# `make fuzz`: each target for FUZZ_SECONDS, from its seeds and what earlier runs left in
# $builddir/fuzz-corpus. Then all that was found is given once more to programs without sanitizers that
# count: lines that were run, by folder, and the dearest byte. Fails for what is found and for less
# than FUZZ_LINES percent of the lines that FUZZ_GOAL names. FUZZERS="tests/fuzz/fuzz_x" runs some only.
: "${srcdir:=.}" "${builddir:=.}" "${FUZZERS:?}" "${FUZZ_SECONDS:=60}" "${FUZZ_LINES:=90}"
: "${LLVM_PROFDATA:=llvm-profdata}" "${LLVM_COV:=llvm-cov}"
corpus=$builddir/fuzz-corpus
failed=0

mkdir -p "$corpus" "$builddir/fuzz-found" || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
printf '%-12s %12s %8s %8s %6s %8s\n' target executions per-s inputs ns/B '' >"$work/table"
objects=
for fuzzer in $FUZZERS; do
	name=${fuzzer##*/fuzz_}
	seeds=$srcdir/tests/data/$name
	mkdir -p "$corpus/$name"
	set -- -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 -verbosity=0 -reload=0 \
		-print_final_stats=1 -artifact_prefix="$builddir/fuzz-found/$name-" "$corpus/$name"
	[ -d "$seeds" ] && set -- "$@" "$seeds" || seeds=
	[ -f "$srcdir/tests/fuzz/fuzz_$name.dict" ] && set -- -dict="$srcdir/tests/fuzz/fuzz_$name.dict" "$@"
	echo "$name: $FUZZ_SECONDS s"
	says=
	if ! "$builddir/$fuzzer" "$@" >"$work/log" 2>&1; then
		grep -v '^INFO' "$work/log" | tail -40
		says=FOUND
		failed=1
	fi
	LLVM_PROFILE_FILE=$work/$name.profraw FUZZ_WEIGH=1 timeout 600 "$builddir/$fuzzer.plain" "$corpus/$name" \
		$seeds >"$work/plain" 2>"$work/plain.err" || { tail -5 "$work/plain.err"; says=COST; failed=1; }
	objects="$objects -object $builddir/$fuzzer.plain"
	printf '%-12s %12s %8s %8s %6s %8s\n' "$name" \
		"$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")" \
		"$(sed -n 's/^stat::average_exec_per_sec: *//p' "$work/log")" \
		"$(find "$corpus/$name" $seeds -type f | wc -l)" \
		"$(sed -n 's/^dearest //p' "$work/plain")" "$says" >>"$work/table"
done
echo
cat "$work/table"
"$LLVM_PROFDATA" merge -o "$work/all" "$work"/*.profraw &&
	"$LLVM_COV" export -summary-only -instr-profile "$work/all" "$builddir/tests/fuzz/whole.plain" $objects \
		>"$work/lines" 2>"$work/lines.err" &&
	python3 "$srcdir/tests/fuzz/lines.py" "$FUZZ_LINES" <"$work/lines" || { cat "$work/lines.err"; failed=1; }
exit $failed
