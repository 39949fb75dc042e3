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
stretches its limit, as such a kernel is slow.

  debug  KASAN, lockdep, PROVE_RCU, DEBUG_OBJECTS, kmemleak, fault injection
  kcsan  the data race detector

The configuration is vm/configs/base.config and vm/configs/NAME.config over
allnoconfig. Each source version and configuration has a directory of its own
below ${BPF_MA_CACHE:-~/.cache/bpf-ma}/kernels/build/; a build that was cut off
goes on where it was. --refresh asks the archive for a newer source.
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
debug|kcsan)	;;
*)	die "unknown kernel '$name': accepted are debug, kcsan" ;;
esac

scripts=$(dirname "$(realpath "$0")")
configs=$(realpath "$scripts/../vm/configs")
fragments=("$configs/base.config" "$configs/$name.config")

source=$("$scripts/linux-source.sh" "${refresh[@]}" tree)
[[ $source != *[[:space:]:]* ]] ||
	die "the cache's path must be free of spaces and colons: $source"
build=$(dirname "$(dirname "$source")")/build
key=$(cat "${fragments[@]}" | sha256sum | cut -c 1-8)
dir=$build/$name-$(basename "$source")-$key
mkdir -p "$dir/obj"

exec {lock}>"$dir/.lock"
flock -n "$lock" || {
	echo "kernel-build.sh: waiting for another build of $name" >&2
	flock "$lock"
}

print_result() {
	printf 'KVERSION=%q\n' "$(<"$dir/obj/include/config/kernel.release")"
	printf 'KDIR=%q\n' "$dir/obj"
	printf 'BZIMAGE=%q\n' "$dir/obj/arch/x86/boot/bzImage"
	printf 'TIMEOUT_FACTOR=%q\n' 6
}

# Written last; the object directory's Makefile holds the source's path.
complete=$dir/complete
if [[ -e $complete && $(<"$complete") == "$source" ]]; then
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
		make -C "$source" O="$dir/obj" ARCH=x86_64 CC="ccache gcc-12" HOSTCC=gcc-12 \
		LOCALVERSION="-$name-$key" "$@" >>"$dir/build.log" 2>&1 {lock}>&- || {
		tail -n 30 "$dir/build.log" >&2
		die "kernel $name does not build (the end of $dir/build.log is above)"
	}
}

# What depends on something unset is dropped without a word.
check_config() {
	local line missing=()

	while read -r line; do
		grep -qxF "$line" "$dir/obj/.config" || missing+=("$line")
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
	[[ -s $dir/obj/$file ]] || die "kernel $name was built without $file: see $dir/build.log"
done
echo "kernel-build.sh: built the $name kernel in $((SECONDS - began)) s" >&2
echo "$source" >"$complete.tmp"
mv "$complete.tmp" "$complete"
print_result
