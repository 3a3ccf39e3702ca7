#!/usr/bin/env python3
"""A bad link between two devices of this namespace: it loses, doubles and reorders frames.

    wire_bridge.py DEVICE DEVICE      passes frames on until it is killed
    wire_bridge.py --plain DEVICE     switches off what lets frames be large or without checksums
"""

import ctypes
import fcntl
import os
import random
import select
import socket
import struct
import sys

SIOCETHTOOL, OFF = 0x8946, (0x17, 0x1f, 0x24, 0x2c)  # tx checksums, TSO, GSO, GRO


def plain(device):
    s = socket.socket()
    for command in OFF:
        value = ctypes.create_string_buffer(struct.pack("II", command, 0))
        fcntl.ioctl(s, SIOCETHTOOL,
                    struct.pack("16sQ16x", device.encode(), ctypes.addressof(value)))


def open_device(name):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((name, 3))
    return s


def bridge(near, far):
    other, held = {near: far, far: near}, {near: None, far: None}
    random.seed(1)
    while True:
        ready, _, _ = select.select([near, far], [], [], 0.02)
        for s in [near, far] if not ready else ready:
            frame, address = s.recvfrom(70000) if ready else (None, None)
            luck = random.random()
            if frame and (address[2] == socket.PACKET_OUTGOING or (luck < 0.03 and len(frame) > 200)):
                continue
            if frame and luck < 0.09 and len(frame) > 100 and not held[s]:
                held[s] = frame
                continue
            for f in (frame, frame if luck > 0.97 else None, held[s]):
                if f:
                    other[s].send(f)
            held[s] = None


if sys.argv[1] == "--plain":
    plain(sys.argv[2])
else:
    # As with a network card's queues, all packets of a connection come by one processor.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    bridge(open_device(sys.argv[1]), open_device(sys.argv[2]))
