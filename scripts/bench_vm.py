# SPDX-License-Identifier: GPL-2.0-only
"""What operations of a VM cost under Regent, and under KVM on the same machine, which a small
VMM measures (selftests/takeover/vmm/bench.c): a part of scripts/bench."""

import concurrent.futures
import sys

# In the order of the table
OPERATIONS = [
    ("cpuid", "CPUID"),
    ("cpuid_late", "CPUID, a late leaf"),
    ("vmmcall", "VMMCALL"),
    ("rdmsr", "RDMSR APIC_BASE"),
    ("apic_read", "APIC read"),
    ("apic_write", "APIC write"),
    ("x2apic_read", "x2APIC read"),
    ("x2apic_write", "x2APIC write"),
    ("ioapic_read", "I/O APIC read"),
    ("pic_read", "PIC read"),
    ("pio_read", "port read, by the VMM"),
    ("pio_write", "port write, by the VMM"),
    ("mmio_read", "device read, by the VMM"),
    ("mmio_write", "device write, by the VMM"),
    ("self_ipi", "IPI to oneself, with HLT"),
    ("timer", "deadline timer"),
    ("ping", "IPI to another vCPU and back"),
    ("fault", "page there, each 4 KiB"),
    ("fault_far", "page there, each 1 MiB"),
    ("fault_huge", "huge page there, each 2 MiB"),
    ("first_touch", "first touch, each 4 KiB"),
    ("first_touch_huge", "first touch, huge pages"),
]

# (operation, most instructions, does it fail when it is over?). None: below KVM's figure of the
# same run. A goal that is not met yet is shown, and becomes one that fails when it is.
GOALS = [
    ("cpuid", 200, True),
    ("apic_read", 500, True),
    ("apic_write", 500, True),
    ("self_ipi", 2000, True),
    ("timer", 2000, True),
    ("ioapic_read", None, True),
    ("pio_read", None, True),
    ("pio_write", None, True),
    ("mmio_read", None, True),
    ("mmio_write", None, True),
    ("first_touch", None, True),
    ("first_touch_huge", None, False),
    ("boot", None, False),
]

# KVM hangs now and then in an emulated machine (docs/testing.md).
TRIES = 2
LIMIT = 300                         # seconds of a try, of which 75 are needed on a quiet machine


def figures(raw):
    """The lines of selftests/bench/vm.sh: of each operation, a dictionary."""
    keys = ("instructions", "exits", "switches", "returns")
    result = {}
    for line in raw.get("vm", []):
        name, *values = line.split()
        result[name] = {key: None if value == "-" else float(value)
                        for key, value in zip(keys, values)}
    result["boot"] = {"instructions": float(raw["boot"][0])}
    missing = [name for name, _ in OPERATIONS if name not in result]
    if missing:
        raise KeyError(missing[0])
    return result


def measure_kvm(run, failed):
    """None when it has not answered."""
    for number in range(TRIES):
        try:
            return figures(run("kvm"))
        except (failed, KeyError) as error:
            print(f"bench: KVM, try {number + 1} of {TRIES}: {error}", file=sys.stderr)
    return None


def measure(guest, failed):
    """Both, at the same time: what is counted does not depend on how long it takes.

    guest(options, script...) runs a script in a machine, and raises failed."""
    def run(who):
        return guest(["--fast", "--icount", "--cpus", "1", "--quiet", "--timeout", str(LIMIT)],
                     "selftests/bench/vm.sh", who)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        kvm = pool.submit(measure_kvm, run, failed)
        try:
            regent = figures(run("regent"))
        except KeyError as error:
            raise failed(f"no {error} among the results") from error
        return regent, kvm.result()


def goals(regent, kvm):
    """(what, figure, most allowed, is it below that, may it be over) for each goal that can be
    looked at: without KVM's figures, those of Regent alone."""
    names = dict(OPERATIONS, boot="boot of Debian")
    for name, most, binding in GOALS:
        figure = regent[name]["instructions"]
        if most is not None:
            yield f"VM: {names[name]}, instructions", figure, most, figure <= most, not binding
        elif kvm:
            most = kvm[name]["instructions"]
            yield (f"VM: {names[name]}, instructions, below KVM's", figure, most,
                   figure < most, not binding)


def number(value, form):
    return "-" if value is None else format(value, form)


def table(series, regent, kvm):
    print(f"\nLinux {series}, 1 CPU: in a VM, counted in instructions; exits to K, switches to"
          "\nLinux and back, returns of KVM_RUN to the VMM\n")
    print(f"{'operation':30}{'Regent':>10}{'exits':>8}{'Linux':>8}{'VMM':>8}"
          f"{'KVM':>12}{'exits':>8}")
    for name, what in OPERATIONS:
        here = regent[name]
        there = kvm[name] if kvm else {"instructions": None, "exits": None}
        print(f"{what:30}{number(here['instructions'], ',.0f'):>10}"
              + "".join(f"{number(here[key], '.3f'):>8}"
                        for key in ("exits", "switches", "returns"))
              + f"{number(there['instructions'], ',.0f'):>12}"
              f"{number(there['exits'], '.3f'):>8}")
    for who, values in (("Regent", regent), ("KVM", kvm)):
        said = f"{values['boot']['instructions'] / 1e9:.2f} s" if values else "-"
        print(f"boot of Debian in a microvm, busy, {who}: {said}")
    if not kvm:
        print(f"KVM has not answered, {TRIES} times")
    print()
