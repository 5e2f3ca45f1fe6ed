#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# guards.sh [--list | --all | --slow | --vmx] [CASE]...: what ends a machine while Linux is taken
# over, and on what machines a takeover works or is refused. Runs on the host,
# boots scripts/machine once a case, prints TAP. What happens inside is in
# guards-guest.sh. Needs regent.ko and the selftests built for 6.1 and 6.12.
#
# --list  name the cases, the slow ones of --all with a "*"
# --all   the slow ones, too
# --slow  these alone
# --vmx   those of VMX, in Bochs, and no others

cd "$(dirname "$0")/../.." || exit 1
guest=selftests/takeover/guards-guest.sh
logs=build/check/guards		# of what failed
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. selftests/tap.sh

CASES=(reboot poweroff halt emergency triple shutdown panic kexec kdump kdump_612 kdump_fault
	lost forwarded_reboot forwarded_kexec forwarded_kdump forwarded_fault
	vm_reboot vm_emergency vm_panic vm_kexec vm_kdump vm_forwarded_kdump
	no_svm no_npt intel one_cpu lean pti noxsave memory comers)
SLOW=(absent kexec_612 la57 kaslr eight_cpus memory_4g nested
	nested_worlds nested_vm nested_kexec nested_kdump nested_comers)
VMX=(vmx_reboot vmx_emergency vmx_shutdown vmx_panic vmx_kexec vmx_kdump)

# --- checking ---------------------------------------------------------------

# boot [OPTION]... -- TASK...: output in $work/out, errors in $work/err, the
# kernel's words in $work/console; $status. What the guest can say itself is looked for in
# its output: the console is for a machine that ends, which leaves nobody to say it. No
# character of it is lost, see the tests of scripts/machine.
boot() {
	local -a options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	for _ in 1 2 3; do
		scripts/machine --timeout "$limit" --console "$work/console" "${options[@]}" \
			-- "$guest" "$@" >"$work/out" 2>"$work/err"
		status=$?
		started && return
		echo "# $case: the machine failed before it came to the test: $status"
	done
}

# QEMU 7.2 now and then breaks a booting kernel (an int3 of the kernel's own
# text poking is hit and not found): no reason to fail what has not begun.
started() {
	grep -q 'guards: start' "$work/console"
}

ended_well() { # NAME
	[ "$status" = 0 ]
	result $? "$1"
}

out_has() { # EXTENDED-REGEX NAME
	grep -Eq -- "$1" "$work/out"
	result $? "$2"
}

console_has() { # EXTENDED-REGEX NAME
	begun | grep -Eq -- "$1"
	result $? "$2"
}

# What the kernel said since Regent came; the kernels after it included.
begun() {
	sed -n '/guards: start/,$p' "$work/console"
}

AS_FOUND='CPUs, ([1-9][0-9]+) of \1 fields as found$'

handed_back() { # CPUS: as the guest says, every field as found
	out_has "^handed back: $1 $AS_FOUND" "$1 CPUs were handed back, all fields as found"
}

# By a machine that ended: before the next kernel, which may take over and hand back, too.
handed_back_at_end() { # CPUS
	begun | sed '/\] Linux version /,$d' | grep -Eq "handed back: $1 $AS_FOUND"
	result $? "$1 CPUs were handed back at the end, all fields as found"
}

not_handed_back() {
	started && ! begun | grep -q 'handed back'
	result $? 'without a handback by the notifier'
}

# A bug that Linux saw. The crash that a test asks for is none.
TROUBLE='BUG:|WARNING: CPU|Oops|general protection|invalid opcode|double fault|unchecked MSR|K on CPU|field .* found 0x|scheduling while atomic'

# Linux stops its CPUs one after the other, and those that still run may wake somebody on
# one that does not, which it then warns of, Regent or not.
without_the_stopped() {
	sed '/reboot: \(machine restart\|Power down\|System halted\)\|Starting new kernel/,$ {
		/sched: Unexpected reschedule of offline CPU/,/end trace/d
	}'
}

