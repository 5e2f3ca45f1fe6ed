# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Results in TAP, for suites that boot machines: . tap.sh, result..., tap_end. The
# takeover's tests, which run inside a machine, have takeover/lib.sh.

count=0
failures=0
tap_prefix=	# before each name

result() { # STATUS NAME
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $tap_prefix$2"
	else
		failures=$((failures + 1))
		echo "not ok $count - $tap_prefix$2"
	fi
}

# The plan, at the end; false when something failed.
tap_end() {
	echo "1..$count"
	[ "$failures" = 0 ]
}
