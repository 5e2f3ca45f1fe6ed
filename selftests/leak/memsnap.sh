#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# memsnap.sh: bring memory to rest and print what is in use, as name=value, in
# KiB unless the name says otherwise. Run it before and after, and compare with
# memcmp.sh. Needs root. Takes SNAP_ROUNDS (default 3) looks and prints the
# lowest, since what is freed late can only make a look too high.

rounds=${SNAP_ROUNDS:-3}

# Free what is free by right but not yet by name.
settle() {
	sync
	# Dentries, inodes and page cache go in turns: each frees what pinned the next.
	for i in 1 2 3; do
		echo 3 >/proc/sys/vm/drop_caches
	done
	# Slabs without an object in use are kept for the next one.
	for i in /sys/kernel/slab/*/shrink; do
		echo 1 >"$i"
	done 2>/dev/null
	# Empties the per-CPU free lists and batches of pages, on every CPU.
	echo 1 >/proc/sys/vm/compact_memory
	# Callbacks of RCU, lazily freed vmalloc areas, per-CPU memory and unloaded
	# modules' memory go by work queues that run after a grace period.
	sleep 1
	# Folds the counters that CPUs keep for themselves.
	cat /proc/sys/vm/stat_refresh >/dev/null 2>&1 || :
}

# kernel_kb is what no program and no cache uses: it is where a leak of any
# kind must show, whoever allocated and however: it comes from free pages, those
# in per-CPU lists included. What slabs hold beside objects in use is left out:
# a load leaves slabs behind that are mostly empty, but pinned by one object. The
# others tell which kind.
look() {
	awk '
	FILENAME == "/proc/meminfo" { m[substr($1, 1, length($1) - 1)] = $2 }
	FILENAME == "/proc/zoneinfo" && $1 == "count:" { pcp += $2 * 4 }
	# Unpurged areas are free, but for the TLBs: stacks of processes gone.
	FILENAME == "/proc/vmallocinfo" && !/unpurged/ { areas++ }
	FILENAME == "/proc/modules" { modules++ }
	FILENAME == "/proc/slabinfo" && $1 !~ /^(slabinfo|#)/ {
		objects += $2
		slab += $2 * $4
	}
	FILENAME == "/proc/buddyinfo" {
		for (i = 14; i <= NF; i++)
			huge += $i * 2 ^ (i - 14)
	}
	END {
		free = m["MemFree"] + pcp
		# Buffers and Cached hold what drop_caches must keep (tmpfs, mapped files).
		print "kernel_kb", m["MemTotal"] - free - m["Buffers"] - m["Cached"] - \
			m["SwapCached"] - m["AnonPages"] - m["Slab"] + int(slab / 1024)
		print "slab_kb", m["Slab"]
		print "free_kb", free
		print "slab_reclaimable_kb", m["SReclaimable"]
		print "slab_unreclaimable_kb", m["SUnreclaim"]
		print "slab_objects_kb", int(slab / 1024)
		print "slab_objects_count", objects
		print "vmalloc_kb", m["VmallocUsed"]
		print "vmalloc_areas_count", areas
		print "percpu_kb", m["Percpu"]
		print "kernel_stack_kb", m["KernelStack"]
		print "page_tables_kb", m["PageTables"] + m["SecPageTables"]
		print "anonymous_kb", m["AnonPages"]
		print "cached_kb", m["Cached"] + m["Buffers"]
		print "free_2m_count", huge
		print "modules_count", modules + 0
	}' /proc/meminfo /proc/zoneinfo /proc/vmallocinfo /proc/slabinfo /proc/buddyinfo \
		/proc/modules
}

round=0
while [ "$round" -lt "$rounds" ]; do
	settle
	look
	round=$((round + 1))
done | awk '
	!($1 in low) { order[n++] = $1; low[$1] = $2; high[$1] = $2 }
	$2 < low[$1] { low[$1] = $2 }
	$2 > high[$1] { high[$1] = $2 }
	END {
		for (i = 0; i < n; i++) {
			name = order[i]
			# For free memory, the best look is the highest.
			printf "%s=%d\n", name, name ~ /^free_/ ? high[name] : low[name]
		}
	}'