# By what the kernel said to its log, if there was somebody to read it, and to the console.
linux_content() { # [EXPECTED: no trouble]
	[ -s "$work/console" ] &&
		! { sed -n 's/^log: //p' "$work/out"; begun; } |
			sed '/sysrq: Trigger a crash/,$d' | without_the_stopped | grep -Ev "${1:-^$}" |
			grep -E -A30 "$TROUBLE" >"$work/trouble"
	result $? 'nothing troubled Linux'
	head -n 60 "$work/trouble" | sed 's/^/# /'
}

# The end of all it said; the rest stays in $logs.
show_failure() {
	mkdir -p $logs
	for what in out err console; do
		cp "$work/$what" "$logs/$case.$what"
	done
	echo "# status $status; more in $logs/$case.*"
	grep -v '^dmesg:\|^inner:\|^log:' "$work/out" | tail -n 15 | sed 's/^/# out: /'
	head -n 15 "$work/err" | sed 's/^/# err: /'
	tail -n 30 "$work/console" | sed 's/^/# con: /'
}

# --- how machines end -------------------------------------------------------

case_reboot() {
	boot --fast --cpus 4 --expect reboot -- end reboot
	ended_well 'reboot -f reboots'
	handed_back_at_end 4
	linux_content
}

case_poweroff() {
	boot --fast --kernel 6.12 --cpus 4 --expect poweroff -- end poweroff
	ended_well 'poweroff -f switches off'
	handed_back_at_end 4
	linux_content
}

# A halted machine stays, so nobody but the console tells of it.
case_halt() {
	: >"$work/console"
	scripts/machine --fast --timeout 240 --console "$work/console" --quiet -- \
		$guest end halt >"$work/out" 2>"$work/err" &
	local machine=$! halted=1
	while kill -0 $machine 2>/dev/null; do
		grep -q 'reboot: System halted' "$work/console" && { halted=0; break; }
		sleep 0.2
	done
	kill -TERM $machine 2>/dev/null
	wait $machine
	status=$?
	result $halted 'halt -f halts'
	handed_back_at_end 2
	linux_content
}

case_emergency() {
	boot --fast --cpus 4 --expect reboot -- end sysrq b
	ended_well 'sysrq-b resets'
	not_handed_back
	linux_content
}

case_triple() {
	boot --fast --expect reboot --append reboot=t -- end sysrq b
	ended_well 'sysrq-b resets by a triple fault'
	not_handed_back
	linux_content
}

LOST='regent: K on CPU 0: Regent gives up: a fault in a fault$'

# K faulted in its fault, so that this CPU never comes back. Linux cannot be handed back
# in order any more, nor its devices be shut down, but the machine restarts.
case_lost() {
	boot --fast --cpus 4 --expect reboot -- lost 0
	ended_well 'a restart with a CPU lost in K restarts the machine'
	console_has 'regent: CPU 0 is lost in Regent' 'the log says why it is not in order'
	console_has "$LOST" 'and what K said last'
	not_handed_back
	linux_content "$LOST"
}

# Without a word to anybody. Regent must not stand in the way of the reset.
case_shutdown() {
	boot --fast --quiet -- triple
	[ "$status" = 121 ] && grep -q 'triple fault?' "$work/err"
	result $? 'a triple fault of Linux resets the machine'
	not_handed_back
	linux_content
}

case_panic() {
	boot --fast --cpus 4 --expect panic -- end sysrq c
	ended_well 'sysrq-c panics and ends the machine'
	console_has 'Kernel panic - not syncing: sysrq triggered crash' \
		'with the reason on the console'
	linux_content
}

# --- kernels after this one -------------------------------------------------

judge_kexec() { # CPUS
	ended_well 'the next kernel runs its command'
	handed_back_at_end "$1"
	out_has "^next kernel: $1 of $1 CPUs" 'with every CPU'
	out_has '^intact$' 'where Linux can be taken over'
	handed_back "$1"
	linux_content
}

