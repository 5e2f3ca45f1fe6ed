# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034 # what is set here is used by the tests
#
# What the takeover's tests share: TAP, the kernel's log, taking over and back.
# A test sources this, runs checks and ends with "finish". Each starts and ends
# with Regent not loaded, and its last check is a clean kernel log.

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=${REGENT_OUT:-$top/build/$(uname -r)}
module=$out/regent.ko
ctl=$top/tools/regentctl
sys=/sys/kernel/regent
dumper=$out/selftests/takeover/dumper/regent_dumper.ko
poke_module=$out/selftests/takeover/poke/regent_poke.ko
poke_user=$out/selftests/takeover/poke/poke_user
sharer=$out/selftests/takeover/sharer/sharer
debug=/sys/kernel/debug/regent

backend=svm
! grep -q '^vendor_id.*GenuineIntel' /proc/cpuinfo || backend=vmx

work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

tests=0
failed=0

comment() {
	sed 's/^/# /'
}

# result STATUS NAME
result() {
	tests=$((tests + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tests - $2"
	else
		echo "not ok $tests - $2"
		failed=$((failed + 1))
	fi
}

# check NAME COMMAND...: what it says and what Regent said is shown if it fails.
check() {
	name=$1
	shift
	"$@" >"$work/said" 2>&1
	code=$?
	result "$code" "$name"
	[ "$code" -eq 0 ] && return
	echo "# status $code of: $*"
	comment <"$work/said"
	log | grep regent | tail -n 20 | comment
}

# Not any failure will do: fails_with TEXT COMMAND...: it fails, and says so
fails_with() {
	wanted_text=$1
	shift
	if "$@" >"$work/failed" 2>&1; then
		echo "it did not fail: $*"
		cat "$work/failed"
		return 1
	fi
	cat "$work/failed"
	grep -Fq -- "$wanted_text" "$work/failed" && return
	echo "no word of: $wanted_text"
	return 1
}

# A write to a file of the kernel's, with the kernel's own error on failure: the
# shell's echo knows but one.
write_to() { # FILE TEXT
	printf '%s\n' "$2" | tee "$1" >/dev/null
}

skip() { # NAME REASON
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

skip_all() { # REASON
	echo "1..0 # SKIP $1"
	exit 0
}

# For a test that tells its CPUs apart
need_cpus() { # NUMBER
	[ "$(nproc --all)" -ge "$1" ] || skip_all "this needs $1 CPUs, and here are $(nproc --all)"
}

not() {
	! "$@"
}

same() { # WANTED GOT
	[ "$1" = "$2" ] && return
	echo "wanted '$1'"
	echo "got    '$2'"
	return 1
}

# Is the number within bounds?
between() { # LOW NUMBER HIGH
	[ "$1" -le "$2" ] && [ "$2" -le "$3" ] && return
	echo "'$2' is not between $1 and $3"
	return 1
}

# Poll: a shared host can be away for seconds, so it is tries that are limited.
wait_for() { # SECONDS COMMAND...
	tries=$(($1 * 10))
	shift
	until "$@" >"$work/waited" 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || { echo "did not come true: $*"; cat "$work/waited"; return 1; }
		sleep 0.1
	done
}

# --- worlds beside Linux -----------------------------------------------------

# shellcheck source=../sharer.sh
. "$top/selftests/sharer.sh"

# --- the kernel's log --------------------------------------------------------

# The kernel's ring is emptied at each mark: what is in it is soon looked through.
marks=0
mark() {
	dmesg -c >>"$work/log"
	marks=$((marks + 1))
	echo "selftest $$ mark $marks" >/dev/kmsg
}

# What the kernel said since the last mark.
log() {
	dmesg | awk -v mark="selftest $$ mark $marks" '
		found { print }
		substr($0, length($0) - length(mark) + 1) == mark { found = 1 }
		END { if (!found) print "BUG: the mark has been pushed out of the log" }'
}

log_has() { # FIXED-STRING
	log | grep -Fq -- "$1" && return
	echo "the log has not: $1"
	return 1
}

# What must not be there, whatever else is.
bad='WARNING:|BUG:|Oops|invalid opcode|general protection|unchecked MSR'
bad="$bad|for unknown reason|unknown NMI|INFO: (task|rcu)|Call Trace|possible recursive"
bad="$bad|soft lockup|hard LOCKUP|refcount_t|Kernel panic|traps: |segfault"

# Since the test began.
clean_log() { # [EXPECTED-PATTERN]
	mark
	grep -E "$bad" "$work/log" >"$work/bad"
	[ -z "${1-}" ] || sed -E -i "/$1/d" "$work/bad"
	[ ! -s "$work/bad" ] && return
	cat "$work/bad"
	return 1
}

# --- taking over and back ----------------------------------------------------

take() { # [PARAMETER=VALUE...]
	insmod "$module" "$@"
}

give() {
	rmmod regent
}

regent_loaded() {
	grep -q '^regent ' /proc/modules
}

# handed back: N CPUs, F of F fields as found
as_found() { # CPUS
	log | sed -n 's/.*regent: handed back: \([0-9]*\) CPUs, \([0-9]*\) of \([0-9]*\) fields as found$/\1 \2 \3/p' >"$work/back"
	read -r back same all <"$work/back" || { echo "no word of it in the log"; return 1; }
	[ "$back" -eq "$1" ] && [ "$same" -eq "$all" ] && [ "$all" -ge $((back * 50)) ] && return
	echo "wanted $1 CPUs"
	log | grep 'regent: '
	return 1
}

give_as_found() { # [CPUS]
	check "${2:-handed back}" give
	check "${2:-handed back}: all fields as found" as_found "${1:-$(nproc --all)}"
}

# --- direct and forwarded CPUs ---------------------------------------------------

set_mode() { # CPU MODE
	echo "$2" >"$sys/cpu$1/mode" && same "$2" "$(cat "$sys/cpu$1/mode")"
}

set_all() { # MODE
	for cpu in $(seq 0 "$last_cpu"); do
		set_mode "$cpu" "$1" || return
	done
}

# --- QEMU's edu device -----------------------------------------------------------

edu=/sys/kernel/debug/regent_edu
edu_module=$out/selftests/takeover/edu/regent_edu.ko

edu_state() { # KEY
	sed -n "s/.*\\b$1 \\([0-9]*\\).*/\\1/p" "$edu/state"
}

edu_done() {
	[ "$(edu_state running)" -eq 0 ]
}

# None lost, none doubled; the latest was how late?
edu_right() { # N
	cat "$edu/state"
	same "$1" "$(edu_state handled)" && same "$1" "$(edu_state raised)" &&
		same 0 "$(edu_state spurious)"
}

# --- after a fault of K's ----------------------------------------------------

faulted() {
	case $(cat "$sys/status") in
	faulted:*) return 0 ;;
	esac
	return 1
}

no_cpus() {
	[ -z "$(cat "$sys/cpus")" ]
}

given_back() {
	wait_for 30 faulted && wait_for 30 no_cpus
}

# --- load ---------------------------------------------------------------------

start_load() {
	REGENT_OUT=$out "$here/../load/run.sh" 0 1 >"$work/load" 2>&1 &
	load=$!
}

load_is_right() {
	kill -TERM "$load"
	wait "$load"
	code=$?
	cat "$work/load"
	[ "$code" -eq 0 ] && grep -q '^load: ok$' "$work/load"
}

# --- witnesses ---------------------------------------------------------------

dump() { # FILE
	[ -d /sys/module/regent_dumper ] || insmod "$dumper" || return
	cat /sys/kernel/debug/regent_dumper/state >"$work/$1"
}

same_dumps() { # BEFORE AFTER
	"$here/dumpdiff" "$work/$1" "$work/$2"
}

need_poke() {
	[ -d /sys/module/regent_poke ] || insmod "$poke_module"
}

# poke COMMAND...: the answer. Builtins only: processes are slow in an emulator.
poke() {
	need_poke && echo "$*" >/dev/regent_poke && read -r line </dev/regent_poke && echo "$line"
}

# One command a line; each is printed with its answer, "COMMAND: ANSWER".
poke_many() { # CPU
	# shellcheck disable=SC2016 # for that shell to expand
	need_poke && taskset -c "$1" sh -c 'while read -r cmd; do
		echo "$cmd" >/dev/regent_poke && read -r line </dev/regent_poke || line=failed
		echo "$cmd: $line"
	done'
}

# The ABI's names and numbers are shell variables, REGENT_HC_NULL and so on.
abi=$out/selftests/takeover/abi
[ -r "$abi" ] || { echo "Bail out! no $abi"; exit 2; }
# shellcheck source=/dev/null # it is built
. "$abi"

# spell CALL [A [B]]: in $call as debugfs wants them. CALL is the name of REGENT_HC_CALL,
# A and B of REGENT_A and so on; numbers, which are hexadecimal, stay as they are.
spell() {
	call=
	prefix=REGENT_HC_
	for word; do
		case $word in
		[A-Z]*)
			eval "word=\${$prefix$word-}"
			[ -n "$word" ] || { echo "the ABI has no such name: $*" >&2; return 1; } ;;
		esac
		call="$call ${word#0x}"
		prefix=REGENT_
	done
}

# hypercall CALL [A [B]]: the answer
hypercall() {
	spell "$@" && echo "$call" >$debug/hypercall && read -r line <$debug/hypercall &&
		echo "$line"
}

# hypercall_on CPU CALL [A [B]]: the same, made on that CPU
hypercall_on() {
	on_cpu=$1
	shift
	# shellcheck disable=SC2016 # for that shell to expand
	spell "$@" && taskset -c "$on_cpu" sh -c 'echo "$1" >"$2" && cat "$2"' sh "$call" \
		$debug/hypercall
}

# error EINVAL: the answer that says so
error() {
	eval "number=\${REGENT_HC_$1-}"
	[ -n "$number" ] || { echo "the ABI has no REGENT_HC_$1" >&2; return 1; }
	echo "-$((number))"
}

# An answer is a number, or the name of an error: answers EINVAL COUNTER fff
answers() { # WANTED CALL [A [B]]
	wanted=$1
	shift
	case $wanted in [A-Z]*) wanted=$(error "$wanted") || return ;; esac
	same "$wanted" "$(hypercall "$@")"
}

