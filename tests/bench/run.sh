#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the benchmarks say of settings that they refuse: one line that names what was
# wrong and what is accepted, and status 2. And that committed results can be shown.
set -euo pipefail

top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
failed=0
settings=(CASES FLAVORS SECS ROUNDS CPUS MEM VALUE_SIZE KEYS MAPS BYSTANDER GPS RING BOOTS \
	  LIVE THREADS SIZE MEMALLOC)

bad() {
	echo "bench: $*" >&2
	failed=1
}

# status WANTED WORDS SCRIPT NAME=VALUE...
status() {
	local wanted=$1 words=$2 script=$3
	local said status=0

	shift 3
	said=$(env "${settings[@]/#/-u}" "$@" "$top/$script" --check 2>&1) || status=$?
	if ((status != wanted)) || [[ $said == *$'\n'* || $said != *"$words"* ]]; then
		bad "$script, $*: status $status, not '$words' in one line but: ${said:0:1000}"
	fi
}

takes() {
	status 0 "" "$@"
}

# refuses WORDS SCRIPT NAME=VALUE...
refuses() {
	status 2 "$@"
}

# shows TABLE FILE: whatever its verdict
shows() {
	local said

	said=$("$1" "$2" 2>&1 >/dev/null) || true
	[[ -z $said ]] || bad "$1 $2: ${said:0:1000}"
	[[ -n $("$1" "$2" 2>/dev/null || true) ]] || bad "$1 $2: shows nothing"
}

takes bench/run
refuses "unknown case 'x'" bench/run CASES=x
refuses "unknown flavor ''" bench/run FLAVORS=normal,,none
refuses "flavor 'none' is named twice" bench/run FLAVORS=none,none
refuses "number from 0.1 to 3600" bench/run SECS=0
refuses "CPUS='65': accepted is a whole number from 1 to 64" bench/run CPUS=65
refuses "need an even number" bench/run CPUS=3
refuses "accepted is a multiple of 64" bench/run KEYS=100
refuses "have one map only" bench/run MAPS=2
refuses "BYSTANDER='2': accepted are 0 and 1" bench/run BYSTANDER=2

takes bench/run ROUNDS=4 BOOTS=2
refuses "BOOTS='0': accepted is a whole number from 1 to 100" bench/run BOOTS=0
refuses "as many rounds in each boot" bench/run ROUNDS=3 BOOTS=2
refuses "0.1 s or more in each boot" bench/run ROUNDS=4 BOOTS=4 SECS=0.3
refuses "each round is a boot" bench/patched BOOTS=3

takes bench/run GPS=0
takes bench/run GPS=2000
for gps in x -1 2001 1.5 007; do
	refuses "GPS='$gps': accepted is a whole number from 0 to 2000" bench/run GPS=$gps
done
refuses "CPUS of 2 or more is accepted" bench/run GPS=1 CPUS=1 CASES=overwrite
takes bench/run GPS=0 CPUS=1 CASES=overwrite

takes bench/run MEMALLOC="$top/memalloc.c"
refuses "MEMALLOC='/nowhere': accepted is a file that can be read" bench/run MEMALLOC=/nowhere
refuses "the allocator is that of the kernels" bench/patched MEMALLOC="$top/memalloc.c"

takes bench/run FLAVORS=ring CASES=overwrite
takes bench/run FLAVORS=normal,ring CASES=overwrite,batch_add_batch_del RING=1
for ring in x 0 -1 1048577 1.5 '6000 poison=1'; do
	refuses "RING='$ring': accepted is a whole number from 1 to 1048576" \
		bench/run FLAVORS=ring CASES=overwrite RING="$ring"
done
refuses "name it in FLAVORS" bench/run RING=6000
refuses "not as in add_del_on_diff_cpu" bench/run FLAVORS=normal,ring

if (($(nproc) >= 2)); then
	takes bench/native/run
	refuses "unknown case 'no_op'" bench/native/run CASES=no_op
	refuses "LIVE='0': accepted is a whole number" bench/native/run LIVE=64,0
	refuses "LIVE '64' is named twice" bench/native/run LIVE=64,64
	refuses "THREADS='1': accepted is a whole number from 2" bench/native/run THREADS=1
	takes bench/native/run RING=0
	takes bench/native/run RING=auto
	takes bench/native/run RING=1000000
	for ring in x -1 1000001 1.5; do
		refuses "RING='$ring': accepted is a whole number from 0 to 1000000, or auto" \
			bench/native/run RING=$ring
	done
	refuses "accepted is a file that can be read" bench/native/run MEMALLOC=nowhere
fi

for file in "$top"/bench/results/{,counted/,floor/,slow-host/}*.json; do
	case $file in
	*/native-*)	shows "$top/bench/native/table.py" "$file" ;;
	*)		shows "$top/bench/table.py" "$file" ;;
	esac
done

exit "$failed"
