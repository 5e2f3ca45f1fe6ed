# SPDX-License-Identifier: GPL-2.0-only
"""The machine in QEMU."""

import fcntl
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import time

from .common import PROJECT, SCRIPTS, SetupError
from .guest import KERNEL_LINE, guest_files
from .kernel import Kernel
from .tsc import rate
from .watch import Machine

# What the init needs; their dependencies are found by modprobe.
GUEST_MODULES = ("virtio_pci", "virtio_rng", "virtio_console", "virtio_blk",
                 "9pnet_virtio", "9p", "overlay", "qemu_fw_cfg")


def can_nest():
    """Whether KVM here would give its guest virtualization."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        flags = file.read()
    for flag, module in (("svm", "kvm_amd"), ("vmx", "kvm_intel")):
        try:
            with open(f"/sys/module/{module}/parameters/nested",
                      encoding="ascii") as file:
                nested = file.read().strip() in ("1", "Y")
        except OSError:
            nested = False
        if nested and re.search(rf"\b{flag}\b", flags):
            return os.access("/dev/kvm", os.R_OK | os.W_OK)
    return False


def accelerator(options):
    """QEMU's arguments for how the CPUs run."""
    choice = os.environ.get("REGENT_ACCEL")
    if choice not in (None, "", "tcg", "kvm"):
        raise SetupError(f"REGENT_ACCEL={choice}: neither tcg nor kvm")
    if options.icount:
        return ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off",
                "-cpu", options.cpu or "EPYC,+svm,+npt"]
    if choice == "kvm" or (not choice and can_nest()):
        return ["-accel", "kvm", "-cpu", options.cpu or "host"]
    return ["-accel", "tcg,thread=multi",
            "-cpu", options.cpu or "EPYC,+svm,+npt"]


def tsc_argument(arguments):
    """
    Emulated CPUs show this machine's counter. Linux would measure it against the timer,
    which fails when this machine is busy: its clock then ran 19 times as fast.
    """
    real_time = "tcg,thread=multi" in arguments
    khz = rate() if real_time else None
    return f"tsc_early_khz={khz}" if khz else ""


class Channels:
    """Socket pairs between QEMU and us, one per character device."""

    def __init__(self):
        self.ours = {}
        self.theirs = []
        self.arguments = []

    def chardev(self, name):
        """A character device of QEMU's whose other end is ours."""
        self.ours[name], theirs = socket.socketpair()
        self.attach(name, theirs)

    def attach(self, name, end):
        self.theirs.append(end)
        self.arguments += ["-chardev", f"socket,id={name},fd={end.fileno()}"]

    def console(self, size=1 << 20):
        """The serial console writes to a pipe, which holds that many characters.

        Linux waits 10 ms for a character to be sent, then sends the next one, and QEMU
        drops one of the two. A socket holds some 300 characters that come one by one:
        a host that had us wait for a moment lost what the kernel said meanwhile."""
        ours, theirs = os.pipe()
        fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, size)
        self.ours["console"] = open(ours, "rb", buffering=0)
        self.theirs.append(open(theirs, "wb", buffering=0))
        self.arguments += ["-add-fd", f"fd={theirs},set=1",
                           "-chardev", "file,id=console,path=/dev/fdset/1,append=on",
                           "-serial", "chardev:console"]

    def port(self, name):
        """Show the character device to the guest as a virtio port."""
        self.arguments += ["-device", f"virtserialport,chardev={name},"
                                      f"name=regent.{name}"]

    def monitor(self):
        """QEMU's monitor and a port of the guest are each other's ends."""
        for name, end in zip(("hmp", "monitor"), socket.socketpair()):
            self.attach(name, end)
        self.arguments += ["-mon", "chardev=hmp,mode=readline"]
        self.port("monitor")

    def close_theirs(self):
        for end in self.theirs:
            end.close()


def make_channels(options):
    channels = Channels()
    channels.console()
    for name in ("qmp", "out", "err", "status"):
        channels.chardev(name)
    channels.arguments += ["-mon", "chardev=qmp,mode=control",
                           "-device", "virtio-serial-pci"]
    for name in ("out", "err", "status"):
        channels.port(name)
    if options.monitor:
        channels.monitor()
    return channels


def guest_settings(kernel):
    return {
        "REGENT_PROJECT": PROJECT,
        "REGENT_MODULES": os.path.normpath(kernel.modules),
        "REGENT_VMLINUZ": kernel.vmlinuz,
        "REGENT_INITRD": kernel.initrd,
        "REGENT_RELEASE": kernel.release,
    }


