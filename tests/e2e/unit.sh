#!/bin/bash
# shellcheck disable=SC2317
# The systemd unit: it is valid, has little power, and starts and stops where it was installed, in
# a Debian root of its own that systemd boots (systemd-nspawn).
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

CACHE=${CLEARTAP_CACHE:-/var/cache/cleartap-test}
BASE=$CACHE/nspawn-root
PACKAGES=systemd,systemd-sysv,dbus,curl,libmicrohttpd12,libjansson4,libcapstone4,libdwarf1,libbpf1,libbrotli1,libseccomp2,libpcre2-8-0,libsqlite3-0,libexpat1,libxxhash0

need_cleartap
for tool in systemd-analyze systemd-nspawn debootstrap; do
	command -v $tool >/dev/null || tap_skip_all "no $tool"
done

# The most that `systemd-analyze security` may say, in tenths.
EXPOSURE=30
installed=$TMPDIR/installed
install_all() { make -C "$builddir" install DESTDIR="$installed" prefix=/usr sysconfdir=/etc; }
is_valid() {
	# The program that the unit names is looked for on this machine.
	sed "s,^ExecStart=/usr/sbin/cleartap,ExecStart=$(realpath "$CLEARTAP")," "$unit" >"$TMPDIR/cleartap.service"
	SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no "$TMPDIR/cleartap.service" >"$TMPDIR/said" 2>&1 &&
		[ ! -s "$TMPDIR/said" ] || fail_with "$TMPDIR/said"
}
has_little_power() {
	systemd-analyze security --offline=true --no-pager --threshold=$EXPOSURE "$unit" | tail -n 1
	return "${PIPESTATUS[0]}"
}

tap_ok "make install" install_all || tap_done
unit=$installed/usr/lib/systemd/system/cleartap.service
tap_ok "the unit names the installed program" grep -q '^ExecStart=/usr/sbin/cleartap ' "$unit"
tap_ok "and it is there" test -x "$installed/usr/sbin/cleartap"
tap_ok "the unit is valid" is_valid
tap_ok "its exposure is at most $EXPOSURE tenths" has_little_power
echo "# $(has_little_power)"

mirror() { sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null | head -n 1; }
make_base() {
	[ "$(cat "$BASE/.packages" 2>/dev/null)" = "$PACKAGES" ] && return
	rm -rf "$BASE"
	mkdir -p "$CACHE"
	debootstrap --variant=minbase --include="$PACKAGES" bookworm "$BASE" "$(mirror)" >"$TMPDIR/debootstrap" 2>&1 ||
		fail_with "$TMPDIR/debootstrap" || return
	echo "$PACKAGES" >"$BASE/.packages"
}

# What runs inside, as a service of its own; what it prints goes to /said.
inside() {
	cat <<-'END'
	#!/bin/bash
	exec >/said 2>&1
	systemd-sysusers
	getent passwd cleartap >/dev/null && echo "has user"
	systemctl start cleartap && echo "started"
	for _ in $(seq 100); do
		curl -s -f --unix-socket /run/cleartap/socket http://localhost/readyz && break
		sleep 0.1
	done
	echo
	systemctl is-active cleartap
	curl -s -f --unix-socket /run/cleartap/socket http://localhost/api/entries | head -c 12
	echo
	stat -c '%a %n' /var/lib/cleartap /var/lib/cleartap/token
	timeout 20 systemctl stop cleartap && echo "stopped"
	systemctl show cleartap -p Result -p ExecMainStatus
	journalctl -u cleartap --no-pager -o cat | tail -n 20
	echo "end"
	systemctl poweroff --force
	END
}

boot() {
	local root=$TMPDIR/root
	cp -a "$BASE" "$root" && cp -a "$installed/." "$root/" || return
	inside >"$root/inside" && chmod +x "$root/inside"
	cat >"$root/etc/systemd/system/inside.service" <<-'END'
	[Unit]
	After=basic.target systemd-sysusers.service
	[Service]
	Type=oneshot
	ExecStart=/inside
	TimeoutStartSec=60
	[Install]
	WantedBy=multi-user.target
	END
	mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
	ln -s ../inside.service "$root/etc/systemd/system/multi-user.target.wants/"
	# The kernel's own type information is not in the container's /sys where that is empty.
	SYSTEMD_SECCOMP=0 timeout 120 unshare -m sh -c 'mkdir -p /run/systemd/nspawn &&
		mount -t tmpfs tmpfs /run/systemd/nspawn &&
		exec systemd-nspawn -D "$1" --boot --register=no --keep-unit --console=pipe --capability=all \
			--private-network systemd.unit=multi-user.target' - "$root" </dev/null >"$TMPDIR/boot" 2>&1
	cp "$root/said" "$TMPDIR/said" 2>/dev/null || { cat "$TMPDIR/boot"; return 1; }
	grep -q '^end' "$TMPDIR/said" || fail_with "$TMPDIR/said"
}
said() { grep -q -x -- "$1" "$TMPDIR/said" || fail_with "$TMPDIR/said"; }

tap_ok "a Debian root" make_base || tap_done
tap_ok "systemd boots in it" boot || tap_done
tap_ok "installing makes the user" said "has user"
tap_ok "the unit starts" said "started"
tap_ok "it is running" said "active"
tap_ok "and answers" said '{"entries":\['
tap_ok "its files are for itself alone" said "600 /var/lib/cleartap/token"
nothing_refused() { ! grep -i 'not permitted\|denied' "$TMPDIR/said"; }
tap_ok "nothing that it needs is refused" nothing_refused
tap_ok "it stops" said "stopped"
tap_ok "with success" said "ExecMainStatus=0"
tap_done
