#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The house: parts below never include parts above, and no name stands for two things.
srcdir=${srcdir:-.}
cd "$srcdir" || exit 1
echo 1..3

# A room, then the rooms that it may include beside itself and base. "." is src/ itself: what an
# entry is; "bpf" is bpf/event.h, which kernel and user space share.
# bpf/event.h counts the libraries by their table.
rooms='base:
bpf:trace
.:kfl
kfl:
body:
redact:. body
tls:.
wire:. tls dissect
dissect:. redact body
session:. dissect wire tls
store:. kfl body
trace:. bpf
source:. bpf tls wire session dissect trace
context:. bpf trace
keep:bpf
api:. bpf kfl body redact store session source context wire tls keep
cli:
app:. bpf kfl body redact dissect session wire store source context trace keep api cli'

bad=$(find src bpf -name '*.[ch]' | sort | while read -r file; do
	room=${file#src/}
	case $room in bpf/*) room=bpf ;; */*) room=${room%%/*} ;; *) room=. ;; esac
	may=$(echo "$rooms" | sed -n "s/^$room://p")
	sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file" | while read -r path; do
		case $path in event.h) to=bpf ;; */*) to=${path%%/*} ;; *) to=. ;; esac
		case $path in *.skel.h | config.h | vmlinux.h | *.bpf.h) continue ;; esac
		case " base $room $may " in *" $to "*) ;; *) echo "# $file includes $path" ;; esac
	done
done)
if [ -z "$bad" ]; then echo "ok 1 - parts below include no parts above"; else
	echo "not ok 1 - parts below include no parts above"; echo "$bad"
fi

twice=$(find src bpf -name '*.[ch]' | sed 's,.*/,,' | sort | uniq -d | sed 's/^/# two files are named /')
if [ -z "$twice" ]; then echo "ok 2 - each file has a name of its own"; else
	echo "not ok 2 - each file has a name of its own"; echo "$twice"
fi

structs=$(find src bpf -name '*.[ch]' | xargs sed -nE 's/^(static )?(const )?struct ([a-z_0-9]+) \{.*/\3/p' |
	sort | uniq -d | sed 's/^/# two things are struct /')
if [ -z "$structs" ]; then echo "ok 3 - each struct has one meaning"; else
	echo "not ok 3 - each struct has one meaning"; echo "$structs"
fi
