/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What user space may see of Regent: worlds, by the ioctls of /dev/regent, and the
 * state blob, as the sysfs file /sys/kernel/regent/state gives it to root.
 *
 * The blob is a header, then sections back to back. All of it is
 * little-endian and 8-byte aligned. A reader skips sections whose type it
 * does not know by @count * @entry_size.
 */
#ifndef _UAPI_LINUX_REGENT_H
#define _UAPI_LINUX_REGENT_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define REGENT_BLOB_MAGIC	0x31424f4c42544752ULL	/* "RGTBLOB1" */
#define REGENT_BLOB_VERSION	1

/**
 * struct regent_blob_header - the start of a state blob
 * @magic: REGENT_BLOB_MAGIC
 * @version: REGENT_BLOB_VERSION
 * @length: bytes of the whole blob, this header included
 * @crc: CRC-32 (IEEE 802.3, reflected, as zlib's) of the whole blob with
 *	this field zero
 * @sections: number of sections that follow
 * @time: seconds since the epoch at the takeover
 */
struct regent_blob_header {
	__u64 magic;
	__u32 version;
	__u32 length;
	__u32 crc;
	__u32 sections;
	__u64 time;
};

/**
 * enum regent_blob_section_type - what the entries of a section are
 * @REGENT_BLOB_GLOBAL: struct regent_blob_field, of the whole machine
 * @REGENT_BLOB_CPU: struct regent_blob_field, of the CPU in @id
 * @REGENT_BLOB_MEMORY: struct regent_blob_range, memory map of the firmware
 *	and the MMIO ranges Linux knows
 * @REGENT_BLOB_PCI: struct regent_blob_pci, the PCI functions
 * @REGENT_BLOB_IOAPIC: struct regent_blob_ioapic, the I/O APICs
 */
enum regent_blob_section_type {
	REGENT_BLOB_GLOBAL = 1,
	REGENT_BLOB_CPU = 2,
	REGENT_BLOB_MEMORY = 3,
	REGENT_BLOB_PCI = 4,
	REGENT_BLOB_IOAPIC = 5,
};

/**
 * struct regent_blob_section - the head of one section
 * @type: enum regent_blob_section_type
 * @id: Linux's CPU number for REGENT_BLOB_CPU, else 0
 * @count: number of entries that follow
 * @entry_size: bytes of one entry; may grow with later versions
 */
struct regent_blob_section {
	__u32 type;
	__u32 id;
	__u32 count;
	__u32 entry_size;
};

/**
 * enum regent_field_class - how a field is compared at the handback
 * @REGENT_FIELD_OWNED: Regent changes it: put back, @live must equal @found
 * @REGENT_FIELD_TRACKED: Linux may change it: @live must equal @view
 * @REGENT_FIELD_VOLATILE: recorded only
 */
enum regent_field_class {
	REGENT_FIELD_OWNED = 0,
	REGENT_FIELD_TRACKED = 1,
	REGENT_FIELD_VOLATILE = 2,
};

#define REGENT_FIELD_ABSENT	0x01	/* this CPU does not have it */
#define REGENT_FIELD_HAS_VIEW	0x02	/* @view is valid */
#define REGENT_FIELD_HAS_LIVE	0x04	/* @live is valid */

#define REGENT_FIELD_NAME	20

/**
 * struct regent_blob_field - one register or setting
 * @name: its name, NUL-padded
 * @cls: enum regent_field_class
 * @flags: REGENT_FIELD_*
 * @reserved: zero
 * @found: value at the takeover, read on the bare machine
 * @view: value Linux saw as a world, just before the handback
 * @live: value after the handback, read on the bare machine
 */
struct regent_blob_field {
	char name[REGENT_FIELD_NAME];
	__u8 cls;
	__u8 flags;
	__u8 reserved[2];
	__u64 found;
	__u64 view;
	__u64 live;
};

/**
 * enum regent_range_type - what lies at a physical address range
 * @REGENT_RANGE_RAM: memory that Linux uses
 * @REGENT_RANGE_RESERVED: reserved by the firmware
 * @REGENT_RANGE_ACPI: ACPI tables
 * @REGENT_RANGE_NVS: memory that ACPI keeps over a suspend
 * @REGENT_RANGE_MMIO: registers or memory of a device
 * @REGENT_RANGE_PERSISTENT: persistent memory
 */
