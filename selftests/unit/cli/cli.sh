#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Tests of regentctl against a made-up /sys, /proc, /run and kernel log. Built
# with ASan and UBSan unless REGENTCTL names a program. TAP on stdout.
set -u
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
version=$(cat "$here/../../../VERSION")
# fakedev is preloaded before ASan's library, which is all right: it allocates nothing itself.
export ASAN_OPTIONS=detect_leaks=1:verify_asan_link_order=0

if [ -z "${REGENTCTL:-}" ]; then
	make -s -C "$here/../../../tools" OUT="$tmp/build" CFLAGS="-O1 -g" \
		EXTRA_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=all" \
		>&2 || { echo "Bail out! regentctl does not build"; exit 1; }
	REGENTCTL=$tmp/build/regentctl
fi
cc -shared -fPIC -O1 -Wall -Werror -I"$here/../../../include/uapi" -o "$tmp/fakedev.so" \
	"$here/fakedev.c" || { echo "Bail out! fakedev does not build"; exit 1; }
number=0
failures=0
R=
PRELOAD=	# plays devices

# ok DESCRIPTION COMMAND...: one test
ok()
{
	what=$1
	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number - $what"
	else
		failures=$((failures + 1))
		echo "not ok $number - $what"
		sed 's/^/# out: /' "$tmp/out"
		sed 's/^/# err: /' "$tmp/err"
	fi
}

