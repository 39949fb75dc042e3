#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build a kernel of our own out of Debian's source, into the cache. Its object
# directory is what modules for it are built against.
set -euo pipefail

usage() {
	cat <<'USAGE'
Usage: scripts/kernel-build.sh [--refresh] NAME

Builds kernel NAME if it is not there, and prints the same shell assignments as
scripts/kernel.sh: KVERSION, KDIR, BZIMAGE; and TIMEOUT_FACTOR, by which vm/run
stretches its limit, as some are slow.

  debug      KASAN, lockdep, PROVE_RCU, DEBUG_OBJECTS, kmemleak, fault injection
  kcsan      the data race detector
  unpatched  what the kernel's own selftests of BPF need (selftests.config)
  classic    the same with the series of patches/, and the allocator that was there
  flavored   the same with the series, and its allocator

The configuration is base.config and others of vm/configs/ over allnoconfig. Each
source version, series and configuration has a directory of its own below
${BPF_MA_CACHE:-~/.cache/bpf-ma}/kernels/build/; a build that was cut off goes on
where it was. --refresh asks the archive for a newer source.
USAGE
}

die() {
	echo "kernel-build.sh: $*" >&2
	exit 1
}

refresh=()
if [[ ${1:-} == --refresh ]]; then
	refresh=(--refresh)
	shift
fi
name=${1:-}
case $name in
-h|--help)	usage; exit 0 ;;
debug|kcsan)	configs=(base "$name") which=tree own='' factor=6 ;;
unpatched)	configs=(base selftests) which=tree own=1 factor=1 ;;
classic)	configs=(base selftests) which=patched own=1 factor=1 ;;
flavored)	configs=(base selftests flavored) which=patched own=1 factor=1 ;;
*)	die "unknown kernel '$name': accepted are debug, kcsan, unpatched, classic, flavored" ;;
esac

scripts=$(dirname "$(realpath "$0")")
fragments=("${configs[@]/#/$(realpath "$scripts/../vm/configs")/}")
fragments=("${fragments[@]/%/.config}")

source=$("$scripts/linux-source.sh" "${refresh[@]}" "$which")
[[ $source != *[[:space:]:]* ]] ||
	die "the cache's path must be free of spaces and colons: $source"
build=$(dirname "$(dirname "$source")")/build
key=$(cat "${fragments[@]}" | sha256sum | cut -c 1-8)
base=$(basename "$source")
# What the series has beside the kernel's own code is no reason to build it again.
[[ $which != patched ]] || base=${base%-*}
dir=$build/$name-$base-$key
obj=$dir/obj
# Directly below its source, an object directory makes kbuild use relative paths, and
# the same file of two trees is the same to ccache.
if [[ -n $own ]]; then
	tree=$dir/linux
	obj=$tree/obj
else
	tree=$source
fi
mkdir -p "$dir"

exec {lock}>"$dir/.lock"
flock -n "$lock" || {
	echo "kernel-build.sh: waiting for another build of $name" >&2
	flock "$lock"
}

print_result() {
	printf 'KVERSION=%q\n' "$(<"$obj/include/config/kernel.release")"
	printf 'KDIR=%q\n' "$obj"
	printf 'BZIMAGE=%q\n' "$obj/arch/x86/boot/bzImage"
	[[ $factor == 1 ]] || printf 'TIMEOUT_FACTOR=%q\n' "$factor"
}

# The series is part of the release: its modules are not to be taken for another's.
localversion=-$name-$key
[[ $which != patched ]] || localversion=-$name-${base##*-}-$key

# Written last; the object directory's Makefile holds the source's path.
complete=$dir/complete
if [[ -e $complete && $(<"$complete") == "$tree" ]]; then
	print_result
	exit 0
fi
rm -f "$complete"

# Standard output belongs to the assignments.
"$scripts/packages.sh" build kernel >&2

kernel_make() {
	# kbuild must not take this project's variables or job slots for its own.
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u KDIR -u V \
		CCACHE_DIR="$build/ccache" CCACHE_NOHASHDIR=1 \
		make -C "$tree" O="$obj" ARCH=x86_64 CC="ccache gcc-12" HOSTCC=gcc-12 \
		LOCALVERSION="$localversion" "$@" >>"$dir/build.log" 2>&1 {lock}>&- || {
		tail -n 30 "$dir/build.log" >&2
		die "kernel $name does not build (the end of $dir/build.log is above)"
	}
}

if [[ ! -d $tree ]]; then
	rm -rf "$tree.tmp"
	cp -al "$source" "$tree.tmp"
	mv "$tree.tmp" "$tree"
fi
mkdir -p "$obj"

# What depends on something unset is dropped without a word.
check_config() {
	local line missing=()

	while read -r line; do
		grep -qxF "$line" "$obj/.config" || missing+=("$line")
	done < <(cat "${fragments[@]}" | grep '^CONFIG_')
	[[ ${#missing[@]} -eq 0 ]] ||
		die "the kernel's configuration did not take ${missing[*]}: a dependency is unset, or its name is wrong"
}

: >"$dir/build.log"
cat "${fragments[@]}" >"$dir/wanted.config"
kernel_make KCONFIG_ALLCONFIG="$dir/wanted.config" allnoconfig
check_config
echo "kernel-build.sh: building the $name kernel (a quarter of an hour and more; log: $dir/build.log)" >&2
began=$SECONDS
kernel_make -j "$(nproc)" all

for file in arch/x86/boot/bzImage vmlinux Module.symvers include/config/kernel.release; do
	[[ -s $obj/$file ]] || die "kernel $name was built without $file: see $dir/build.log"
done
echo "kernel-build.sh: built the $name kernel in $((SECONDS - began)) s" >&2
echo "$tree" >"$complete.tmp"
mv "$complete.tmp" "$complete"
print_result
