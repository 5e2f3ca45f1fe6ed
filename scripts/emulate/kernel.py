# SPDX-License-Identifier: GPL-2.0-only
"""Debian's kernels, and initramfs made for them."""

import hashlib
import lzma
import os
import shutil
import subprocess
import tempfile

from .common import SCRIPTS, SetupError, cache_directory, write_cached


class Kernel:
    """A Debian kernel, and an initramfs made for it with some modules."""

    def __init__(self, series, modules=()):
        setup = subprocess.run([os.path.join(SCRIPTS, "setup"),
                                "--print-kernel", series],
                               capture_output=True, text=True, check=False)
        if setup.returncode:
            raise SetupError(setup.stderr.strip())
        self.vmlinuz, self.root, self.release = setup.stdout.split()
        self.modules = os.path.join(self.root, "lib/modules", self.release)
        self.initrd = self.cached_initrd(modules) if modules else None

    def cached_initrd(self, modules):
        init = os.path.join(SCRIPTS, "machine-init")
        key = hashlib.sha256()
        for path in (init, self.vmlinuz, "/bin/busybox"):
            with open(path, "rb") as file:
                key.update(file.read())
        key.update(" ".join(modules).encode())
        name = f"initrd-{self.release}-{key.hexdigest()[:12]}.cpio"
        path = os.path.join(cache_directory(), name)
        if not os.path.exists(path):
            with tempfile.TemporaryDirectory() as tree:
                self.build_initrd(tree, init, modules, path)
        return path

    def unpacked(self):
        """The kernel without its wrapping, an ELF file: it need not unpack itself."""
        with open(self.vmlinuz, "rb") as file:
            image = file.read()
        key = hashlib.sha256(image).hexdigest()[:12]
        path = os.path.join(cache_directory(), f"vmlinux-{self.release}-{key}")
        if not os.path.exists(path):
            write_cached(path, unpack(image))
        return path

    def build_initrd(self, tree, init, modules, path):
        os.mkdir(f"{tree}/bin")
        os.mkdir(f"{tree}/modules")
        os.mkdir(f"{tree}/dev")
        shutil.copy(init, f"{tree}/init")
        os.chmod(f"{tree}/init", 0o755)
        shutil.copy("/bin/busybox", f"{tree}/bin/busybox")
        with open(f"{tree}/modules/order", "w", encoding="ascii") as order:
            for module in self.module_files(modules):
                name = os.path.basename(module).removesuffix(".xz")
                unpack = "xzcat" if module.endswith(".xz") else "cat"
                with open(f"{tree}/modules/{name}", "wb") as file:
                    subprocess.run([unpack, module], stdout=file, check=True)
                order.write(name + "\n")
        archive = subprocess.run("find . | cpio -o -H newc --quiet -R 0:0",
                                 shell=True, cwd=tree, check=True,
                                 stdout=subprocess.PIPE)
        write_cached(path, archive.stdout)

    def module_files(self, names):
        """The modules' files, each after those it depends on."""
        files = []
        for module in names:
            listing = subprocess.run(
                ["/sbin/modprobe", "-d", self.root, "-S", self.release,
                 "--show-depends", module],
                capture_output=True, text=True, check=False)
            if listing.returncode:
                raise SetupError(f"no module {module}: {listing.stderr.strip()}")
            for line in listing.stdout.splitlines():
                kind, _, rest = line.partition(" ")
                if kind == "insmod" and rest.strip() not in files:
                    files.append(rest.strip())
        return files


def unpack(image):
    """The ELF file packed into a bzImage."""
    start = image.find(b"\xfd7zXZ\0")
    if start >= 0:
        return lzma.LZMADecompressor().decompress(image[start:])
    start = image.find(b"\x28\xb5\x2f\xfd")
    # zstd complains of what follows its stream; what it wrote is complete.
    zstd = subprocess.run(["zstd", "-dcq"], input=image[start:], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if start < 0 or not zstd.stdout.startswith(b"\x7fELF"):
        raise SetupError("this kernel is packed in an unknown way")
    return zstd.stdout
