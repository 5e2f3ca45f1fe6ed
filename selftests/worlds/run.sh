#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh RELEASE [SWITCHES]: the world switch, tested as root in a machine that
# runs the kernel RELEASE: SWITCHES in each mode on each CPU, every register
# filled with patterns and compared on both sides at each. TAP.

case $1 in
-*|'') sed -n '4,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

here=$(cd "$(dirname "$0")" && pwd)
[ "$1" = "$(uname -r)" ] || { echo "Bail out! this is kernel $(uname -r), not $1"; exit 2; }
REGENT_OUT=${REGENT_OUT:-$here/../../build/$1}
SWITCHES=${2:-2000}
export REGENT_OUT SWITCHES

# The console is slow, and the log keeps all; errors and worse are shown.
dmesg -n 4
echo 'TAP version 13'
exec "$here/guest.sh"
