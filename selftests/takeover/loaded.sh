#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Load with checksums while Linux is a world: on direct CPUs, on forwarded ones and beside
# other worlds. In short, for an emulator without a JIT; forward.sh and the soak do more.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

load() { # SECONDS
	LOAD_WORKERS='memory exec signals' "$here/../load/run.sh" "$1"
}

check 'load on the bare machine' load 2
mark
check 'taken over' take
check 'load on direct CPUs' load 4
check 'every CPU is forwarded' set_all forwarded
check 'load on forwarded CPUs' load 4
check 'a world on each CPU' start_sharer all "0-$last_cpu" 0 2:1024:0:1000
check 'load beside them' load 4
check 'they were right' stop_sharer all
give_as_found "$(nproc --all)"
check 'load on the bare machine again' load 2
finish
