#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --monitor --qemu=-machine\ pc-q35-7.0
#
# The way in and out, and what is to be seen in between.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

cpus=$(nproc --all)
all_cpus=0-$last_cpu
[ "$last_cpu" -gt 0 ] || all_cpus=0

sysfs_is() { # FILE VALUE
	same "$2" "$(cat "$sys/$1")"
}

number_in() { # FILE LOW HIGH
	between "$2" "$(cat "$sys/$1")" "$3"
}

exits_of() { # CPU REASON
	cat "$sys/cpu$1/exits_$2"
}

# Reading through hypercalls makes hypercalls, on the CPU that reads.
hypercalls_are_counted() {
	for cpu in $(seq 0 "$last_cpu"); do
		before=$(taskset -c "$cpu" cat "$sys/cpu$cpu/exits_hypercall")
		after=$(taskset -c "$cpu" cat "$sys/cpu$cpu/exits_hypercall")
		[ "$after" -gt "$before" ] || { echo "CPU $cpu: $before, $after"; return 1; }
	done
}

nothing_unexpected() {
	for cpu in $(seq 0 "$last_cpu"); do
		same 0 "$(exits_of "$cpu" other)" || return
	done
}

json_is_sane() {
	"$ctl" status --json >"$work/json" || return
	python3 - "$work/json" "$cpus" <<-'PY'
	import json, sys
	status = json.load(open(sys.argv[1], encoding="ascii"))
	cpus = int(sys.argv[2])
	assert status["loaded"] is True and status["status"] == "taken over", status
	assert status["cpus"] == list(range(cpus)), status["cpus"]
	assert [c["cpu"] for c in status["per_cpu"]] == list(range(cpus)), status
	assert status["pause_takeover_ns"] > 0 and status["memory_kb"] >= 2048, status
	PY
}

# Status 0: the blob's structure, checksum and fields are right.
state_is_sane() {
	"$ctl" state >"$work/state" || return
	for cpu in $(seq 0 "$last_cpu"); do
		grep -qx "CPU $cpu" "$work/state" || { echo "no CPU $cpu"; return 1; }
	done
	grep -Eq '^  EFER +owned +0x[0-9a-f]+' "$work/state" || { echo "no EFER"; return 1; }
}

# What tells of other worlds, and what takes long
only_root_reads() {
	for file in state image cpu0/exits_msr cpu0/costs_ibpb; do
		same 400 "$(stat -c %a "$sys/$file")" || return
	done
}

# Another user gets what there is for everybody.
nobody_gets_status() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$ctl" status >"$work/status" || return
	cat "$work/status"
	grep -q '^status *taken over$' "$work/status" && grep -q '^Only root may read' "$work/status"
}

status_without() {
	"$ctl" status >"$work/said"
	same 3 $?
}

test_way_in() {
	check 'the dumper works' dump before
	check 'regentctl says that Regent is not loaded' status_without
	mark
	check 'taken over' take
	check 'the log says so' log_has "regent: taken over: $cpus CPUs ($backend)"
}

test_sysfs() {
	check 'sysfs: status' sysfs_is status 'taken over'
	check 'sysfs: backend' sysfs_is backend "$backend"
	check 'sysfs: cpus' sysfs_is cpus $all_cpus
	check 'sysfs: version' sysfs_is version "$(modinfo -F version "$module")"
	check 'sysfs: image' sysfs_is image intact
	check 'sysfs: pause_takeover_ns' number_in pause_takeover_ns 1 60000000000
	check 'sysfs: pause_handback_ns' sysfs_is pause_handback_ns 0
	check 'sysfs: memory_kb' number_in memory_kb 2048 1048576
	check 'sysfs: entry_max_ns' number_in entry_max_ns 1 60000000000
	check 'sysfs: hidden_reads' sysfs_is hidden_reads 0
	check 'sysfs: hidden_writes' sysfs_is hidden_writes 0
	check 'sysfs: hypercalls are counted on each CPU' hypercalls_are_counted
	check 'no exit that was not asked for' nothing_unexpected
}

test_regentctl() {
	check 'regentctl status' "$ctl" status
	check 'regentctl status --json' json_is_sane
	check 'regentctl state' state_is_sane
	check 'only root may read the state, and what tells of other worlds' only_root_reads
	check "another user gets regentctl's status" nobody_gets_status
	check 'no second Regent' fails_with 'File exists' take
}

test_way_out() {
	mark
	give_as_found "$cpus"
	check 'nothing is left in sysfs' test ! -e "$sys"
	check 'the dumper saw nothing change' dump after
	check 'the dumps agree' same_dumps before after
}

test_way_in
test_sysfs
test_regentctl
test_way_out
finish
