# SPDX-License-Identifier: GPL-2.0-only
"""A CD that boots an unpacked kernel with all its files in the initramfs.

Nothing of the guest's depends on a disk then: no driver has to be loaded, which takes
longer in Bochs than to load the files by the BIOS."""

import glob
import hashlib
import os
import re
import shutil
import struct
import subprocess
import tempfile

from .common import PROJECT, SCRIPTS, SetupError, cache_directory, write_cached

# Whose programs and libraries the guest finds, with what these depend on.
PACKAGES = ("bash busybox-static coreutils dash debianutils diffutils findutils grep gzip hostname "
            "kexec-tools kmod libpython3.11-stdlib mawk mount procps python3-minimal sed util-linux "
            "xz-utils").split()
# What they depend on when they are installed, or for what nobody does in a test.
NEEDLESS = re.compile("base-files|debconf|dpkg|gcc-.*|init-system-helpers|"
                      "lib(db5|gssapi|krb5|k5crypto|sqlite|nsl|tirpc).*|"
                      "media-types|readline-common|tar")
ETC = ("debian_version", "group", "ld.so.cache", "nsswitch.conf", "passwd")
# What tests load.
MODULES = ("kvm_amd", "kvm_intel")

LOADER = ("/usr/lib/ISOLINUX/isolinux.bin",
          "/usr/lib/syslinux/modules/bios/ldlinux.c32")
LOADED_AT = 0x100000                # where the loader puts a kernel


# --- the kernel ------------------------------------------------------------

def flat(elf):
    """An ELF file's segments as they lie in memory; where, and how many bytes."""
    header, = struct.unpack_from("<Q", elf, 32)
    count, = struct.unpack_from("<H", elf, 56)
    segments = [struct.unpack_from("<IIQQQQQQ", elf, header + 56 * number)
                for number in range(count)]
    loaded = [(paddr, offset, filesz, memsz) for
              kind, _, offset, _, paddr, filesz, memsz, _ in segments if kind == 1]
    start = min(paddr for paddr, *_ in loaded)
    size = max(paddr + memsz for paddr, _, _, memsz in loaded) - start
    image = bytearray(size)
    for paddr, offset, filesz, _ in loaded:
        image[paddr - start:paddr - start + filesz] = elf[offset:offset + filesz]
    return start, size, image


def entry_code(start, size, memory):
    """What moves the kernel to its place: see unpacked.S."""
    source = os.path.join(os.path.dirname(__file__), "unpacked.S")
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(
            ["gcc", "-m32", "-nostdlib", "-static", "-Wl,--build-id=none",
             f"-Wl,-Ttext={LOADED_AT:#x}", f"-DTO={start}", f"-DSIZE={size}",
             f"-DMEMORY={memory}", "-o", f"{work}/elf", source], check=True)
        subprocess.run(["objcopy", "-O", "binary", "-j", ".text",
                        f"{work}/elf", f"{work}/flat"], check=True)
        with open(f"{work}/flat", "rb") as file:
            return file.read()


