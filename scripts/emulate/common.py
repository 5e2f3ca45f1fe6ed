# SPDX-License-Identifier: GPL-2.0-only
"""What the emulators share: places, the cache, exit statuses."""

import os

PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
SCRIPTS = os.path.join(PROJECT, "scripts")

SUCCESS, RESET, PANIC, EMULATOR, HANG, SETUP = 0, 121, 122, 123, 124, 125


class SetupError(Exception):
    """The machine cannot be set up."""


def write_cached(path, data):
    """Others may be doing the same: let nobody see half a file."""
    part = f"{path}.{os.getpid()}"
    try:
        with open(part, "wb") as file:
            file.write(data)
        os.rename(part, path)
    finally:
        if os.path.exists(part):
            os.unlink(part)


def cache_directory():
    for directory in (os.environ.get("REGENT_CACHE", "/var/cache/regent"),
                      os.path.expanduser("~/.cache/regent")):
        try:
            os.makedirs(directory, exist_ok=True)
        except OSError:
            continue
        if os.access(directory, os.W_OK):
            return directory
    raise SetupError("no directory to cache files in; set REGENT_CACHE")


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]
