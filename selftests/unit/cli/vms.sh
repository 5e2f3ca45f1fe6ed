# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# The part of cli.sh about VMs: worlds, world set, world follow, leave. fakedev plays /dev/regent.
# shellcheck disable=SC2034,SC2154 # cli.sh has the other part of each

usage_of_world()
{
	ok "nothing to world" usage "there are 'set' and 'follow'" world
	ok "another word to world" usage "unknown word 'x'" world x
	ok "an option to world" usage "unknown option '--x'" world --x
	ok "an option to world set" usage "unknown option '--x'" world set vm1 --x
	ok "no VM to set" usage "which VM" world set --max 50
	ok "two VMs to set" usage "unexpected argument 'vm2'" world set vm1 vm2 --max 50
	for vm in vm vm-1 vm1/ vm1/x vm1/0/1 x -- vm99999999999; do
		ok "no VM: $vm" usage "which VM|is no VM" world set --max 50 "$vm"
	done
	ok "nothing to set" usage "what to set" world set vm1
	for shares in 65537 -1 1.5 x; do
		ok "no shares: $shares" usage "shares must be" world set vm1 "--shares=$shares"
	done
	for min in 90.1 91% -1 x 1e1 12.55 1.% %; do
		ok "no guarantee: $min" usage "min must be" world set vm1 "--min=$min"
	done
	for max in 0 0.0% 100.1 101 99999999999999999999; do
		ok "no cap: $max" usage "max must be" world set vm1 --max $max
	done
	for cpus in "" "1," ",1" 1- 3-1 -1 a 1-2-3 8192 0-99999999999; do
		ok "no CPUs: $cpus" usage "cpus must be" world set vm1 "--cpus=$cpus"
	done
	ok "guarantee above cap" usage "min is above --max" world set vm1 --min 50 --max 49.9
	ok "argument to world follow" usage "unexpected argument 'x'" world follow x
	ok "option to world follow" usage "unknown option '--x'" world follow --x
}

# VM 1 of two vCPUs, of which one has had no thread yet, and VM 12; both of QEMU's.
with_vms()
{
	loaded
	put dev/regent ''
	put worlds "0 1 1 512 125 900 0 0 0 0
3 3 2 1024 0 1000 1 0 4711 4713
3 5 3 300 125 335 12 7 99 101
3 4 0 1024 0 1000 1 1 4711 0
1 4096 0 1024 0 1000 0 0 0 0
2 8192 0 1 0 1000 0 0 0 0"
	process 4711 qemu-system-x86 "qemu -name guest=web1" anon_inode:kvm-vm anon_inode:kvm-vcpu:0
	mkdir -p "$R/proc/4711/task/4713"
	PRELOAD=$tmp/fakedev.so
}

expect_worlds()
{
	cat <<-END | cmp -s - "$tmp/out"
	WORLD      CPU STATE    SHARES    MIN    MAX        RAN_S     WAITED_S  SWITCHES     EXITS  MOVES
	test/1       1 running     512  12.5%    90%     1234.567        0.001         7         8      9
	vm1/0        2 running    1024   0.0%   100%     1234.567        0.001         7         8      9
	vm12/7       3 running     300  12.5%  33.5%     1234.567        0.001         7         8      9
	vm1/1        0 running    1024   0.0%   100%     1234.567        0.001         7         8      9
	host/0       0 running    1024   0.0%   100%     1234.567        0.001         7         8      9
	idle/0       0 running       1   0.0%   100%     1234.567        0.001         7         8      9

	VCPU       PROCESS   THREAD COMMAND
	vm1/0         4711     4713 qemu-system-x86
	vm12/7          99      101 -
	vm1/1         4711        - qemu-system-x86
	END
}

