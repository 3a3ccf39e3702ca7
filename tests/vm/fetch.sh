#!/bin/bash
# fetch.sh kernel SUITE ARCH       print the path of the suite's cloud kernel
# fetch.sh root SUITE ARCH PKG...  print the path of a folder with the packages unpacked, and with
#                                  what they depend on
#
# From the Debian mirror that this machine already uses, by apt with lists and a cache of its own
# under $CLEARTAP_CACHE. What is there already is not fetched again. Nothing is installed. Status
# 77 and the reason on standard error when something cannot be downloaded.
set -euo pipefail

what=$1 suite=$2 arch=$3
shift 3
cache=${CLEARTAP_CACHE:-${XDG_CACHE_HOME:-/var/cache}/cleartap-test}
state=$cache/apt/$suite-$arch
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

skip() {
	echo "$suite $arch: $*" >&2
	exit 77
}

for tool in apt-get dpkg-deb flock; do
	command -v "$tool" >/dev/null || skip "$tool is not installed"
done
{ mkdir -p "$state" && cd "$state"; } || skip "cannot write $cache; set CLEARTAP_CACHE"
umask 022

# The mirror of the release that runs here.
find_mirror() {
	# shellcheck source=/dev/null
	. /etc/os-release
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(LABEL)' \
		'Created-By: Packages' | awk -v codename="${VERSION_CODENAME:-}" \
		'$3 == "main" && ($2 == codename || $4 == "Debian") { print $1; exit }'
}

apt() {
	local command=$1
	shift
	"apt-$command" -q -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=- \
		-o Dir::State::Lists="$state/lists" -o Dir::State::status="$state/status" \
		-o Dir::Cache="$state/cache" -o APT::Architecture="$arch" \
		-o APT::Architectures="$arch" -o APT::Sandbox::User=root \
		-o APT::Install-Recommends=false -o Acquire::Languages=none \
		-o Acquire::Check-Valid-Until=false -o Acquire::Retries=2 "$@" 2>>"$state/log"
}

apt_update() {
	local mirror
	mirror=$(find_mirror)
	[ -n "$mirror" ] || skip "no Debian mirror in this machine's apt sources"
	mkdir -p lists/partial cache/archives/partial
	: >status
	: >log
	echo "deb [signed-by=$keyring] $mirror $suite main" >sources.list
	apt get update --error-on=any >>log || {
		rm -rf lists
		skip "apt-get update: $(grep -m 1 '^E:' log)"
	}
}

# unpack DIRECTORY DEB...: as on a system with merged /usr, whatever the suite, and without
# absolute links, so that a compiler outside finds its way too.
unpack() {
	local root=$1 deb dir link
	mkdir -p "$1"/{dev,proc,srv,sys,tmp}
	shift
	for dir in bin sbin lib lib64; do
		mkdir -p "$root/usr/$dir"
		ln -s "usr/$dir" "$root/$dir"
	done
	for deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x --keep-directory-symlink -C "$root" || return
	done
	find "$root" -type l -lname '/*' | while read -r link; do
		ln -snrf "$root$(readlink "$link")" "$link"
	done
}

# keep FILE TARGET: a target is there as a whole or not at all.
keep() {
	mkdir -p "$(dirname "$2")"
	mv -T "$1" "$2"
}

root_download() {
	rm -f cache/archives/*.deb
	apt get install -y --download-only "$@" >>log
}

# The kernel's package alone, without those that it depends on; in newer suites the file is in
# linux-binary-*.
kernel_download() {
	local packages
	rm -f cache/archives/*.deb
	packages=$(apt cache depends --recurse --no-suggests --no-recommends --no-conflicts \
		--no-breaks --no-replaces --no-enhances "linux-image-cloud-$arch" |
		grep -E "^linux-(image|binary)-[0-9].*-cloud-$arch(-unsigned)?\$") || return
	# shellcheck disable=SC2086
	(cd cache/archives && apt get download $packages >>"$state/log")
}

# download_new FUNCTION ARGUMENT...: download and unpack to ./new. The lists may be older than the
# archive, so they are brought up to date once when a file is gone.
download_new() {
	"$@" || { apt_update && "$@"; } || skip "$*: $(grep '^E:' log | tail -n 1)"
	unpack new cache/archives/*.deb || skip "cannot unpack $(echo cache/archives/*.deb)"
	rm -f cache/archives/*.deb
}

fetch_root() {
	local root
	root=$cache/root/$suite-$arch-$(echo "$*" | sha256sum | cut -c 1-12)
	if [ ! -d "$root" ]; then
		download_new root_download "$@"
		keep new "$root"
	fi
	echo "$root"
}

fetch_kernel() {
	local kernel=$cache/kernel/$suite-$arch file
	if [ ! -f "$kernel" ]; then
		download_new kernel_download
		file=$(find new -name 'vmlinuz*' -type f)
		[ -f "$file" ] || skip "no kernel in linux-image-cloud-$arch"
		keep "$file" "$kernel"
		rm -rf new
	fi
	echo "$kernel"
}

exec 9>lock
flock 9
rm -rf new
[ -d lists ] || apt_update
"fetch_$what" "$@"