def unpacked_bzimage(vmlinuz, vmlinux):
    """A bzImage with its real-mode half as it was, and the kernel as it runs."""
    start, memory, image = flat(vmlinux)
    image = bytes(image.rstrip(b"\0"))
    image += bytes(-len(image) % 4096)
    code = entry_code(start, len(image), memory) + image
    setup = bytearray(vmlinuz[:(vmlinuz[0x1f1] + 1) * 512])
    struct.pack_into("<I", setup, 0x1f4, (len(code) + 15) // 16)        # syssize
    setup[0x234] = 0                                        # not relocatable
    struct.pack_into("<H", setup, 0x236, 0)                 # no other entries
    struct.pack_into("<Q", setup, 0x258, LOADED_AT)         # preferred address
    struct.pack_into("<I", setup, 0x260, start + memory - LOADED_AT)    # memory
    return bytes(setup) + code


def cached_kernel(kernel):
    vmlinux = kernel.unpacked()
    path = vmlinux.replace("vmlinux-", "bzimage-")
    with open(os.path.join(os.path.dirname(__file__), "unpacked.S"), "rb") as file:
        path += "-" + hashlib.sha256(file.read()).hexdigest()[:8]
    if not os.path.exists(path):
        with open(kernel.vmlinuz, "rb") as wrapped, open(vmlinux, "rb") as elf:
            write_cached(path, unpacked_bzimage(wrapped.read(), elf.read()))
    return path


# --- this machine's programs -----------------------------------------------

def with_dependencies(packages):
    """These and all packages that they depend on."""
    query = subprocess.run(
        ["dpkg-query", "-W", "-f",
         "${Package}\t${Pre-Depends}, ${Depends}\t${Provides}\n"],
        capture_output=True, text=True, check=True)
    depends, provider = {}, {}
    for line in query.stdout.splitlines():
        name, needs, provides = line.split("\t")
        # Of alternatives, the first.
        depends[name] = re.findall(r"(?:^|, *)([a-z0-9.+-]+)", needs)
        for virtual in re.findall(r"(?:^|, *)([a-z0-9.+-]+)", provides):
            provider.setdefault(virtual, name)
    found, left = set(), list(packages)
    while left:
        name = left.pop()
        name = name if name in depends else provider.get(name)
        if name and name not in found and not NEEDLESS.fullmatch(name):
            found.add(name)
            left += depends[name]
    missing = [name for name in packages if name not in found]
    if missing:
        raise SetupError(f"not installed: {' '.join(missing)}; run scripts/setup")
    return sorted(found)


def program_files():
    """The packages' programs and libraries, by their real names."""
    listing = subprocess.run(["dpkg", "-L", *with_dependencies(PACKAGES)],
                             capture_output=True, text=True, check=True)
    yield from ("/bin", "/sbin", "/lib", "/lib64")      # links into /usr
    for name in listing.stdout.splitlines():
        place, name = os.path.split(name)
        place = os.path.realpath(place)
        if re.match(r"/usr/(s?bin|lib(32|64)?)\b", place) and not place.endswith("/gconv"):
            yield os.path.join(place, name)
        # Python's own cache is nobody's file.
        if place.startswith("/usr/lib/python3") and name.endswith(".py"):
            yield from glob.glob(f"{place}/__pycache__/{name[:-3]}.cpython*")
    for name in ETC:
        yield f"/etc/{name}"
    # update-alternatives' links are in no package.
    yield from links_behind("/usr/bin/awk")
    yield from links_behind("/usr/bin/which")


def links_behind(name):
    while os.path.islink(name):
        yield name
        name = os.path.join(os.path.dirname(name), os.readlink(name))


def module_files(kernel):
    """modprobe's tables, and the modules that tests load."""
    for name in os.listdir(kernel.modules):
        if name.startswith("modules."):
            yield os.path.join(kernel.modules, name)
    yield from kernel.module_files(MODULES)


def archive(names, directory="/"):
    """A cpio archive of files there, as an initramfs wants it."""
    every = set()
    for name in names:
        while name.strip("/"):              # and the directories on the way
            every.add(name.strip("/"))
            name = os.path.dirname(name)
    # A directory comes before what is in it.
    packed = subprocess.run(
        ["cpio", "-o", "-H", "newc", "--quiet", "--null", "-R", "0:0"], cwd=directory,
        input="\0".join(sorted(every)).encode(errors="surrogateescape"),
        stdout=subprocess.PIPE, check=True)
    return packed.stdout


def cached_programs():
    """An initramfs of those files."""
    with open(__file__, "rb") as file:
        key = hashlib.sha256(file.read())
    key.update(str(os.stat("/var/lib/dpkg/status").st_mtime_ns).encode())
    path = os.path.join(cache_directory(), f"programs-{key.hexdigest()[:12]}.cpio")
    if not os.path.exists(path):
        write_cached(path, archive(name for name in program_files()
                                   if os.path.lexists(name)))
    return path


def real_names(name):
    """The file under its real directory, and what it is a link to."""
    while True:
        name = os.path.join(os.path.realpath(os.path.dirname(name)), os.path.basename(name))
        yield name
        if not os.path.islink(name):
            return
        name = os.path.join(os.path.dirname(name), os.readlink(name))


def added_files(names):
    """These files, and the libraries of those that are programs."""
    for name in names:
        if not os.path.isfile(name):
            raise SetupError(f"--add {name}: no such file")
        yield from real_names(name)
        listing = subprocess.run(["ldd", name], capture_output=True, text=True, check=False)
        for library in re.findall(r"=> (/\S+)", listing.stdout):
            yield from real_names(library)


# --- the project and the rest ----------------------------------------------

def project_files(release):
    """The project without what other kernels and builds need."""
    wanted = os.path.join(PROJECT, "build", release)
    for directory, below, files in os.walk(PROJECT):
        if directory == PROJECT:
            below[:] = [name for name in below if not name.startswith(".")]
        elif directory == os.path.join(PROJECT, "build"):
            below[:] = [name for name in below if name == release]
        elif directory == wanted:
            below[:] = [name for name in below if name == "selftests"]
        for name in files:
            if not re.search(r"\.(o|a|cmd|mod|mod\.c|d)$", name):
                yield os.path.join(directory, name)


def run_files(kernel, directory, files, added):
    """What is this run's alone: the init, the command, modules and the project."""
    table = {"init": os.path.join(SCRIPTS, "machine-init")}
    for name, path in files.items():
        table[f"regent/{name}"] = path
    table["regent/vmlinuz"] = kernel.vmlinuz        # for kexec
    if added:
        table["regent/unpacked"] = cached_kernel(kernel)    # for a VM
    for path in module_files(kernel):
        place = os.path.relpath(path, kernel.modules)
        table[f"usr/lib/modules/{kernel.release}/{place}"] = path
    top = os.path.join(directory, "top")
    for name, path in table.items():
        os.makedirs(os.path.dirname(f"{top}/{name}"), exist_ok=True)
        shutil.copy(path, f"{top}/{name}")
    os.chmod(f"{top}/init", 0o755)
    packed = archive(table, top) + archive(project_files(kernel.release))
    return packed + archive(added_files(added)) if added else packed


def make_disc(kernel, directory, line, files, added):
    """Write the CD's image, for a kernel with that command line; return its path."""
    top = os.path.join(directory, "cd")
    os.mkdir(top)
    with open(f"{top}/isolinux.cfg", "w", encoding="utf-8",
              errors="surrogateescape") as file:
        file.write("DEFAULT linux\nPROMPT 0\nLABEL linux\n  KERNEL linux\n"
                   f"  INITRD programs,run\n  APPEND {line}\n")
    for path in LOADER:
        shutil.copy(path, top)
    for name, path in (("linux", cached_kernel(kernel)), ("programs", cached_programs())):
        os.symlink(path, f"{top}/{name}")
    with open(f"{top}/run", "wb") as file:
        file.write(run_files(kernel, directory, files, added))
    image = os.path.join(directory, "cd.iso")
    made = subprocess.run(
        ["genisoimage", "-quiet", "-R", "-f", "-o", image, "-b", "isolinux.bin",
         "-c", "boot.cat", "-no-emul-boot", "-boot-load-size", "4",
         "-boot-info-table", top], capture_output=True, text=True, check=False)
    if made.returncode:
        raise SetupError(f"genisoimage: {made.stderr.strip()}")
    return image
