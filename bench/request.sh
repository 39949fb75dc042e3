#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is asked of a benchmark, checked; sourced by those that have a die().

# check_names WHAT LIST ACCEPTED
check_names() {
	local what=$1 list=$2 accepted=$3
	local name seen=,

	[[ $list != *, ]] || die "$what list '$list' ends in a comma"
	while IFS= read -r -d , name; do
		[[ -n $name && ,$accepted, == *,"$name",* ]] ||
			die "unknown $what '$name': accepted are ${accepted//,/, }"
		[[ $seen != *,"$name",* ]] || die "$what '$name' is named twice"
		seen+=$name,
	done <<<"$list,"
}

# check_number NAME VALUE MIN MAX: whole numbers
check_number() {
	local name=$1 value=$2 min=$3 max=$4

	if [[ ! $value =~ ^[1-9][0-9]{0,8}$ ]] || ((value < min || value > max)); then
		die "$name='$value': accepted is a whole number from $min to $max"
	fi
}

# check_secs VALUE
check_secs() {
	local secs=$1

	if [[ ! $secs =~ ^[0-9]{1,4}(\.[0-9]{1,3})?$ ]] ||
	   ! awk -v secs="$secs" 'BEGIN { exit !(secs >= 0.1 && secs <= 3600) }'; then
		die "SECS='$secs': accepted is a number from 0.1 to 3600"
	fi
}

# check_memalloc FILE: what MEMALLOC names
check_memalloc() {
	[[ -f $1 && -r $1 ]] || die "MEMALLOC='${MEMALLOC:-}': accepted is a file that can be read"
}

# commit DIR: what was measured, with "-dirty" if the tree holds more than the commit
commit() {
	git -C "$1" describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null ||
		echo unknown
}

host_cpu() {
	sed -n 's/^model name[[:space:]]*: //p;T;q' /proc/cpuinfo
}

now() {
	date -u +%Y-%m-%dT%H:%M:%SZ
}