case_kexec() {
	boot --fast --cpus 4 -- kexec -s
	judge_kexec 4
}

case_kexec_612() {
	boot --fast --kernel 6.12 --cpus 2 -- kexec -c
	judge_kexec 2
}

# A call trace also lists, after a question mark, what calls of before have left
# on the stack: who has K fault and then crashes Linux has been in Regent.
innocent() { # <log
	local traces
	traces=$(sed '1,/sysrq: Trigger a crash/d' | grep -v ' ? ' |
		grep '\[regent\]\|regent_')
	[ -z "$traces" ] && return
	while read -r line; do
		echo "# $line"
	done <<<"$traces"
	return 1
}

judge_dump() { # SERIES CPUS MARK
	ended_well 'the dump kernel runs'
	out_has '^vmcore: [1-9][0-9]* bytes, all read' '/proc/vmcore can be read to its end'
	out_has "^vmcore: OSRELEASE=$1\." 'it has VMCOREINFO with the release'
	out_has '^makedumpfile: [0-9]+ of' 'makedumpfile filters it'
	out_has "^dmesg: .*guards: $3" "its log has what was written before the crash"
	[ "$(grep -c '^CPU [0-9]*: handed back' "$work/out")" = "$2" ]
	result $? "all $2 CPUs had been handed back"
	sed -n 's/^CPU [0-9]*:* .*/# &/p; s/^last words/# &/p' "$work/out"
	! grep '^dmesg:' "$work/out" |
		sed '/sysrq: Trigger a crash/,$d' | grep -Eq "${TROUBLE/|K on CPU/}"
	result $? 'the log has no word of trouble before the crash'
	out_has '^dmesg: .*sysrq: Trigger a crash' 'and the crash itself'
	grep '^dmesg:' "$work/out" | innocent
	result $? 'and nothing of Regent in the crash itself'
}

case_kdump() {
	boot --fast --cpus 4 --append crashkernel=320M -- crash 3 offline
	judge_dump 6.1 4 'written before the crash'
}

case_kdump_612() {
	boot --fast --kernel 6.12 --append crashkernel=320M -- crash 0
	judge_dump 6.12 2 'written before the crash'
}

case_kdump_fault() {
	boot --fast --append crashkernel=320M -- fault
	judge_dump 6.1 2 "written before K's fault"
	out_has '^last words: #PF vector e' "K's last words are in the dump"
}

# With K between Linux and its interrupts.

all_forwarded() { # CPUS
	out_has "^forwarded: $1\$" "all $1 CPUs were forwarded"
}

case_forwarded_reboot() {
	boot --fast --cpus 4 --expect reboot -- forwarded end reboot
	ended_well 'reboot -f reboots'
	all_forwarded 4
	handed_back_at_end 4
	linux_content
}

case_forwarded_kexec() {
	boot --fast --cpus 2 -- forwarded kexec -s
	all_forwarded 2
	judge_kexec 2
}

case_forwarded_kdump() {
	boot --fast --cpus 4 --append crashkernel=320M -- forwarded crash 3 offline
	all_forwarded 4
	judge_dump 6.1 4 'written before the crash'
}

case_forwarded_fault() {
	boot --fast --append crashkernel=320M -- forwarded fault
	all_forwarded 2
	judge_dump 6.1 2 "written before K's fault"
	out_has '^last words: #PF vector e' "K's last words are in the dump"
}

# While VMs run. What becomes of them is in vmm.sh: here the machine is about to end.

vms_ran() {
	out_has '^two VMs$' 'two VMs ran'
}

case_vm_reboot() {
	boot --fast --cpus 4 --expect reboot -- vm end reboot
	ended_well 'reboot -f reboots'
	vms_ran
	handed_back_at_end 4
	linux_content
}