# The call that K faults in still gets an answer.
k_faults() { # [KIND]
	answers EFAULT DEBUG_FAULT "FAULT_${1:-PF}"
}

# Give K one more chunk of memory; "$debug/donate" says which.
donates() {
	before_kb=$(cat "$sys/memory_kb")
	echo 1 >"$debug/donate" || return
	same $((before_kb + 2048)) "$(cat "$sys/memory_kb")"
}

# What poke_many() has printed, twice
same_answers() { # FILE FILE
	[ -s "$work/$1" ] || { echo "no answers in $1"; return 1; }
	diff "$work/$1" "$work/$2"
}

# --- what Linux says ---------------------------------------------------------

backtraces() { # how many CPUs told where they are
	log | grep -Eo 'NMI backtrace for cpu [0-9]+' | sort -u | wc -l
}

# --- CPUs --------------------------------------------------------------------

last_cpu=$(($(nproc --all) - 1))

online() { # CPU
	echo 1 >/sys/devices/system/cpu/cpu"$1"/online
}

offline() { # CPU
	echo 0 >/sys/devices/system/cpu/cpu"$1"/online
}

# What must be left behind: nothing.
finish() {
	! regent_loaded || { give; false; }
	result $? 'Regent is not loaded any more'
	for m in regent_dumper regent_poke; do
		[ ! -d /sys/module/$m ] || rmmod $m
	done
	check 'the kernel log is clean' clean_log "${1-}"
	echo "1..$tests"
	[ $failed -eq 0 ]
	exit
}

[ -r "$module" ] || { echo "Bail out! no $module"; exit 2; }
! regent_loaded || { echo "Bail out! Regent is loaded already"; exit 2; }
# What others have said is not this test's business.
dmesg -C
mark