def qemu_arguments(program, kernel, options, channels, directory):
    cpus = accelerator(options)
    line = f"{KERNEL_LINE} {tsc_argument(cpus)} {options.append}".strip()
    files = guest_files(guest_settings(kernel), options, directory)
    arguments = [*program, "-nodefaults", "-no-user-config",
                 "-machine", "q35", "-display", "none", "-no-reboot",
                 "-smp", str(options.cpus), "-m", str(options.memory),
                 *cpus,
                 "-kernel", kernel.unpacked() if options.fast else kernel.vmlinuz,
                 "-initrd", kernel.initrd, "-append", line,
                 "-fsdev", "local,id=host,path=/,security_model=none,"
                           "readonly=on,multidevs=remap",
                 "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
                 "-device", "virtio-rng-pci",
                 *channels.arguments]
    for name, path in files.items():
        arguments += ["-fw_cfg", f"name=opt/regent/{name},file={path}"]
    if options.disk:
        path = os.path.join(directory, "disk")
        with open(path, "wb") as file:
            file.truncate(options.disk << 20)
        arguments += ["-drive", f"if=virtio,format=raw,cache=unsafe,file={path}"]
    return arguments + shlex.split(options.qemu)


class Qemu(Machine):
    """A machine in QEMU, which tells and answers by QMP."""

    name = "QEMU"

    @staticmethod
    def program():
        """The emulator's command, without the machine's options."""
        if not shutil.which("qemu-system-x86_64"):
            raise SetupError("no qemu-system-x86_64; run scripts/setup")
        return ["qemu-system-x86_64"]

    @classmethod
    def check(cls, options):
        """Is all there, and can the options be fulfilled?"""
        if options.icount and options.cpus != 1:
            raise SetupError("--icount works for one CPU only: add --cpus 1")
        cls.program()

    def __init__(self, options, directory):
        super().__init__(options, directory)
        self.shutdown = None        # QEMU's reason
        self.answers = []
        kernel = Kernel(options.kernel, GUEST_MODULES)
        channels = make_channels(options)
        self.channels = channels.ours
        self.start(qemu_arguments(self.program(), kernel, options, channels, directory),
                   pass_fds=[end.fileno() for end in channels.theirs])
        channels.close_theirs()
        for name, end in self.channels.items():
            self.listen(name, end)
        self.qmp("qmp_capabilities")

    def take_qmp(self, data):
        for line in self.lines("qmp", data):
            message = json.loads(line)
            if message.get("event") == "SHUTDOWN":
                self.shutdown = message["data"]["reason"]
            elif "return" in message:
                self.answers.append(message["return"])

    def qmp(self, command, **arguments):
        message = {"execute": command, "arguments": arguments}
        try:
            self.channels["qmp"].sendall(json.dumps(message).encode())
        except ConnectionError:
            pass

    def how_it_ended(self):
        if self.shutdown == "guest-shutdown":
            return "poweroff"
        if self.shutdown == "guest-reset":
            return "reboot" if self.restart_was_meant() else "reset"
        return "emulator"

    def harmless(self, line):
        return "warning: TCG doesn't support" in line

    def registers(self):
        self.answers.clear()
        self.qmp("human-monitor-command", **{"command-line": "info registers -a"})
        deadline = time.monotonic() + 5
        while not self.answers and self.pump(deadline):
            pass
        text = self.answers[0] if self.answers else ""
        return "\n".join(line.rstrip() for line in text.splitlines()
                         if re.match(r"CPU#|R[AI]P=|R[SB]P|CR0|CS ", line.strip()))


class Qemu10(Qemu):
    """A machine in the QEMU 10 that setup unpacks beside the one that is installed."""

    name = "QEMU 10"

    @staticmethod
    def program():
        setup = subprocess.run([os.path.join(SCRIPTS, "setup"), "--print-qemu10"],
                               capture_output=True, text=True, check=False)
        if setup.returncode:
            raise SetupError(setup.stderr.strip())
        root = setup.stdout.strip()
        # It looks for its modules and ROMs where its package would have put them. The
        # network cards' ROMs are those of the system.
        return ["env", f"QEMU_MODULE_DIR={root}/usr/lib/x86_64-linux-gnu/qemu",
                f"{root}/usr/bin/qemu-system-x86_64",
                "-L", f"{root}/usr/share/qemu", "-L", f"{root}/usr/share/seabios",
                "-L", "/usr/lib/ipxe/qemu"]
