# SPDX-License-Identifier: GPL-2.0-only
"""A running machine, watched until its fate is known."""

import os
import re
import selectors
import subprocess
import sys
import time

from .common import EMULATOR, HANG, PANIC, RESET, SUCCESS, write_all


class Machine:
    """A running emulator. What differs between emulators is in its subclasses."""

    name = "the emulator"

    def __init__(self, options, directory):
        self.options = options
        self.directory = directory
        self.console = bytearray()
        self.console_at_start = None
        self.console_file = None
        if options.console:
            self.console_file = open(options.console, "wb")
        self.received = {"out": 0, "err": 0}
        self.pending = {}           # the beginnings of lines
        self.exit = None            # (status, bytes of out, bytes of err)
        self.errors = os.path.join(directory, "emulator.log")
        self.selector = selectors.DefaultSelector()
        self.process = None

    def start(self, arguments, **settings):
        """The emulator must not outlive us, whatever ends us."""
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *arguments],
                **{"stdin": subprocess.DEVNULL, "stdout": errors,
                   "stderr": errors, **settings}, start_new_session=True)

    def listen(self, name, fd):
        """What arrives there is given to self.take_NAME."""
        self.selector.register(fd, selectors.EVENT_READ, name)

    # --- what arrives ------------------------------------------------------

    def pump(self, deadline):
        """Take in what has arrived.  False once it is gone or time is up."""
        left = deadline - time.monotonic()
        if left <= 0 or not self.selector.get_map():
            return False
        for key, _ in self.selector.select(left):
            try:
                data = os.read(key.fd, 1 << 18)
            except ConnectionError:
                data = b""
            if data:
                getattr(self, "take_" + key.data)(data)
            else:
                self.selector.unregister(key.fileobj)
                self.at_end(key.data)
        return True

    def at_end(self, name):
        """No more will come from there."""

    def take_console(self, data):
        data = data.replace(b"\r", b"")
        self.console += data
        if self.console_file:
            self.console_file.write(data)
            self.console_file.flush()
        if self.options.verbose:
            write_all(2, data)

    def take_out(self, data):
        self.received["out"] += len(data)
        write_all(1, data)

    def take_err(self, data):
        self.received["err"] += len(data)
        write_all(2, data)

    def lines(self, name, data):
        data = self.pending.get(name, b"") + data
        *lines, self.pending[name] = data.split(b"\n")
        return lines

    def take_status(self, data):
        for line in self.lines("status", data):
            word, *numbers = line.split()
            if word == b"start":
                self.console_at_start = len(self.console)
            elif word == b"exit":
                self.exit = tuple(int(number) for number in numbers)

    # --- what became of it -------------------------------------------------

    def finished(self):
        """COMMAND has ended and all it said is here."""
        return (self.exit is not None and
                self.received["out"] >= self.exit[1] and
                self.received["err"] >= self.exit[2])

    def run(self):
        """Watch the guest; return our exit status and a reason if it failed."""
        deadline = time.monotonic() + self.options.timeout
        while not self.finished():
            if not self.pump(deadline):
                break
        if self.finished():
            return self.judge_exit(deadline)
        if time.monotonic() >= deadline:
            return HANG, f"no end within {self.options.timeout:g} s"
        return self.judge_end()

    def judge_exit(self, deadline):
        if self.options.expect == "none" or self.exit[0]:
            return self.exit[0], None
        # What COMMAND set off may take a moment to end the guest.
        deadline = min(deadline, time.monotonic() + 30)
        while self.pump(deadline):
            pass
        if time.monotonic() >= deadline:
            return 1, f"the command ended, but no {self.options.expect} came"
        return self.judge_end()

    def how_it_ended(self):
        """poweroff, reboot, reset, or emulator when that died."""
        raise NotImplementedError

    def panicked(self):
        # A crash kernel may have started after a panic: that one is over.
        return b"Kernel panic - not syncing" in self.since_start()

    def since_start(self):
        return self.console[self.console_at_start or 0:]

    def restart_was_meant(self):
        """Did the kernel, or Regent on its behalf, say that the machine restarts?"""
        return re.search(rb"reboot: Restarting|sysrq: Resetting|"
                         rb"regent: .* the machine restarts at once", self.since_start())

    def judge_end(self):
        self.process.wait()
        end = "panic" if self.panicked() else self.how_it_ended()
        if end == self.options.expect and self.console_at_start is not None:
            return SUCCESS, None
        if end == "panic":
            return PANIC, "the guest's kernel panicked"
        if end == "emulator":
            status = self.process.returncode
            return EMULATOR, f"{self.name} ended ({status}): {self.last_error()}"
        if end == "reset":
            return RESET, "the guest was reset without a word (triple fault?)"
        when = "" if self.console_at_start is not None else " before COMMAND started"
        return RESET, f"the guest ended by {end}{when}"

    def last_error(self):
        with open(self.errors, encoding="utf-8", errors="replace") as file:
            lines = [line for line in file.read().splitlines()
                     if line.strip() and not self.harmless(line)]
        return lines[-1] if lines else "no word"

    def harmless(self, line):
        """Is that line of the emulator's nothing to look at?"""
        raise NotImplementedError

    def registers(self):
        """Where each CPU is, for a guest that hangs."""
        raise NotImplementedError

    def console_tail(self, start, lines):
        text = self.console[start:].decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def report(self, status, reason):
        """Say on stderr what failed."""
        if reason:
            print(f"machine: {reason}", file=sys.stderr)
        if self.options.quiet or not status:
            return
        if reason and status == HANG:
            print(self.registers(), file=sys.stderr)
        if self.options.verbose:
            return
        tail = (self.console_tail(0, 60) if reason else
                self.console_tail(self.console_at_start or 0, 40))
        if tail:
            print(f"machine: the console's end:\n{tail}", file=sys.stderr)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        if self.console_file:
            self.console_file.close()