case_vm_emergency() {
	boot --fast --cpus 4 --expect reboot -- vm end sysrq b
	ended_well 'sysrq-b resets'
	vms_ran
	not_handed_back
	linux_content
}

case_vm_panic() {
	boot --fast --cpus 4 --expect panic -- vm end sysrq c
	ended_well 'sysrq-c panics and ends the machine'
	vms_ran
	linux_content
}

case_vm_kexec() {
	boot --fast --cpus 4 -- vm kexec -s
	vms_ran
	judge_kexec 4
}

# On another CPU than those of the vCPUs, so that each of these is made to leave by an NMI
case_vm_kdump() {
	boot --fast --cpus 4 --append crashkernel=320M -- vm crash 3
	vms_ran
	judge_dump 6.1 4 'written before the crash'
}

case_vm_forwarded_kdump() {
	boot --fast --cpus 4 --append crashkernel=320M -- forwarded vm crash 3
	all_forwarded 4
	vms_ran
	judge_dump 6.1 4 'written before the crash'
}

# --- machines ---------------------------------------------------------------

refusal() { # REGEX OPTION...
	local why=$1
	shift
	boot --fast --cpus 1 "$@" -- refused
	ended_well 'insmod fails and leaves nothing'
	out_has "^regent: refused: $why" 'it says why and what to do'
	[ "$(grep -vc '^log: ' "$work/out")" = 1 ]
	result $? 'in one line'
}

case_no_svm() {
	refusal 'this CPU does not offer SVM.*; enable it' --cpu EPYC,-svm
}

case_no_npt() {
	refusal 'SVM without nested paging; Regent needs a CPU with NPT' \
		--cpu EPYC,+svm,-npt
}

case_intel() {
	refusal 'this CPU does not offer VMX.*; enable it' \
		--cpu Skylake-Server
}

cycle() { # CPUS OPTION...
	local cpus=$1
	shift
	boot --cpus "$cpus" "$@" -- cycle
	ended_well 'takeover and handback'
	out_has '^intact$' "K's image is intact"
	handed_back "$cpus"
	linux_content
}

case_one_cpu() {
	cycle 1 --fast
}

case_lean() {
	cycle 2 --fast --cpu EPYC,+svm,+npt,-smap,-smep,-pcid,-fsgsbase,-umip,-xsaves,-pge
}

case_pti() {
	cycle 2 --fast --append pti=on
	out_has '^pti$' 'page-table isolation was on'
}

# Registers go by FXSAVE then, Linux's and the other worlds'.
case_noxsave() {
	boot --fast --cpus 2 --append noxsave -- sharing
	ended_well 'worlds beside a load, without XSAVE'
	out_has '^no xsave$' 'Linux does without XSAVE'
	out_has '^worlds: 3, rounds: [1-9][0-9]{3,}, wrong: 0$' 'three worlds found all registers right'
	handed_back 2
	linux_content
}

case_kaslr() {
	cycle 2
}

# Five-level tables are switched on by the packed kernel only.
case_la57() {
	cycle 2 --cpu max,+svm,+npt
	out_has '^la57$' 'with five levels of page tables'
}

case_eight_cpus() {
	cycle 8 --fast
}

big() { # MEGABYTES
	boot --fast --memory "$1" -- memory
	ended_well 'takeover, most memory used, handback'
	out_has '^memory above 4 GiB' 'with memory above 4 GiB'
	handed_back 2
	linux_content
}

case_memory() {
	big 5000
}

case_memory_4g() {
	big 4096
}

case_comers() {
	boot --fast --cpus 4 --append maxcpus=1 -- comers
	judge_comers
}

judge_comers() {
	ended_well 'CPUs come and go while taken over'
	[ "$(grep '^come:' "$work/out" | tr '\n' ' ')" = 'come: 0-1 come: 0-2 come: 0-3 ' ]
	result $? 'each is taken over when it comes'
	out_has '^gone: 0-1,3$' 'and handed back when it goes'
	handed_back 3
	out_has '^online: 0-3$' 'what was offline comes online afterwards'
	linux_content
}

