# SPDX-License-Identifier: GPL-2.0-only
"""What every guest is told: its kernel's command line, settings and command."""

import os
import shlex

from .common import PROJECT

# Saves seconds, changes nothing a test looks at.
KERNEL_LINE = ("console=ttyS0,115200 panic=-1 cryptomgr.notests=1 tsc=reliable "
               "no_timer_check rcupdate.rcu_expedited=1")


def guest_files(settings, options, directory):
    """Write what the guest's init reads; return the files by their names."""
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root", "USER": "root", "SHELL": "/bin/sh", "LANG": "C.UTF-8",
    }
    for name in os.environ.get("REGENT_PASS", "").split():
        if name in os.environ:
            environment[name] = os.environ[name]
    command = [f"cd {shlex.quote(PROJECT)} || exit 125"]
    command.append("exec " + shlex.join(options.command))
    texts = {
        "settings": [f"export {name}={shlex.quote(value)}"
                     for name, value in {**environment, **settings}.items()],
        "command": command,
    }
    paths = {}
    for name, lines in texts.items():
        paths[name] = os.path.join(directory, name)
        with open(paths[name], "w", encoding="utf-8",
                  errors="surrogateescape") as file:
            file.write("\n".join(lines) + "\n")
    return paths
