#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The C files are as .clang-format has it, and no file is longer than it may be.
srcdir=${srcdir:-.}
cd "$srcdir" || exit 1
[ -e .clang-format ] && command -v clang-format >/dev/null || { echo "1..0 # SKIP no clang-format"; exit 0; }
echo 1..2
bad=$(find bpf src tests -name '*.[ch]' -exec clang-format --style=file --output-replacements-xml {} + |
	grep -c '<replacement ')
if [ "$bad" = 0 ]; then echo "ok 1 - formatted"; else
	echo "not ok 1 - formatted"
	for f in $(find bpf src tests -name '*.[ch]'); do
		clang-format --style=file --dry-run --Werror "$f" >/dev/null 2>&1 || echo "# clang-format -i $f"
	done
fi
long=$(find bpf src web tests -path '*/node_modules' -prune -o -name '*.[ch]' -o -name '*.js' -o -name '*.css' | grep -v node_modules | xargs wc -l |
	awk '$1 > 600 && $2 != "total" { print "# " $2 " has " $1 " lines" }')
if [ -z "$long" ]; then echo "ok 2 - no file over 600 lines"; else echo "not ok 2 - no file over 600 lines"; echo "$long"; fi