case_absent() {
	boot --fast --monitor --qemu='-smp 2,maxcpus=4' -- absent
	ended_well 'a machine with absent CPUs, one plugged in while taken over'
	out_has '^counter of an absent CPU: -22$' 'K knows no counters of an absent CPU'
	out_has '^counter of a new CPU: -22$' 'nor of one plugged in later'
	out_has '^online: 0-1, taken over: 0-1$' 'the new CPU stays offline, and the others as they are'
	out_has '^afterwards online: 0-2$' 'it comes online on the bare machine'
	handed_back 2
	handed_back 3
	linux_content
}

# --- a second SVM -----------------------------------------------------------

# Linux under KVM under Linux under the emulator: x2APIC, a paravirtual clock,
# paravirtual IPIs by hypercalls to the hypervisor below. KVM keeps off the outer
# machine's CPU 0, see docs/testing.md, "What the emulator gets wrong".
nested() { # [OPTION]... -- TASK...: the console is the inner machine's
	limit=1800
	boot --fast --cpus 4 --memory 3000 -- nested "$@"
	linux_content
	sed -n 's/^inner: //p' "$work/out" >"$work/console"
}

case_nested() {
	nested -- inner
	ended_well 'takeover and handback in a virtual machine of KVM'
	out_has '^x2apic$' 'which has an x2APIC'
	out_has '^clock: kvm-clock' 'and the paravirtual clock'
	out_has '^outer calls: [1-9]' 'and calls of Linux reached KVM'
	out_has '^intact$' "K's image is intact"
	handed_back 2
	linux_content
}

case_nested_worlds() {
	nested --qemu='-machine pc-q35-7.0 -device edu' -- forwarded worlds
	ended_well 'forwarded CPUs and test worlds in a virtual machine of KVM'
	out_has '^x2apic$' 'which has an x2APIC'
	out_has '^forwarded: 2$' 'both CPUs are forwarded'
	out_has '^worlds: 4, rounds: [1-9][0-9]{4,}, wrong: 0$' 'four worlds found all registers right'
	for kind in msi timer call kick; do
		out_has "^$kind: running 0 raised 100 handled 100 spurious 0 " \
			"$kind: 100 of 100 beside them"
		out_has "^$kind: in time" "$kind: none later than 5 s"
	done
	out_has '^changes: [1-9]' 'while modes changed'
	out_has '^outer calls: [1-9]' 'calls of Linux reached KVM'
	handed_back 2
	linux_content
}

case_nested_vm() {
	nested -- vmm real long irq signal smp ipi timer ipis halted
	ended_well 'VMs in a virtual machine of KVM'
	for kind in direct forwarded; do
		for vm in real long irq signal smp ipi timer ipis halted; do
			out_has "^$kind: $vm: right$" "$kind: $vm"
		done
	done
	handed_back 2
	linux_content
}

case_nested_kexec() {
	nested -- kexec -s
	judge_kexec 2
}

case_nested_kdump() {
	nested --append crashkernel=320M -- crash 1
	judge_dump 6.1 2 'written before the crash'
}

case_nested_comers() {
	nested --cpus 4 --append maxcpus=1 -- comers
	judge_comers
}

# QEMU 7.2 now and then breaks a kernel that pokes its own text (see started()),
# also when a module comes: that case is tried once more.
broken_by_qemu() {
	{ sed -n 's/^log: //p' "$work/out"; begun; } | sed '/sysrq: Trigger a crash/,$d' | grep -q 'int3: 0000 \[#1\]'
}

# --- on VMX, in Bochs -------------------------------------------------------

boot_vmx() { # CPUS [OPTION]... -- TASK...
	# kexec digests a kernel in minutes there, and in more on a busy host.
	limit=1500 boot --emulator bochs --cpu intel --cpus "$@"
}