test_list_of_vms()
{
	with_vms
	ok "worlds: VMs" rc 0 no-err . -- worlds
	ok "are the table, of 100 columns" expect_worlds
	ok "worlds --json: VMs" rc 0 no-err . -- worlds --json
	ok "are JSON" json "{w['name']: [w['vm'], w['vcpu'], w['pid'], w['thread'], w['command']]
		for w in d['worlds'] if 'vm' in w} == {
		'vm1/0': [1, 0, 4711, 4713, 'qemu-system-x86'], 'vm12/7': [12, 7, 99, 101, None],
		'vm1/1': [1, 1, 4711, None, 'qemu-system-x86']} and len(d['worlds']) == 6 and
		d['worlds'][2]['min_permille'] == 125 and d['worlds'][0]['rounds'] == 10"
	rm "$R/worlds"
	ok "worlds: Regent does not rule" rc 3 err "does not rule" -- worlds
	ok "world set: Regent does not rule" rc 1 err "does not rule" -- world set vm1 --max 50
	: >"$R/worlds"
	ok "worlds: none" rc 0 out "^WORLD" no-out VCPU no-err . -- worlds
	new
	PRELOAD=
	ok "world set: not loaded" rc 1 no-out . err "^regentctl: Regent is not loaded$" -- \
		world set vm1 --max 50
}

# sets CALLS ARGS...: it succeeds silently, with these calls
sets()
{
	wanted=$1
	shift
	: >"$R/calls"
	rc 0 no-out . no-err . -- world set "$@" && calls "$wanted"
}

# keeps TEXT ARGS...: it fails with one line, and has asked for nothing
keeps()
{
	text=$1
	shift
	: >"$R/calls"
	rc 1 no-out . err "^regentctl: $text" -- world set "$@" && calls "" &&
		[ "$(wc -l <"$tmp/err")" = 1 ]
}

# The numbers: VM, vCPU (-1: all), shares, min, max (-1: as before), and a zero.
test_world_set()
{
	with_vms
	ok "world set --max" sets "set 1 -1 -1 -1 300 0;" vm1 --max 30%
	ok "world set --min" sets "set 1 1 -1 125 -1 0;" --min 12.5 vm1/1
	ok "world set: all three" sets "set 12 7 65536 0 1 0;" vm12/7 --shares 65536 --min=0 --max 0.1%
	ok "world set: as the nice value says" sets "set 12 -1 0 900 1000 0;" vm12 --shares nice \
		--min 90.0% --max 100%
	ok "world set: that is 0, too" sets "set 12 -1 0 -1 -1 0;" vm12 --shares 0
	ok "world set: by process" sets "set 12 -1 5 -1 -1 0;" 99 --shares 5
	ok "world set: by process and vCPU" sets "set 1 0 -1 -1 500 0;" 4711/0 --max 50
	ok "world set --cpus" sets "cpus 4713 1 3 4 5;" vm1/0 --cpus 1,3-5
	ok "world set --cpus and --max" sets "set 1 0 -1 -1 500 0;cpus 4713 70 8191;" vm1/0 --cpus 70,8191 --max 50
	ok "world set: no such VM" keeps "VM 2 has no vCPUs; .*worlds" vm2 --max 50
	ok "world set: no such process" keeps "process 5 has no vCPUs; .*worlds" 5 --max 50
	ok "world set: no such vCPU" keeps "vm1 has no vCPU 2; .*worlds" vm1/2 --max 50
	ok "world set --cpus: no thread yet" keeps "vm1/1 has had no thread yet, .*start first$" vm1 --cpus 1 --max 50
	ok "world set --cpus: its thread has ended" keeps "vm12/7: its thread 101 has ended, " vm12 --cpus 1
	echo "3 6 0 1024 0 1000 13 0 99 102" >>"$R/worlds"
	ok "world set: a process with two VMs" keeps "process 99 has several VMs; name one as vmN" 99 --max 50
	test_world_set_errors
}

test_world_set_errors()
{
	put set-error 22
	ok "world set: min above max" rc 1 no-out . err "vm1/0: --min would be above --max; give both" \
		-- world set vm1/0 --max 5 --cpus 1
	ok "... then the CPUs stay" is "$(tail -n 1 "$R/calls")" "set 1 0 -1 -1 50 0"
	put set-error 2
	ok "world set: just gone" rc 1 no-out . err "vm1 has ended just now" -- world set vm1 --max 5
	put set-error 5
	ok "world set: odd error" rc 1 no-out . err "vm1: can't set: Input/output" -- world set vm1 --max 5
	put cpus-error 22
	ok "world set --cpus: none online" rc 1 no-out . err "vm1/0: no CPU of '60-61' is online" -- \
		world set vm1/0 --cpus 60-61
	put cpus-error 3
	ok "world set --cpus: just gone" rc 1 no-out . err "thread 4713 has ended just now" -- \
		world set vm1/0 --cpus 1
	put cpus-error 1
	ok "world set --cpus: odd error" rc 1 no-out . err "thread 4713: Operation not permitted" -- \
		world set vm1/0 --cpus 1
}

