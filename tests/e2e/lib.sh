# shellcheck shell=bash disable=SC2034
# Shared by the tests that run the real program: sourced by bash scripts, not run. TAP on standard
# output; what cleartap logs stays in $CT_DIR/log until the script ends.

builddir=${builddir:-.}
srcdir=${srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
CLEARTAP=${CLEARTAP:-$builddir/cleartap}
CHECK="$srcdir/tests/e2e/check_entries.py"
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/cleartap-test.XXXXXX")
export TMPDIR
chmod 711 "$TMPDIR"
CT_PID='' CT_DIR='' CT_SOCK='' CT_URL='' CT_TOKEN='' CT_STATUS=''
tap_count=0 tap_failures=0 cleanup_pids=()

# at_exit_kill PID...: processes that must not outlive the script.
at_exit_kill() { cleanup_pids+=("$@"); }

_cleanup() {
	local status=$?
	trap - EXIT
	[ -z "$CT_PID" ] || ct_stop
	[ ${#cleanup_pids[@]} -eq 0 ] || kill "${cleanup_pids[@]}" 2>/dev/null
	wait 2>/dev/null
	rm -rf "$TMPDIR"
	exit "$status"
}
trap _cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

tap_diag() { sed 's/^/# /'; }

# tap_ok NAME COMMAND...: one case, which passes when the command does. Its output is the
# diagnosis of a failure.
tap_ok() {
	local name=$1
	shift
	tap_count=$((tap_count + 1))
	if "$@" >"$TMPDIR/output" 2>&1; then
		echo "ok $tap_count - $name"
		return 0
	fi
	tap_failures=$((tap_failures + 1))
	echo "not ok $tap_count - $name"
	tap_diag <"$TMPDIR/output"
	return 1
}

# fail_with FILE: as the command of a case that has failed already.
fail_with() {
	tail -n 40 "$1"
	return 1
}

# tap_skip NAME REASON: one case that cannot be tried here.
tap_skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# tap_skip_all REASON: nothing can be tried here; ends the script.
tap_skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# tap_done: the plan; ends the script, with status 1 when a case failed.
tap_done() {
	echo "1..$tap_count"
	[ "$tap_failures" -eq 0 ] || [ -z "$CT_DIR" ] || tail -n 40 "$CT_DIR/log" | tap_diag
	exit $((tap_failures > 0))
}

# A table beside the cases: cell ROW COLUMN COMMAND... is a case of it, table_set a mark without a
# case, table_print shows all of it as a comment. Marks have no spaces.
declare -A table=()
table_rows=() table_columns=()

table_set() {
	[[ " ${table_rows[*]} " = *" $1 "* ]] || table_rows+=("$1")
	[[ " ${table_columns[*]} " = *" $2 "* ]] || table_columns+=("$2")
	table[$1,$2]=$3
}

cell() {
	local row=$1 column=$2 mark=FAIL
	shift 2
	tap_ok "$row $column" "$@" && mark=pass
	table_set "$row" "$column" "$mark"
	[ "$mark" = pass ]
}

# cell_skip ROW COLUMN REASON
cell_skip() {
	tap_skip "$1 $2" "$3"
	table_set "$1" "$2" skip
}

table_print() {
	local row column
	{
		echo "-" "${table_columns[@]}"
		for row in "${table_rows[@]}"; do
			printf '%s' "$row"
			for column in "${table_columns[@]}"; do
				printf ' %s' "${table[$row,$column]:--}"
			done
			echo
		done
	} | awk '{
		for (i = 1; i <= NF; i++) {
			cell[NR, i] = $i
			if (length($i) > width[i]) width[i] = length($i)
		}
	}
	END {
		for (r = 1; r <= NR; r++) {
			line = "#"
			for (i = 1; i in width; i++) line = line sprintf(" %-*s", width[i], cell[r, i])
			print line
		}
	}'
}

# need TOOL...: skip the whole script unless all are there.
need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null || tap_skip_all "$tool is not installed"
	done
}

# need_cleartap: skip unless the program is built and may load BPF programs.
need_cleartap() {
	need curl python3
	[ -x "$CLEARTAP" ] || tap_skip_all "$CLEARTAP is not built"
	[ "$(id -u)" = 0 ] || tap_skip_all "needs root to load BPF programs"
}

# ct_start [OPTION...]: start cleartap with a store of its own; wait for its line and until all probes are in.
# It traces this script and all that it starts, or what the options name: nothing else of the machine.
# Sets CT_PID, CT_DIR, CT_SOCK, CT_URL (with the token) and CT_TOKEN. Status 1 and the log on
# standard output when it does not become ready. CT_DIR set before the call is used again.
ct_start() {
	local i scope=(--pid $$)
	[[ " $* " != *" --"@(pid|exe|container)" "* ]] || scope=()
	[ -n "$CT_DIR" ] || CT_DIR=$(mktemp -d "$TMPDIR/ct.XXXXXX")
	chmod 711 "$CT_DIR"
	CT_SOCK=$CT_DIR/sock
	"$CLEARTAP" --store "$CT_DIR/store.db" --listen 127.0.0.1:0 --unix-socket "$CT_SOCK" \
		--token-file "$CT_DIR/token" "${scope[@]}" "$@" >"$CT_DIR/out" 2>"$CT_DIR/log" &
	CT_PID=$!
	for ((i = 0; i < 600; i++)); do
		kill -0 "$CT_PID" 2>/dev/null || break
		if grep -q 'cleartap: open' "$CT_DIR/out" && ct_get /readyz >/dev/null 2>&1; then
			CT_TOKEN=$(cat "$CT_DIR/token")
			CT_URL=$(grep -o -m 1 'https\?://[^ ]*' "$CT_DIR/out")?token=$CT_TOKEN
			return 0
		fi
		sleep 0.1
	done
	echo "cleartap did not become ready"
	cat "$CT_DIR/out" "$CT_DIR/log"
	ct_stop
	return 1
}

# Secrets that tests send where programs do: in no file of the store may they be found.
CT_SECRETS=(ctSecretPassword7 ctSecretToken8x9 ctSecretCookie5)
# curl's options that send some.
CT_PLANT=(-H "Authorization: Bearer ${CT_SECRETS[1]}" -b "sid=${CT_SECRETS[2]}")

# ct_no_secrets SECRET...: status 1, and where, when a file of the store holds one.
ct_no_secrets() {
	local secret status=0
	for secret; do
		grep -a -c -F -e "$secret" "$CT_DIR"/store.db* 2>/dev/null | grep -v ':0$' |
			sed "s|^|$secret in |" | grep . && status=1
	done
	return $status
}

# ct_stop: end cleartap as an administrator does. Its exit status goes to CT_STATUS; 137 when it
# had to be killed, 99 when its store holds a secret of CT_SECRETS.
ct_stop() {
	local pid=$CT_PID i
	[ -n "$pid" ] || { echo "cleartap was not started"; return 1; }
	CT_PID=''
	kill -TERM "$pid" 2>/dev/null
	for ((i = 0; i < 600; i++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	CT_STATUS=$?
	ct_no_secrets "${CT_SECRETS[@]}" || CT_STATUS=99
	return "$CT_STATUS"
}

# ct_get PATH [CURL OPTION...]: ask the API over the unix socket; status 22 for an HTTP error.
ct_get() {
	local path=$1
	shift
	curl -sS -f --max-time 30 --unix-socket "$CT_SOCK" "$@" "http://localhost$path"
}

# eventually COMMAND...: until it succeeds, for 20 s; else what it said last.
eventually() {
	local end=$((SECONDS + 20))
	until "$@" >"$TMPDIR/eventually" 2>&1; do
		[ $SECONDS -lt $end ] || fail_with "$TMPDIR/eventually" || return
		sleep 0.1
	done
}

# ct_holds QUERY TEXT...: the detail of the newest entry that the query finds comes to have each text.
ct_holds() { eventually ct_holds_now "$@"; }

ct_holds_now() {
	local id text
	id=$(ct_get '/api/entries?limit=1' -G --data-urlencode "q=$1" |
		grep -o '"id":[0-9]*' | head -n 1 | cut -d : -f 2)
	ct_get "/api/entries/${id:-0}" >"$TMPDIR/detail"
	shift
	for text; do
		grep -q -F -- "$text" "$TMPDIR/detail" || { echo "lacks $text"; cut -c1-3000 "$TMPDIR/detail"; return 1; }
	done
}

# ct_finds COUNT QUERY: a filter comes to find so many entries; COUNT is a number, or as '-ge 3'.
ct_finds() { eventually ct_finds_now "$@"; }

ct_finds_now() {
	local n how=-eq
	n=$(ct_get '/api/entries?limit=1000' -G --data-urlencode "q=$2" | tee "$TMPDIR/found" | grep -o '"id":' | wc -l)
	[[ $1 != *" "* ]] || how=${1% *}
	echo "$n entries"
	cut -c1-3000 "$TMPDIR/found"
	test "$n" "$how" "${1##* }"
}

# ct_check NAME ARGUMENT...: a case: check_entries.py finds exactly the entries described.
ct_check() {
	local name=$1
	shift
	tap_ok "$name" "$CHECK" --socket "$CT_SOCK" "$@"
}

# free_port: a TCP port that nobody listens on.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_port PORT [PID]: until something listens there, without connecting to it; status 1 when
# nothing does, or when PID has ended.
wait_port() {
	local i hex
	hex=$(printf '%04X' "$1")
	for ((i = 0; i < 400; i++)); do
		grep -qs ":$hex [0-9A-F]*:0000 0A" /proc/net/tcp /proc/net/tcp6 && return 0
		[ -z "$2" ] || kill -0 "$2" 2>/dev/null || break
		sleep 0.05
	done
	echo "nothing listens on port $1"
	return 1
}

# make_cert DIRECTORY: key.pem and cert.pem (EC P-256) for localhost, 127.0.0.1 and ::1.
make_cert() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
		-subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1' \
		-keyout "$1/key.pem" -out "$1/cert.pem" 2>/dev/null
}