case_vmx_reboot() {
	boot_vmx 2 --expect reboot -- end reboot
	ended_well 'reboot -f reboots'
	handed_back_at_end 2
	linux_content
}

case_vmx_emergency() {
	boot_vmx 2 --expect reboot -- end sysrq b
	ended_well 'sysrq-b resets'
	not_handed_back
	linux_content
}

case_vmx_shutdown() {
	boot_vmx 1 --quiet -- triple
	[ "$status" = 121 ] && grep -q 'triple fault?' "$work/err"
	result $? 'a triple fault of Linux resets the machine'
	not_handed_back
	linux_content
}

case_vmx_panic() {
	boot_vmx 2 --expect panic -- end sysrq c
	ended_well 'sysrq-c panics and ends the machine'
	console_has 'Kernel panic - not syncing: sysrq triggered crash' \
		'with the reason on the console'
	linux_content
}

# The next kernel is the witness, and what it has to say is on the console.
judge_witness() { # CPUS
	ended_well 'it ended as it was to, and the machine in the end'
	console_has "guards: witness: a kernel on $1 CPUs" "on $1 CPUs"
	console_has 'guards: witness: VMX is free' 'VMX is there for it'
	linux_content
}

case_vmx_kexec() {
	boot_vmx 2 --expect reboot -- witness_kexec
	handed_back_at_end 2
	judge_witness 2
}

case_vmx_kdump() {
	boot_vmx 2 --memory 768 --append crashkernel=256M --expect panic -- witness_crash 1
	judge_witness 1
	console_has 'guards: written before the crash' 'it crashed when it was to'
	# All of it takes over ten minutes there.
	console_has 'guards: witness: vmcore: [1-9][0-9]{8,} bytes, 4194304 read' \
		'/proc/vmcore is there, and its begin can be read'
	for cpu in 0 1; do
		console_has "guards: witness: CPU $cpu: handed back" \
			"CPU $cpu had been handed back"
	done
	console_has 'sysrq: Trigger a crash' 'and tells of the crash'
	begun | innocent
	result $? 'and nothing of Regent in the crash itself'
}

run() { # CASE
	local before=$failures first=$count
	case=$1
	tap_prefix="$case: "
	limit=240
	for _ in 1 2; do
		failures=$before count=$first
		tee "$work/out" "$work/err" "$work/console" </dev/null
		"case_$case" >"$work/tap"
		if [ "$failures" = "$before" ] || ! broken_by_qemu; then
			break
		fi
		sed 's/^/# int3 of its own: /' "$work/tap"
	done
	cat "$work/tap"
	[ "$failures" = "$before" ] || show_failure
}

prepared() {
	local release
	for series in 6.1 6.12; do
		release=$(scripts/setup --print-kernel $series | cut -d' ' -f3)
		for file in regent.ko selftests/load/load_worker selftests/takeover/vmm/vmm \
			selftests/takeover/triple/triple.ko; do
			[ -r "build/$release/$file" ] ||
				{ echo "Bail out! no build/$release/$file: make first"; exit 1; }
		done
	done
}

wanted=()
for argument; do
	case $argument in
	--list)
		printf '%s\n' "${CASES[@]}" "${SLOW[@]/%/ *}" "${VMX[@]/%/ (Bochs)}"
		exit ;;
	--all) wanted+=("${CASES[@]}" "${SLOW[@]}") ;;
	--slow) wanted+=("${SLOW[@]}") ;;
	--vmx) wanted+=("${VMX[@]}") ;;
	*)
		[[ " ${CASES[*]} ${SLOW[*]} ${VMX[*]} " == *" $argument "* ]] ||
			{ echo "guards.sh: no case $argument (see --list)" >&2; exit 2; }
		wanted+=("$argument") ;;
	esac
done
[ ${#wanted[@]} -gt 0 ] || wanted=("${CASES[@]}")

echo 'TAP version 13'
prepared
for name in "${wanted[@]}"; do
	run "$name"
done
tap_end
