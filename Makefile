# SPDX-License-Identifier: GPL-2.0-only
#
# The targets are listed by `make help`, below.
#
# KDIR=DIR	the kernel headers to build for; by default Debian's newest
# V=1		show the commands

# Lazy: the headers may come only with scripts/setup.
KDIR ?= $(lastword $(shell ls -dv /usr/src/linux-headers-*-amd64 2>/dev/null))
KREL = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h 2>/dev/null)
B := build
M = $(CURDIR)/$(B)/$(KREL)/module
Q := $(if $(V),,@)
SUBMAKE := $(MAKE) --no-print-directory
PREFIX ?= /usr/local
DEPMOD ?= /sbin/depmod

all: regent.ko tools/regentctl

help:
	@echo 'make              regent.ko for KDIR, and tools/regentctl'
	@echo 'make install      both, and the manual page (DESTDIR, PREFIX); root'
	@echo 'make clean        remove what was built'
	@echo 'make setup        install what the following targets need, by apt'
	@echo 'make demo         the main job, shown in an emulator, in four minutes'
	@echo 'make check        the tests; SUITES="..." for some (scripts/check --list)'
	@echo 'make check-long   what takes longer and is not in check; one line each: scripts/check --list'
	@echo 'make check-bochs  the tests in Bochs, a second emulator, with its long ones'
	@echo 'make soak         CYCLES=100 KERNELS="6.1 6.12": takeovers under load'
	@echo 'make bench        KERNELS="6.1": instructions and exits per operation'
	@echo 'make style        checkpatch, sparse, the wall around K; some: scripts/style --list'
	@echo
	@echo 'KDIR=DIR builds for these kernel headers; now: $(KDIR)'

BACKENDS := svm vmx
IMAGES := $(BACKENDS:%=$(B)/k/k-%.bin)

$(IMAGES): $(B)/k/k-%.bin: FORCE
	$(Q)$(SUBMAKE) -C src OUT=$(CURDIR)/$(B)/k BACKEND=$*

# Kbuild writes beside its sources, so each kernel gets a tree of links. Two
# makes at once (tests, another terminal) take turns.
module:
	@mkdir -p $(B)
	$(Q)flock $(B)/lock $(SUBMAKE) module-locked KDIR=$(KDIR)

module-locked: $(IMAGES)
	@test -n "$(KREL)" || { echo "no kernel headers at '$(KDIR)': run make setup, or set KDIR=" >&2; exit 1; }
	@mkdir -p $(M)
	@cp -rsf $(CURDIR)/takeover $(CURDIR)/src $(CURDIR)/include $(CURDIR)/Kbuild \
		$(CURDIR)/VERSION $(M)/
	@rm -f $(M)/src/Makefile && find $(M) -xtype l -delete
	@for b in $(BACKENDS); do cmp -s $(B)/k/k-$$b.bin $(M)/k-$$b.bin || \
		{ cp $(B)/k/k-$$b.bin $(M)/; rm -f $(M)/takeover/kimage.o; }; done
	$(Q)$(SUBMAKE) -C $(KDIR) M=$(M) $(KBUILD_ARGS) modules
	@cmp -s $(M)/regent.ko $(B)/$(KREL)/regent.ko || \
		{ cp $(M)/regent.ko $(M)/new.ko && mv $(M)/new.ko $(B)/$(KREL)/regent.ko; }

regent.ko: module
	@cmp -s $(B)/$(KREL)/regent.ko $@ || cp $(B)/$(KREL)/regent.ko $@

tools/regentctl: FORCE
	$(Q)$(SUBMAKE) -C tools

install: all
	install -D -m 644 regent.ko $(DESTDIR)/lib/modules/$(KREL)/extra/regent.ko
	$(if $(DESTDIR),,$(DEPMOD) $(KREL))
	$(Q)$(SUBMAKE) -C tools install PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)

clean:
	rm -rf $(B) regent.ko
	$(Q)$(SUBMAKE) -C tools clean

setup:
	@scripts/setup

check: setup
	@scripts/check $(SUITES)

check-long: setup
	@scripts/check --long

check-bochs: setup
	@scripts/check bochs-intel bochs-intel-long bochs-amd bochs-amd-long \
		bochs-worlds bochs-guards

demo: setup
	@scripts/demo

soak: setup
	@scripts/soak $(or $(CYCLES),100) $(KERNELS)

bench: setup
	@scripts/bench $(KERNELS)

style: setup
	@scripts/style

FORCE:
.PHONY: all help module module-locked install clean setup check check-long check-bochs demo soak bench style FORCE
