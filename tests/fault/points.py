# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a test of failing calls needs: the points that a command reaches, and what is tried at them (fault.c)."""

import errno
import os
import random
import struct

CLASSES = ["alloc", "write", "sync", "rename", "make", "read", "sqlite", "bus"]
SQLITE_BUSY, SQLITE_NOMEM, SQLITE_IOERR, SQLITE_FULL = 5, 7, 10, 13
CODES = {
    "alloc": [errno.ENOMEM],
    "write": [errno.ENOSPC, errno.EIO],
    "sync": [errno.EIO, errno.ENOSPC],
    "rename": [errno.EIO, errno.ENOSPC],
    "make": [errno.ENOSPC, errno.EIO],
    "read": [errno.EIO],
    "sqlite": [SQLITE_FULL, SQLITE_IOERR, SQLITE_BUSY, SQLITE_NOMEM],
    "bus": [errno.EIO, errno.ECONNRESET, errno.ETIMEDOUT],
}
# once: that call only; sticky: all from there on; late: it is done, and fails all the same
MODES = {kind: ["once", "sticky"] for kind in CLASSES}
for kind in "sync", "rename", "make", "sqlite":
    MODES[kind].append("late")


class Point:
    """One thing to try: the nth call of a class fails, so."""

    def __init__(self, kind, at, mode, code):
        self.kind, self.at, self.mode, self.code = kind, at, mode, code

    def __str__(self):
        return f"{self.kind} {self.at} {self.mode} {self.code}"

    def environment(self):
        return {
            "FAULT_CLASS": self.kind,
            "FAULT_AT": str(self.at),
            "FAULT_CODE": str(self.code),
            "FAULT_STICKY": "1" if self.mode == "sticky" else "0",
            "FAULT_LATE": "1" if self.mode == "late" else "0",
        }


def every_point(kind, reached):
    """All that there is to try, the codes by turns."""
    return [
        Point(kind, at, mode, CODES[kind][(at + turn) % len(CODES[kind])])
        for at in range(1, reached + 1)
        for turn, mode in enumerate(MODES[kind])
    ]


def choose(kind, reached, at_most, rng):
    """Every point, or so many, evenly, from a random one on."""
    points = every_point(kind, reached)
    if not at_most or len(points) <= at_most:
        return points
    step = len(points) / at_most
    start = rng.random() * step
    return [points[int(start + i * step)] for i in range(at_most)]


def preloads(program, library):
    """What LD_PRELOAD has to be: a sanitizer comes after us, so that we can fail its allocations."""
    with os.popen(f"ldd '{program}'") as lines:
        sanitizers = [line.split()[2] for line in lines if "libasan" in line]
    return " ".join([library, *sanitizers])


def new_counters(path):
    with open(path, "wb") as file:
        file.write(bytes(8 * len(CLASSES)))


def read_counters(path):
    with open(path, "rb") as file:
        return dict(zip(CLASSES, struct.unpack(f"{len(CLASSES)}Q", file.read())))


def random_of(seed):
    return random.Random(seed)
