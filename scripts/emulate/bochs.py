# SPDX-License-Identifier: GPL-2.0-only
"""The machine in Bochs, which has both AMD's and Intel's virtualization."""

import os
import re
import shutil
import signal
import subprocess
import time

from .common import PROJECT, SetupError
from .disc import LOADER, make_disc
from .guest import KERNEL_LINE, guest_files
from .kernel import Kernel
from .watch import Machine

# Bochs' models, and what Linux must be told about them.
MODELS = {
    "intel": ("corei7_haswell_4770", "cpuidle.off=1"),
    # With XSAVE, programs lose FPU state there, Regent loaded or not.
    "amd": ("ryzen", "clearcpuid=mwaitx noxsave"),
}

# Saves seconds: two initcalls, and page tables for user space alone. --append can say
# otherwise of the last. A reboot by triple fault is the one that ends Bochs.
BOCHS_LINE = ("initcall_blacklist=load_system_certificate_list,trace_eval_init "
              "mitigations=off reboot=t")

# Each of the guest's channels is a serial port that writes to a FIFO: that is in
# every kernel, needs no driver in a state to work, and what has been said is here
# even when the guest is no more. The price is 11 kB per second of the guest's time.
PORTS = {"console": 1, "out": 2, "err": 3, "status": 4}

# Without a sound card to be heard on, Bochs crashes unless both are said.
CONFIG = """\
config_interface: textconfig
display_library: rfb, options="timeout=0"
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
speaker: enabled=0, mode=none
sound: waveoutdrv=dummy
cpu: model={model}, count={cpus}, ips=20000000, reset_on_triple_fault=0, ignore_bad_msrs=1
memory: guest={memory}, host={memory}
clock: sync=none, time0=utc
boot: cdrom
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path={disc}, status=inserted
log: {directory}/bochs.log
panic: action=fatal
"""

NEEDED = {"bochs": "/usr/bin/bochs", "bochsbios": "/usr/share/bochs/BIOS-bochs-latest",
          "vgabios": "/usr/share/bochs/VGABIOS-lgpl-latest",
          "isolinux": LOADER[0], "syslinux-common": LOADER[1],
          "genisoimage": "/usr/bin/genisoimage", "cpio": "/usr/bin/cpio"}


class Bochs(Machine):
    """A machine in Bochs, whose debugger is asked about the CPUs."""

    name = "Bochs"

    @staticmethod
    def check(options):
        """Is all there, and can the options be fulfilled?"""
        for name in ("icount", "qemu", "disk", "monitor"):
            if getattr(options, name):
                raise SetupError(f"--{name} does not work with --emulator bochs")
        if options.cpu not in (None, *MODELS):
            raise SetupError(f"--cpu {options.cpu}: Bochs has intel and amd")
        if options.cpus > 8 or options.memory > 2048:
            raise SetupError("with Bochs, at most 8 CPUs and 2048 MB")
        missing = [name for name, file in NEEDED.items() if not os.path.exists(file)]
        if missing:
            raise SetupError(f"not installed: {' '.join(missing)}; run scripts/setup")
        if not shutil.which("gcc"):
            raise SetupError("no gcc; run scripts/setup")

    def __init__(self, options, directory):
        super().__init__(options, directory)
        model, line = MODELS[options.cpu or "intel"]
        kernel = Kernel(options.kernel)
        settings = {"REGENT_PROJECT": PROJECT, "REGENT_RELEASE": kernel.release,
                    "REGENT_VMLINUZ": "/regent/vmlinuz",
                    "REGENT_MODULES": f"/lib/modules/{kernel.release}"}
        if options.add:
            settings["REGENT_UNPACKED"] = "/regent/unpacked"
        disc = make_disc(kernel, directory,
                         f"{KERNEL_LINE} {BOCHS_LINE} {line} {options.append}".strip(),
                         guest_files(settings, options, directory),
                         options.add.split())
        config = CONFIG.format(model=model, disc=disc, directory=directory,
                               cpus=options.cpus, memory=options.memory)
        self.said = b""             # by the debugger
        self.log = open(f"{directory}/bochs.log", "w+b", buffering=0)
        self.resets = 0
        self.kept_open = []
        for name, number in PORTS.items():
            path = self.listen_fifo(name)
            config += f"com{number}: enabled=1, mode=file, dev={path}\n"
        self.boot(config)

    def listen_fifo(self, name):
        """A FIFO does not end before Bochs does: we keep it open ourselves."""
        path = os.path.join(self.directory, name)
        os.mkfifo(path)
        self.listen(name, os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        self.kept_open.append(os.open(path, os.O_WRONLY))
        return path

    def boot(self, config):
        for name, text in (("bochsrc", config), ("start", "continue\n")):
            with open(os.path.join(self.directory, name), "w",
                      encoding="utf-8") as file:
                file.write(text)
        self.start(["bochs", "-q", "-f", f"{self.directory}/bochsrc",
                    "-rc", f"{self.directory}/start"],
                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.listen("debugger", self.process.stdout)

    def take_debugger(self, data):
        self.said += data

    def stop(self):
        super().stop()
        self.log.close()

    def at_end(self, name):
        if name == "debugger":
            for fd in self.kept_open:
                os.close(fd)
            self.kept_open.clear()

    def was_reset(self):
        """Bochs logs each reset, of which the first is its own start.

        The console would not do: a kernel that kexec starts says there what one says
        that was booted anew."""
        for line in self.lines("log", self.log.read()):
            self.resets += b"bx_pc_system_c::Reset(" in line
        return self.resets > 1

    def pump(self, deadline):
        if self.was_reset():        # Bochs cannot be told to end at a reset
            self.process.kill()
        return super().pump(deadline)

    def how_it_ended(self):
        if self.restart_was_meant():
            return "reboot"
        message = self.last_error()
        if "soft power off" in message or "Shutdown port" in message:
            return "poweroff"
        if self.was_reset() or "3rd" in message:
            return "reset"
        return "emulator"

    def last_error(self):
        """What Bochs has ended with is between two lines of =."""
        with open(self.errors, encoding="utf-8", errors="replace") as file:
            text = file.read()
        found = re.search(r"exiting with the following message:\n(.*)", text)
        return found[1] if found else super().last_error()

    def harmless(self, line):
        return line.startswith(("ALSA lib", "00000000000i"))

    def registers(self):
        self.said = b""
        self.process.send_signal(signal.SIGINT)
        for number in range(self.options.cpus):
            self.ask(f"set $cpu = {number}")
            self.ask("r")
            self.ask("creg")
        deadline = time.monotonic() + 3
        while self.pump(deadline):
            pass
        return "\n".join(line for line in self.said.decode(errors="replace").splitlines()
                         if re.match(r"CPU\d|r[abs][xp]:|rip:|eflags|CR[0-9]=", line))

    def ask(self, command):
        try:
            self.process.stdin.write(command.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