enum regent_range_type {
	REGENT_RANGE_RAM = 1,
	REGENT_RANGE_RESERVED = 2,
	REGENT_RANGE_ACPI = 3,
	REGENT_RANGE_NVS = 4,
	REGENT_RANGE_MMIO = 5,
	REGENT_RANGE_PERSISTENT = 7,
};

/**
 * struct regent_blob_range - one physical address range
 * @start: first byte
 * @size: bytes
 * @type: enum regent_range_type
 * @reserved: zero
 */
struct regent_blob_range {
	__u64 start;
	__u64 size;
	__u32 type;
	__u32 reserved;
};

#define REGENT_PCI_BARS		6
#define REGENT_PCI_DRIVER	20

/**
 * struct regent_blob_pci - one PCI function
 * @segment: PCI domain
 * @bus: bus number
 * @devfn: device << 3 | function
 * @vendor: vendor ID
 * @device: device ID
 * @pci_class: class, subclass, programming interface
 * @irq: Linux interrupt number of its INTx, 0 for none
 * @device_class: 0 host-managed, 1 reserved, 2 shared
 * @msi: 1 MSI enabled, 2 MSI-X enabled
 * @reserved: zero
 * @driver: name of its Linux driver, NUL-padded, empty for none
 * @bar: start addresses (physical or port), 0 for none
 * @bar_size: bytes
 * @bar_flags: 1 memory, 2 ports, 4 prefetchable, 8 64-bit
 */
struct regent_blob_pci {
	__u16 segment;
	__u8 bus;
	__u8 devfn;
	__u16 vendor;
	__u16 device;
	__u32 pci_class;
	__u32 irq;
	__u8 device_class;
	__u8 msi;
	__u8 reserved[2];
	char driver[REGENT_PCI_DRIVER];
	__u64 bar[REGENT_PCI_BARS];
	__u64 bar_size[REGENT_PCI_BARS];
	__u8 bar_flags[8];
};

/**
 * struct regent_blob_ioapic - one I/O APIC
 * @address: physical address of its registers
 * @gsi_base: first global system interrupt, ~0 when Linux does not tell
 * @entries: number of redirection entries, 0 when not known
 */
struct regent_blob_ioapic {
	__u64 address;
	__u32 gsi_base;
	__u32 entries;
};

/**
 * enum regent_world_kind - what runs in a world
 * @REGENT_WORLD_KIND_TEST: a small guest of Regent's own, which counts rounds and
 *	looks after its registers
 * @REGENT_WORLD_KIND_HOST: Linux on one CPU
 * @REGENT_WORLD_KIND_IDLE: nobody: the CPU waits in Regent
 * @REGENT_WORLD_KIND_VM: a vCPU of a virtual machine
 */
enum regent_world_kind {
	REGENT_WORLD_KIND_TEST = 0,
	REGENT_WORLD_KIND_HOST = 1,
	REGENT_WORLD_KIND_IDLE = 2,
	REGENT_WORLD_KIND_VM = 3,
};

/**
 * struct regent_world - one world
 * @id: its number
 * @kind: enum regent_world_kind
 * @cpu: Linux's number of the CPU it is on, or was on last
 * @state: 0 stopped, 1 blocked, 2 runnable, 3 running, 4 dead
 * @shares: how much it gets of what the CPU's worlds compete for
 * @min: guaranteed thousandths of the CPU
 * @max: thousandths of the CPU that it gets at most
 * @ran_ns: time it has run; where Linux is alone on a CPU, with its idle time
 * @waited_ns: time it could have run, but another world did
 * @switches: times it was switched in
 * @exits: times it came to Regent
 * @moves: times it went from one CPU to another by itself
 * @rounds: test worlds: times it found all its registers right
 * @wrong: test worlds: number of the register it found wrong, 0 for none
 * @vm: vCPUs: number of the VM, which it has until it ends
 * @vcpu: vCPUs: number in the VM
 * @pid: vCPUs: process that has made the VM
 * @thread: vCPUs: thread that runs it, or has done so last; 0 for none yet
 * @reserved: zero
 */
struct regent_world {
	__u64 id;
	__u32 kind;
	__u32 cpu;
	__u32 state;
	__u32 shares;
	__u32 min;
	__u32 max;
	__u64 ran_ns;
	__u64 waited_ns;
	__u64 switches;
	__u64 exits;
	__u64 moves;
	__u64 rounds;
	__u32 wrong;
	__u32 vm;
	__u32 vcpu;
	__s32 pid;
	__s32 thread;
	__u32 reserved;
};