skip()
{
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# rc STATUS [out|err REGEX | no-out|no-err REGEX]... -- ARGS...
rc()
{
	want=$1
	shift
	checks=$tmp/checks
	: >"$checks"
	while [ "$1" != -- ]; do
		printf '%s %s\n' "$1" "$2" >>"$checks"
		shift 2
	done
	shift
	LD_PRELOAD=$PRELOAD REGENTCTL_ROOT=$R "$REGENTCTL" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	got=$?
	if grep -qE 'Sanitizer|runtime error' "$tmp/err"; then
		return 1
	fi
	if [ "$got" != "$want" ]; then
		echo "# exit status $got instead of $want"
		return 1
	fi
	while read -r where regex; do
		file=$tmp/${where#no-}
		if grep -qE -- "$regex" "$file"; then found=yes; else found=no; fi
		case "$where $found" in
		no-*\ yes|out\ no|err\ no)
			echo "# $where: /$regex/"
			return 1 ;;
		esac
	done <"$checks"
}

# One line on stderr that says what to do.
usage()
{
	text=$1
	shift
	rc 2 no-out . err "$text.*; see 'regentctl .*--help'$" -- "$@" &&
		[ "$(wc -l <"$tmp/err")" = 1 ]
}

json() { python3 -c "import json, sys
d = json.load(open('$tmp/out'))
sys.exit(not ($1))"; }

is() { [ "$1" = "$2" ] || { echo "# '$1' instead of '$2'"; false; }; }

put() { mkdir -p "$(dirname "$R/$1")" && printf '%s\n' "$2" >"$R/$1"; }

module()
{
	put "sys/module/$1/refcnt" "$2"
	mkdir -p "$R/sys/module/$1/holders"
	echo "$1 4096 $2 - Live 0x0" >>"$R/proc/modules"
}

# process PID NAME CMDLINE-WITH-SPACES LINK...
process()
{
	put "proc/$1/comm" "$2"
	printf '%s' "$3" | tr ' ' '\0' >"$R/proc/$1/cmdline"
	dir=$R/proc/$1/fd
	mkdir -p "$dir"
	shift 3
	fd=0
	for link; do
		ln -s "$link" "$dir/$fd"
		fd=$((fd + 1))
	done
}

# What sysfs shows while Regent rules; $1 is the directory.
rules()
{
	for pair in version=0.1.0 backend=svm cpus=0-1 "status=taken over" \
		pause_takeover_ns=123456 pause_handback_ns=0 \
		entry_max_ns=9999 memory_kb=8192 table_pages=40 hidden_reads=2 \
		hidden_writes=1 cpu0/exits_hypercall=10 \
		cpu1/exits_hypercall=2 cpu0/exits_nested_fault=123456789; do
		put "$1/${pair%%=*}" "${pair#*=}"
	done
	"$here/mkblob" ruling >"$R/$1/state"
}

# A machine with an old refusal in its log, on which Regent can be loaded.
new()
{
	R=$tmp/root$number
	mkdir -p "$R/sys/module" "$R/proc" "$R/run" "$R/dev" "$R/sbin"
	for name in modprobe insmod rmmod; do
		ln -s "$here/fakeprog" "$R/sbin/$name"
	done
	: >"$R/proc/modules"
	: >"$R/calls"
	put dev/kmsg "3,1,1,-;regent: refused: an old reason; ignore it"
	put installed ""
	put log-enter "6,2,2,-;regent: taken over: 2 CPUs, away for 123 us"
	put log-leave "6,3,3,-;regent: handed back: 2 CPUs, 14 of 14 fields as found"
	rules "rules"
}

loaded()
{
	new
	module regent 0
	rules sys/kernel/regent
}

test_usage()
{
	new
	ok "no command" usage "no command given"
	ok "unknown command" usage "unknown command 'stats'" stats
	ok "unknown option" usage "unknown option '--bla'" --bla
	ok "unknown long option" usage "status: unknown option '--x'" status --x
	ok "unknown short option" usage "state: unknown option '-x'" state -x
	ok "value for a flag" usage "'--json=1' takes no value" status --json=1
	ok "missing value" usage "'--raw' needs a value" state --raw
	ok "two files" usage "more than one FILE" state a b
	ok "json and raw" usage "exclude" state --json --raw -
	ok "argument to status" usage "unexpected argument 'x'" status x
	ok "third argument to cpu" usage "unexpected argument 'x'" cpu 0 direct x
	ok "no number for cpu" usage "'x' is no CPU number" cpu x
	ok "no mode for cpu" usage "no mode 'sideways'" cpu 0 sideways
	ok "argument to worlds" usage "unexpected argument 'x'" worlds x
	usage_of_world
	ok "nothing to selftest" usage "there is 'worlds'" selftest
	ok "no such selftest" usage "no selftest 'x'" selftest x
	ok "argument to selftest" usage "unexpected argument 'x'" selftest worlds x
	ok "no seconds" usage "must be 1 to" selftest worlds --seconds 0
	ok "no tolerance" usage "must be 1 to 100" selftest worlds --tolerance 101
	ok "argument to leave" usage "unexpected argument 'x'" leave x
	ok "parameter without =" usage "'x' is not PARAM=VALUE" enter x
	ok "parameter without name" usage "'=1' is not" enter =1
	ok "parameter with a quote" usage "is not PARAM" enter 'a=b" c="d'
	ok "parameter like an option" usage "unknown option '--f=1'" enter --f=1
	ok "parameter after --" usage "'-f=1' is not" enter -- -f=1
	ok "none of these ran anything" is "$(cat "$R/calls")" ""
	for command in "" enter leave status cpu worlds world "world set" "world follow" selftest \
		state; do
		# shellcheck disable=SC2086
		ok "help ${command:-itself}" rc 0 out "^Usage: regentctl" \
			no-err . -- $command --help
	done
	ok "version" rc 0 out "^regentctl $version$" -- --version
}

expect_status()
{
	cat <<-END | cmp -s - "$tmp/out"
	version         0.1.0
	backend         svm
	status          taken over
	CPUs            0-1
	memory          8192 KiB
	takeover pause  123.4 us
	handback pause  -
	longest entry   9.9 us
	table pages     40
	hidden reads    2
	hidden writes   1

	exits               sum       cpu0       cpu1
	hypercall            12         10          2
	nested_fault  123456789  123456789          -
	END
}

test_status()
{
	new
	ok "status: not loaded" rc 3 out "^Regent is not loaded; Linux is on the bare machine .or under another hypervisor.$" no-err . -- status
	ok "status --json: not loaded" rc 3 no-err . -- status --json
	ok "is JSON" json "d == {'loaded': False}"
	loaded
	ok "status: rules" rc 0 no-err . -- status
	ok "is the table" expect_status
	ok "status --json: rules" rc 0 no-err . -- status --json
	ok "is JSON with numbers" json "d['cpus'] == [0, 1] and
		d['loaded'] is True and d['pause_takeover_ns'] == 123456 and
		d['exits'] == {'hypercall': 12, 'nested_fault': 123456789} and
		d['per_cpu'][1] == {'cpu': 1, 'exits': {'hypercall': 2}}"
	put sys/kernel/regent/status "handed back: suspend"
	put sys/kernel/regent/cpus ""
	ok "status: handed back" rc 3 out "^status +handed back: suspend$" \
		out "^CPUs +-$" -- status
	ok "status --json: handed back" rc 3 -- status --json
	ok "has a reason" json "d['status'] == 'handed back' and
		d['reason'] == 'suspend' and d['cpus'] == []"
	put sys/kernel/regent/status "faulted: page fault in K"
	ok "status: faulted" rc 1 out "^status +faulted: page fault" -- status
	printf 'a"\\\033[2J\377\n' >"$R/sys/kernel/regent/version"
	ok "status: odd text" rc 1 out '^version +a"\\\?\[2J\?$' -- status
	ok "status --json: odd text" rc 1 -- status --json
	ok "is JSON nevertheless" json "d['version'].endswith('?[2J?')"
	put sys/kernel/regent/cpus "0-3,8,10-11"
	rm "$R/sys/kernel/regent/memory_kb"
	ok "status: a file is missing" rc 1 out "^memory +-$" -- status
	ok "status --json: ranges" rc 1 -- status --json
	ok "are expanded" json "d['cpus'] == [0,1,2,3,8,10,11] and
		d['memory_kb'] is None"
	for cpu in 2 3 4 5 6 7 8 9 10; do
		put "sys/kernel/regent/cpu$cpu/exits_msr" "$cpu"
	done
	put sys/kernel/regent/cpufreq/exits_none 1
	ok "status: eleven CPUs" rc 1 out "^msr +54 +- +- +2 +3 +4 +5 +6 +7$" \
		out "^exits +cpu8 +cpu9 +cpu10$" out "^msr +8 +9 +10$" \
		no-out none -- status
}

# state_of KIND STATUS [CHECKS...]
state_of()
{
	"$here/mkblob" "$1" >"$tmp/blob"
	shift
	rc "$@" -- state "$tmp/blob"
}

test_state()
{
	new
	ok "state: not loaded" rc 1 err "not loaded; run" no-out . -- state
	ok "state: no such file" rc 1 err "can't open .*/none: No such" -- \
		state "$tmp/none"
	ok "state: a directory" rc 1 err "can't read" -- state "$tmp"
	loaded
	ok "state: live" rc 0 out "^Checksum: +right$" \
		out "^Fields: +7 to compare" out "^CPU 1$" \
		out "^  EFER +owned +0x0000000000000d01 - +-$" \
		out "^  SPEC_CTRL +owned +not on this CPU$" \
		out "639 KiB RAM$" out "0000:00:03.2 1af4:1000 .*virtio-pci$" \
		out "^  0x00000000fec00000, interrupts from 0, 24" -- state
	ok "state --json: live" rc 0 no-err . -- state --json
	ok "is JSON" json "d['crc_right'] and d['fields_compared'] == 7 and
		d['fields_different'] is None and
		d['sections'][1]['entries'][0]['found'] == '0x80050033' and
		d['sections'][4]['entries'][0]['bars'][1]['64bit']"
	ok "state --raw FILE" rc 0 no-out . no-err . -- state --raw "$tmp/raw"
	ok "is the blob" cmp -s "$tmp/raw" "$R/sys/kernel/regent/state"
	ok "is for root only" is "$(stat -c %a "$tmp/raw")" 600
	ok "state --raw -" rc 0 -- state --raw -
	ok "is the blob, too" cmp -s "$tmp/out" "$R/sys/kernel/regent/state"
	ok "state --raw, not writable" rc 1 err "can't write .*/no/dir" -- \
		state --raw "$tmp/no/dir"
	ok "state --raw, disk full" rc 1 err "can't write /dev/full" -- \
		state --raw /dev/full
	ok "state: as found" state_of same 0 out "7 of 7 as found$" \
		no-out DIFFERS
	ok "state: differs" state_of differs 1 out "6 of 7 as found" \
		out "EFER .*1d01 DIFFERS$"
	ok "state --json: differs" rc 1 -- state --json "$tmp/blob"
	ok "is marked" json "d['fields_different'] == 1 and [f['name']
		for s in d['sections'][:3] for f in s['entries']
		if f['differs']] == ['EFER']"
	ok "state: a comparison forgotten" state_of forgotten 1 \
		out "CR0 .* - +- DIFFERS$"
	ok "state: a later version's sections" state_of later 0 \
		out "unknown type 99, 1 entries of 16 bytes"
	ok "state: no sections" state_of empty 0 out "0 sections"
	ok "state: text against terminals" state_of hostile-text 0 \
		out '^  \?\[2J"' no-out "$(printf '\033')"
	ok "state --json: it" rc 0 -- state --json "$tmp/blob"
	ok "is JSON in spite of it" json "d['time'] == 2**64 - 1"
	damaged
	ok "state: random blobs" fuzz
}

damaged()
{
	ok "state: wrong checksum" state_of bad-crc 1 err "wrong checksum" \
		out "^Checksum: +WRONG" out "^CPU 0"
	ok "state: wrong checksum, as JSON" rc 1 -- state --json "$tmp/blob"
	ok "says so" json "d['crc_right'] is False"
	for pair in "nothing=is cut off" "cut=is cut off" \
		"cut-head=is cut off" "longer=has more bytes" \
		"magic=is no state blob" "version=is a state blob of another" \
		"overrun=is damaged" "huge-count=is damaged" \
		"zero-size=is damaged" "odd-size=is damaged" \
		"small-field=is damaged" "no-nul=is damaged" \
		"bad-class=is damaged" "bad-crc-overrun=is damaged"; do
		ok "state: ${pair%%=*}" state_of "${pair%%=*}" 1 \
			err "/blob ${pair#*=}" no-out .
	done
}

fuzz()
{
	mkdir "$tmp/fuzz"
	"$here/mkblob" fuzz "$tmp/fuzz"
	: >"$tmp/err"
	for blob in "$tmp"/fuzz/*; do
		for form in "" --json; do
			# shellcheck disable=SC2086
			REGENTCTL_ROOT=$R "$REGENTCTL" state $form "$blob" \
				>"$blob.out" 2>>"$tmp/err"
			[ $? -le 1 ] || return 1
		done
	done
	! grep -qE 'Sanitizer|runtime error' "$tmp/err" && all_json
}

all_json()
{
	python3 - "$tmp"/fuzz/*.out <<-END
		import json, os, sys
		good = [f for f in sys.argv[1:] if os.path.getsize(f)]
		for f in good:
		    json.load(open(f))
		sys.exit(len(good) < 20)
	END
}

calls() { is "$(tr '\n' ';' <"$R/calls")" "$1"; }

remembered()
{
	if [ -z "$1" ]; then
		[ ! -e "$R/run/regent/unloaded-modules" ]
	else
		is "$(tr '\n' ' ' <"$R/run/regent/unloaded-modules")" "$1 "
	fi
}

with_kvm()
{
	new
	module kvm_amd "$1"
	module kvm 1
	module irqbypass 1
	module ext4 1
}

kvm_back="modprobe kvm_amd;modprobe kvm;modprobe irqbypass;"

test_enter()
{
	new
	ok "enter" rc 0 out "^regent: taken over: 2 CPUs, away for 123 us$" \
		no-err . -- enter debug=1 name=a
	ok "ran modprobe" calls "modprobe -n -q regent;modprobe regent debug=1 name=a;"
	ok "nothing to remember" remembered ""
	ok "enter: loaded already" rc 1 err "already loaded; .*leave" -- enter
	new
	ok "enter --module: no such file" rc 1 err "can't open /none: No" -- \
		enter --module /none
	ok "ran nothing" calls ""
	ok "enter --module" rc 0 out "^regent: taken over:" -- \
		enter "a=b c" --module "$REGENTCTL" d=e
	ok "ran insmod, blanks quoted" calls "insmod $REGENTCTL a=\"b c\" d=e;"
	new
	rm "$R/installed"
	ok "enter: not installed" rc 1 err "^regentctl: no regent.ko is installed for this kernel; give --module PATH$" no-err FATAL -- enter
	new
	put log-enter "4,2,2,-;regent: loading out-of-tree module taints kernel.
4,3,3,-;regent: unknown parameter 'x' ignored
12,4,4,-;regent: taken over: by a user
6,5,5,-,caller=T1;regent: taken over: 2 CPUs
 SUBSYSTEM=x"
	ok "enter: warnings" rc 0 err "^regent: unknown parameter 'x'" \
		out "^regent: taken over: 2 CPUs$" no-err taints -- enter x=1
	new
	put rules/status "faulted: early"
	ok "enter: loaded but not ruling" rc 1 err "status is 'faulted: early'" \
		-- enter
	new
	rm "$R/dev/kmsg"
	mkdir "$R/dev/kmsg"
	ok "enter: no kernel log" rc 0 out "^regent: taken over: CPUs 0-1$" \
		-- enter
}

test_enter_refused()
{
	with_kvm 0
	put refuse "4,7,7,-;regent: loading out-of-tree module taints kernel.
3,8,8,-;regent: refused: SVM is locked by the firmware; turn it on there"
	ok "enter: refused" rc 1 err "^regent: refused: SVM is locked by the firmware; turn it on there$" \
		no-err "an old reason" no-err taints no-out "taken over" -- enter
	ok "KVM is back" calls "modprobe -n -q regent;modprobe -r kvm_amd;modprobe regent;$kvm_back"
	ok "and forgotten" remembered ""
	new
	put refuse "3,8,8,-;regent: step processors, CPU 1 failed: no answer"
	ok "enter: a step failed" rc 1 err "^regent: step processors, CPU 1 failed" -- enter
	put refuse "6,8,8,-;regent: said quietly"
	ok "enter: only quiet lines" rc 1 err "^regent: said quietly" -- enter
	: >"$R/refuse"
	ok "enter: no word" rc 1 err "^regent: not loaded: see the kernel log" \
		-- enter
}

test_enter_kvm()
{
	with_kvm 0
	ok "enter: KVM idle" rc 0 out "^unloaded kvm_amd$" \
		out "^regent: taken over" -- enter
	ok "what went is remembered" remembered "kvm_amd kvm irqbypass"
	ok "leave" rc 0 out "^regent: handed back: 2 CPUs, 14 of 14" \
		out "^loaded kvm_amd again$" -- leave
	ok "KVM is back" calls "modprobe -n -q regent;modprobe -r kvm_amd;modprobe regent;rmmod regent;$kvm_back"
	ok "and forgotten" remembered ""
	with_kvm 3
	process 123 qemu-system-x86 "qemu -m 1 -name guest=web1,debug=on" \
		/dev/null /dev/kvm anon_inode:kvm-vm anon_inode:kvm-vcpu:0
	process 9 "fire cracker" "fire" /dev/kvm
	process 77 regentd "r" /dev/regent0
	process 1 init "-name" /dev/null
	ok "enter: KVM busy" rc 1 err "kvm_amd is in use; shut down" \
		err "^  process 123 qemu-system-x86 .web1.: 1 VM$" \
		err "^  process 9 fire cracker: has the device open, no VM$" \
		no-err regentd no-err init -- enter
	ok "nothing was touched" calls "modprobe -n -q regent;"
	with_kvm 1
	mkdir "$R/sys/module/kvm_amd/holders/vendor_x"
	ok "enter: KVM held by a module" rc 1 err "modprobe -r vendor_x" -- enter
	with_kvm 0
	put stuck-kvm_amd ""
	ok "enter: KVM stays" rc 1 err "can't unload kvm_amd: modprobe failed" \
		no-out . -- enter
	ok "not loaded then" calls "modprobe -n -q regent;modprobe -r kvm_amd;"
	new
	put sys/module/kvm_amd/parameters/npt 1
	ok "enter: KVM built in" rc 0 -- enter
}

test_leave()
{
	new
	ok "leave: not loaded" rc 1 err "not loaded: nothing to leave" -- leave
	put run/regent/unloaded-modules "kvm_amd
-C/evil
../../x
a b
kvm_amd"
	ok "leave: unloaded by others" rc 0 out "loaded kvm_amd again" -- leave
	ok "takes names only" calls "modprobe kvm_amd;"
	put run/regent/unloaded-modules "kvm_amd
kvm"
	put broken-kvm_amd ""
	ok "leave: KVM does not come back" rc 1 err "'modprobe kvm_amd'" -- leave
	ok "is still remembered" remembered "kvm_amd"
	loaded
	put log-leave "4,1,1,-;regent: field EFER on CPU 1: found 0xd01 now 0x1d01
4,2,2,-;regent: handed back: 2 CPUs, 13 of 14 fields as found"
	ok "leave: a field differs" rc 1 err "^regent: field EFER on CPU 1: found 0xd01 now 0x1d01$" \
		err "^regent: handed back: 2 CPUs, 13 of 14" -- leave
	loaded
	put log-leave "6,2,2,-;regent: handed back: 2 CPUs, 13 of 14 fields as found"
	ok "leave: differs without a warning" rc 1 out "13 of 14" -- leave
	loaded
	: >"$R/log-leave"
	ok "leave: no word" rc 1 err "no word in the kernel log" -- leave
	loaded
	: >"$R/log-leave"
	put sys/kernel/regent/status "handed back: suspend"
	ok "leave: handed back before" rc 0 out "handed back: suspend" -- leave
	loaded
	put sys/module/regent/refcnt 2
	mkdir "$R/sys/module/regent/holders/regent_vdpa"
	process 123 qemu "qemu -name" /dev/kvm anon_inode:kvm-vm anon_inode:kvm-vm
	process 77 regentd "r" /dev/regent0
	ok "leave: in use" rc 1 err "Regent is in use; shut down" \
		err "module regent_vdpa: unload it with" \
		err "^  process 123 qemu: 2 VMs$" \
		err "^  process 77 regentd: has the device open" -- leave
	ok "is still loaded" test -d "$R/sys/module/regent"
}

unprivileged()
{
	setpriv --reuid 65534 --clear-groups "$REGENTCTL" "$1" \
		>"$tmp/out" 2>"$tmp/err"
	[ $? = 1 ] && grep -q 'only root may .*; use sudo' "$tmp/err"
}

test_rights()
{
	loaded
	REGENTCTL_ROOT=$R "$REGENTCTL" status >/dev/full 2>"$tmp/err"
	ok "status: disk full" is $? 1
	if [ "$(id -u)" != 0 ] || ! setpriv --version >"$tmp/out" 2>&1; then
		skip "as nobody" "needs root and setpriv"
		return
	fi
	ok "enter as nobody" unprivileged enter
	ok "leave as nobody" unprivileged leave
	cp "$REGENTCTL" "$tmp/setuid" && chmod 4755 "$tmp/setuid"
	chmod -R a+rX "$R"
	REGENTCTL_ROOT=$R setpriv --reuid 65534 --clear-groups "$tmp/setuid" \
		status >"$tmp/out" 2>"$tmp/err"
	if mount | grep -qE " on /tmp .*nosuid" || [ -e /sys/kernel/regent ]; then
		skip "the test's root with more rights" "/tmp is nosuid, or Regent rules"
	else
		ok "the test's root is ignored with more rights" grep -q \
			"not loaded" "$tmp/out"
	fi
}

cpu_mode() { [ "$(cat "$R/sys/kernel/regent/cpu$1/mode")" = "$2" ]; }

test_cpu()
{
	new
	ok "cpu: not loaded" rc 1 no-out . err "^regentctl: Regent is not loaded$" -- cpu
	loaded
	put sys/kernel/regent/cpu0/mode direct
	put sys/kernel/regent/cpu1/mode forwarded
	put sys/kernel/regent/cpu0/mode_wanted auto
	put sys/kernel/regent/cpu1/mode_wanted forwarded
	ok "cpu: all" rc 0 out "^cpu0 direct [(]auto[)]$" out "^cpu1 forwarded$" no-err . -- cpu
	ok "cpu: one" rc 0 out "^cpu1 forwarded$" no-out cpu0 no-err . -- cpu 1
	ok "cpu: none such" rc 1 no-out . err "CPU 7 is not Regent's" -- cpu 7
	ok "cpu: none such to change" rc 1 no-out . err "CPU 7 is not Regent's" -- cpu 7 direct
	: >"$R/sys/kernel/regent/cpu0/mode"
	ok "cpu: forward" rc 0 no-out . no-err . -- cpu 0 forward
	ok "... is what the module reads" cpu_mode 0 forwarded
	: >"$R/sys/kernel/regent/cpu1/mode"
	ok "cpu: direct" rc 0 no-out . no-err . -- cpu 1 direct
	ok "... is what the module reads" cpu_mode 1 direct
	: >"$R/sys/kernel/regent/cpu1/mode"
	ok "cpu: auto" rc 0 no-out . no-err . -- cpu 1 auto
	ok "... is what the module reads" cpu_mode 1 auto
}

test_worlds()
{
	new
	ok "worlds: not loaded" rc 3 no-out . err "^regentctl: Regent is not loaded$" -- worlds
	ok "selftest: not loaded" rc 1 no-out . err "Regent is not loaded" -- selftest worlds
	put dev/regent ''
	ok "worlds: no device" rc 1 no-out . err "can't read the worlds" -- worlds
}

# shellcheck source-path=SCRIPTDIR source=vms.sh
. "$here/vms.sh"

: >"$tmp/out"
: >"$tmp/err"
test_usage
test_status
test_state
test_enter
test_enter_refused
test_cpu
test_worlds
test_list_of_vms
test_world_set
test_world_follow
test_vms_in_the_way
PRELOAD=
test_enter_kvm
test_leave
test_rights
echo "1..$number"
[ "$failures" = 0 ]
