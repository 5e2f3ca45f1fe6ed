#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# test_sharer.sh: does sharer.sh see a sharer that dies, or that has nothing to tell? With
# made-up sharers, on any machine. TAP.

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
sharer=$work/sharer
sharer_tries=20
# shellcheck source=tap.sh
. "$here/tap.sh"
# shellcheck source=sharer.sh
. "$here/sharer.sh"

right='cpu 1 test ran 500 rounds 9 moves 0 wrong 0 state 2'

# It is ready, does LIFE, and at its end, when told to, says WORDS and ends with STATUS.
make_sharer() { # LIFE WORDS STATUS
	cat >"$sharer" <<-SHARER
	#!/bin/sh
	trap 'stop=1' TERM
	echo ready
	$1
	while [ -z "\$stop" ]; do sleep 0.05; done
	echo "$2"
	exit $3
	SHARER
	chmod +x "$sharer"
}

# The whole life of one: true if start and stop find nothing wrong.
lives() { # LIFE WORDS STATUS
	make_sharer "$@"
	start_sharer one 1 0 >"$work/said" || return
	sleep 0.3	# for a life that is short
	stop_sharer one >"$work/said" 2>&1
}

fails() {
	! lives "$@"
}

# Neither ready nor dead, or dead at once
starts() { # SCRIPT
	printf '#!/bin/sh\n%s\n' "$1" >"$sharer"
	start_sharer one 1 0 >"$work/said" 2>&1
	set -- $?
	read -r pid <"$work/one.pid"
	kill "$pid" 2>/dev/null
	wait "$pid"
	return "$1"
}

is_lost() { # LIFE WORDS STATUS
	make_sharer "$@"
	start_sharer one 1 0 >"$work/said" && lost_sharer one >"$work/said" 2>&1
}

lives : "$right" 0
result $? 'one that is as it should be passes'
fails 'exit 1' "$right" 0
result $? 'one that dies after it was ready fails'
fails 'exit 0' "$right" 0
result $? 'also if it says that all was well'
fails "echo '$right'; exit 0" "$right" 0
result $? 'also if its worlds were right until then'
fails : "$right" 1
result $? 'one that ends with an error fails'
fails : 'cpu 1 host ran 900 rounds 0 moves 0 wrong 0 state 3' 0
result $? 'one without a world fails'
fails : '' 0
result $? 'one that says nothing fails'
fails : "${right%wrong*}wrong 12 state 2" 0
result $? 'a wrong register fails'
! starts 'echo sharer: no; exit 1'
result $? 'one that dies at once does not start'
! starts 'exec sleep 100'
result $? 'one that is never ready does not start'
is_lost : 'sharer: no worlds' 1
result $? 'one that finds its worlds gone has lost them'
! is_lost : "$right" 0
result $? 'one that still has worlds has not'
tap_end