/**
 * struct regent_test_create - a new test world
 * @cpu: CPU that it is to run on
 * @mode: 0 real mode, 1 protected mode, 2 64-bit mode: they look after their
 *	registers; 3 yields all the time, 4 never does; 5 as 0, but waits again and
 *	again, at first until it is woken
 * @shares: 1 to 65536; Linux has 1024
 * @min: guaranteed thousandths of the CPU
 * @max: thousandths of the CPU that it gets at most, 1000 for no limit
 * @reserved: zero
 * @id: out: its number
 */
struct regent_test_create {
	__u32 cpu;
	__u32 mode;
	__u32 shares;
	__u32 min;
	__u32 max;
	__u32 reserved;
	__u64 id;
};

/**
 * struct regent_test_set - change a test world
 * @id: its number
 * @allowed: CPUs that it may run on, a bit for each of the first 64; those that are
 *	not online are left out. 0: as before
 * @nap_ns: mode 5: for how long it waits each time, less than 2^48; 0 for until it is
 *	woken
 * @wakes: mode 5: number of a test world that it wakes before it waits; 0 for none
 * @reserved: zero
 */
struct regent_test_set {
	__u64 id;
	__u64 allowed;
	__u64 nap_ns;
	__u32 wakes;
	__u32 reserved;
};

#define REGENT_VCPU_ALL		(~0u)
#define REGENT_KEEP		(~0u)

/**
 * struct regent_vm_set - change what the vCPUs of a VM get where they are not alone
 * @vm: number of the VM
 * @vcpu: number of the vCPU, REGENT_VCPU_ALL for each that the VM has now
 * @shares: 1 to 65536, Linux has 1024 on each CPU; 0: as the nice value of its thread says;
 *	REGENT_KEEP: as before
 * @min: guaranteed thousandths of the CPU that it is on, 0 to 900; REGENT_KEEP
 * @max: thousandths of the CPU that it gets at most, @min to 1000, not 0; REGENT_KEEP
 * @reserved: zero
 */
struct regent_vm_set {
	__u32 vm;
	__u32 vcpu;
	__u32 shares;
	__u32 min;
	__u32 max;
	__u32 reserved;
};

/*
 * ioctls of /dev/regent
 *
 * REGENT_IOC_WORLD_NEXT - the world that follows @id (0: the first). ENOENT: there
 * is none; ENODEV: Regent does not rule.
 *
 * REGENT_IOC_TEST_CREATE - make a test world and let it run. It goes when the file
 * is closed, when the last CPU that it may run on goes offline, and when Regent hands
 * back. Its CPU becomes forwarded, unless the operator forbade it: then the world
 * waits. EINVAL; ENXIO: no such CPU online; ENODEV: Regent does not rule; ENFILE: no
 * more worlds; ENOSPC: the guarantee cannot be given; EOPNOTSUPP: no CPU of this
 * machine can be forwarded.
 *
 * REGENT_IOC_TEST_DESTROY - argument: id of a world that this file made. ENOENT.
 *
 * REGENT_IOC_TEST_SET - change a world that this file made, which stops meanwhile. All
 * CPUs that it may run on become forwarded. ENOENT; EINVAL; ENXIO: none of the CPUs is
 * online; ENOSPC: its guarantee cannot be given there (it stays stopped).
 *
 * REGENT_IOC_TEST_WAKE - argument: id of a world that this file made: it goes on if it
 * waits, else when it waits next. ENOENT; ENODEV.
 *
 * REGENT_IOC_VM_SET - change what vCPUs get. ENOENT: no such VM or vCPU; EINVAL, and nothing
 * is changed. A guarantee that the CPU to which a vCPU comes cannot give is dropped there, with a
 * line in the log.
 */
#define REGENT_IOC_WORLD_NEXT	_IOWR(0xb7, 0, struct regent_world)
#define REGENT_IOC_TEST_CREATE	_IOWR(0xb7, 1, struct regent_test_create)
#define REGENT_IOC_TEST_DESTROY	_IO(0xb7, 2)
#define REGENT_IOC_TEST_SET	_IOW(0xb7, 3, struct regent_test_set)
#define REGENT_IOC_TEST_WAKE	_IO(0xb7, 4)
#define REGENT_IOC_VM_SET	_IOW(0xb7, 5, struct regent_vm_set)

#endif