# group PATH WEIGHT MAX
group()
{
	put "sys/fs/cgroup$1/cpu.weight" "$2"
	put "sys/fs/cgroup$1/cpu.max" "$3"
}

# thread PROCESS THREAD GROUP
thread() { put "proc/$1/task/$2/cgroup" "4:memory:/no
0::$3
1:name=x:/no"; }

# follows CALLS [CHECKS...]
follows()
{
	wanted=$1
	shift
	: >"$R/calls"
	rc 0 "$@" no-err . -- world follow --once && calls "$wanted"
}

test_world_follow()
{
	with_vms
	ok "world follow: no cgroups" rc 1 no-out . err "no cgroup v2 is mounted" -- world follow --once
	put sys/fs/cgroup/cgroup.controllers "cpu memory"
	ok "world follow: threads that have ended" follows "" no-out .
	thread 4711 4713 /
	ok "world follow: the root cgroup" follows "set 1 0 0 -1 1000 0;" \
		out "^vm1/0: shares by nice value, at most 100.0%$"
	group /m 100 "max 100000"
	thread 4711 4713 /m/vm/vcpu0
	ok "world follow: nothing set" follows "set 1 0 0 -1 1000 0;"
	group /m/vm 50 "max 100000"
	group /m/vm/vcpu0 100 "25000 100000"
	ok "world follow: weight and limit" follows "set 1 0 512 -1 250 0;" \
		out "^vm1/0: shares 512, at most 25.0%$"
	group /m 10000 "10000 100000"
	ok "world follow: those of all groups above" follows "set 1 0 51200 -1 100 0;"
	group /m 10000 "150000 100000"
	group /m/vm 10000 "1 1000000"
	ok "world follow: the most and the least" follows "set 1 0 65536 -1 1 0;"
	group /m/vm 0 "max 100000"
	group /m 1 "max 100000"
	ok "world follow: an idle group" follows "set 1 0 1 -1 250 0;"
	test_world_follow_many
}

test_world_follow_many()
{
	group /m 100 "100000 100000"
	group /m/vm 100 "max 100000"
	thread 99 101 /m/vm2
	put worlds "3 3 2 1024 0 1000 1 0 4711 4713
3 4 2 1024 0 1000 1 1 4711 4714
3 5 3 300 125 335 12 7 99 101"
	thread 4711 4714 /m/vm/vcpu1
	group /m/vm/vcpu1 1000 "max 100000"
	ok "world follow: a limit for three" follows \
		"set 1 0 0 -1 250 0;set 1 1 10240 -1 333 0;set 12 7 0 -1 333 0;"
	put set-error 22
	ok "world follow: less than the guarantee" rc 1 no-out . \
		err "^regentctl: vm1/0: its cgroup leaves it 25.0%, less than is guaranteed; lower that by 'regentctl world set vm1/0 --min'$" \
		-- world follow --once
	put set-error 2
	ok "world follow: just gone" rc 0 no-out . no-err . -- world follow --once
	rm "$R/worlds" "$R/set-error"
	ok "world follow: Regent does not rule" rc 3 err "does not rule" -- world follow
	rm "$R/dev/regent"
	ok "world follow: Regent is gone" rc 3 err "not loaded" -- world follow
}

test_vms_in_the_way()
{
	with_vms
	put sys/module/regent/refcnt 4
	process 50 idle-vmm "x" /dev/kvm anon_inode:kvm-vm
	process 51 bash "bash" /dev/regent
	process 52 ls "ls" /dev/null
	echo "3 6 0 1024 0 1000 2 0 4711 4720" >>"$R/worlds"
	ok "leave: VMs" rc 1 err "^regentctl: Regent is in use; shut down its VMs and what else uses it, then try again:$" \
		err "^  process 4711 qemu-system-x86 .web1.: vm1 with 2 vCPUs, vm2 with 1 vCPU$" \
		err "^  process 50 idle-vmm: 1 VM$" err "^  process 51 bash: has the device open, no VM$" \
		err "^  vm12 with 1 vCPU, made by process 99, which has let go of it$" no-err "process 52" -- leave
	ok "is still loaded with them" test -d "$R/sys/module/regent"
}
