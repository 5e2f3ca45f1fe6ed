# SPDX-License-Identifier: GPL-2.0-only
#
# make			regent.ko for KDIR, and tools/regentctl
# make demo		the main job, in an emulator
# make check		all tests
# make help		the rest
#
KDIR ?= $(lastword $(shell ls -dv /usr/src/linux-headers-*-amd64 /lib/modules/$(shell uname -r)/build 2>/dev/null))
KREL = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h 2>/dev/null)
B := build
M = $(CURDIR)/$(B)/$(KREL)/module
Q := $(if $(V),,@)

all: regent.ko tools/regentctl

$(B)/k/k-svm.bin: FORCE
	$(Q)$(MAKE) --no-print-directory -C src OUT=$(CURDIR)/$(B)/k BACKEND=svm

# Kbuild writes beside its sources, so each kernel gets a tree of links.
module: $(B)/k/k-svm.bin
	@test -n "$(KREL)" || { echo "no kernel headers at '$(KDIR)'; run scripts/setup, or set KDIR=" >&2; exit 1; }
	@mkdir -p $(M)
	@cp -rsf $(CURDIR)/takeover $(CURDIR)/src $(CURDIR)/include $(CURDIR)/Kbuild $(M)/
	@rm -f $(M)/src/Makefile && find $(M) -xtype l -delete
	@cmp -s $(B)/k/k-svm.bin $(M)/k-svm.bin || { cp $(B)/k/k-svm.bin $(M)/; touch $(CURDIR)/takeover/kimage.S; }
	$(Q)$(MAKE) --no-print-directory -C $(KDIR) M=$(M) modules
	@cp $(M)/regent.ko $(B)/$(KREL)/regent.ko

regent.ko: module
	@cp $(B)/$(KREL)/regent.ko $@

tools/regentctl: FORCE
	$(Q)$(MAKE) --no-print-directory -C tools

FORCE:
.PHONY: all module FORCE
