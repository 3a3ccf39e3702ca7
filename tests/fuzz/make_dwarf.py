# SPDX-License-Identifier: GPL-2.0-or-later
"""Seeds of fuzz_dwarf: the debug information of a C file whose structures are then called as Go's."""
import os
import struct
import subprocess
import sys
import tempfile

# As in fuzz_dwarf.c.
SECTIONS = ("info abbrev str line str_offsets addr line_str types ranges rnglists loc loclists").split()
RENAMED = {"crypto_tls_Conn": "crypto/tls.Conn", "runtime_g": "runtime.g", "net_conn": "net.conn",
           "net_netFD": "net.netFD", "internal_poll_FD": "internal/poll.FD"}
SOURCE = """
struct runtime_g { long stack[19]; unsigned long goid; };
struct net_conn { void *fd; };
struct internal_poll_FD { long mutex[2]; int Sysfd; };
struct net_netFD { struct internal_poll_FD pfd; };
struct crypto_tls_Conn { struct net_conn conn; int other; };
struct runtime_g *g; struct crypto_tls_Conn *c; struct net_netFD *n;
"""
KINDS = {"gcc-%d" % v: ["gcc", "-gdwarf-%d" % v] for v in (2, 3, 4, 5)}
KINDS["gcc-types"] = ["gcc", "-gdwarf-4", "-fdebug-types-section"]
KINDS["gcc-z"] = ["gcc", "-gdwarf-4", "-gz=zlib"]
KINDS["gcc-zgnu"] = ["gcc", "-gdwarf-4", "-gz=zlib-gnu"]
KINDS["clang-5"] = ["clang", "-gdwarf-5"]


def sections_of(path):
    """Name, flags and bytes of the sections of a 64-bit ELF file."""
    image = open(path, "rb").read()
    at, = struct.unpack_from("<Q", image, 40)
    size, count, names = struct.unpack_from("<HHH", image, 58)
    heads = [struct.unpack_from("<IIQQQQ", image, at + i * size) for i in range(count)]
    for name, _, flags, _, offset, length in heads:
        begin = heads[names][4] + name
        yield image[begin:image.index(b"\0", begin)].decode(), flags, image[offset:offset + length]


def make(compiler, folder):
    source, program = os.path.join(folder, "a.c"), os.path.join(folder, "a.so")
    with open(source, "w") as out:
        out.write(SOURCE)
    subprocess.run([*compiler, "-shared", "-nostdlib", "-fPIC", "-o", program, "a.c"], check=True,
                   cwd=folder)
    seed = b""
    for name, flags, content in sections_of(program):
        for old, prefix in ((0, ".debug_"), (0x40, ".zdebug_")):
            if name.startswith(prefix) and name[len(prefix):] in SECTIONS:
                for c, go in RENAMED.items():
                    content = content.replace(c.encode(), go.encode())
                index = SECTIONS.index(name[len(prefix):]) | old | (0x80 if flags & 0x800 else 0)
                seed += struct.pack("<BH", index, len(content)) + content
    return seed


with tempfile.TemporaryDirectory() as work:
    for kind, command in KINDS.items():
        with open(os.path.join(sys.argv[1], kind), "wb") as f:
            f.write(make(command, work))
