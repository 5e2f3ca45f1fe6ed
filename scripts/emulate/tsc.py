# SPDX-License-Identifier: GPL-2.0-only
"""The rate of this machine's time stamp counter, which QEMU shows its guests."""

import ctypes
import functools
import mmap
import platform
import time

# rdtsc; shl $32,%rdx; or %rdx,%rax; ret
READ = bytes((0x0f, 0x31, 0x48, 0xc1, 0xe2, 0x20, 0x48, 0x09, 0xd0, 0xc3))
SECONDS = 0.1       # long enough for a few millionths
TRIES = 20


@functools.cache
def rate():
    """In kHz, or None where it cannot be read."""
    if platform.machine() != "x86_64":
        return None
    try:
        code = mmap.mmap(-1, mmap.PAGESIZE,
                         prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError:
        return None     # no page may be writable and executable here
    code.write(READ)
    read = ctypes.CFUNCTYPE(ctypes.c_uint64)(
        ctypes.addressof(ctypes.c_char.from_buffer(code)))

    def sample():
        """Of several pairs of clock and counter, the one that took least time."""
        best = None
        for _ in range(TRIES):
            start = time.monotonic_ns()
            count = read()
            end = time.monotonic_ns()
            if best is None or end - start < best[0]:
                best = (end - start, (start + end) // 2, count)
        return best[1:]

    begin, first = sample()
    time.sleep(SECONDS)
    end, last = sample()
    return round((last - first) * 1_000_000 / (end - begin))
