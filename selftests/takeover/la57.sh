#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --cpu max,+svm,+npt
#
# The way in and out where Linux runs with five-level paging.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

grep -qw la57 /proc/cpuinfo || skip_all 'this processor has no five-level paging'
modes=$(insmod "$dumper" && sed -n 's/^cpu0\.cr4=//p' /sys/kernel/debug/regent_dumper/state)
rmmod regent_dumper
[ $((modes & 0x1000)) -ne 0 ] || skip_all 'Linux does not use it'
rm -rf "$work"
exec "$here/basic.sh"
