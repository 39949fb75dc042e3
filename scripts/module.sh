#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build an out-of-tree module for one kernel, in a directory of its own. kbuild
# writes beside the sources; links to them below the output directory keep the
# tree clean and let builds for several kernels stand side by side.
set -euo pipefail

usage() {
	cat <<'EOF'
Usage: scripts/module.sh KDIR OUT [SOURCE...]

KDIR is a kernel's build directory, OUT where the module is built. Each SOURCE
(a file, or a directory whole) is linked into OUT; one of them is a Kbuild.
Without SOURCE: bpf_ma.ko itself. In the environment, V=1 shows the commands and
SPARSE=1 has sparse look at each file, and MEMALLOC=file is built in memalloc.c's
place.
EOF
}

die() {
	echo "module.sh: $*" >&2
	exit 1
}

case ${1:-} in
-h|--help)	usage; exit 0 ;;
esac
[[ $# -ge 2 ]] || { usage >&2; exit 2; }

kdir=$1 out=$2
shift 2
if [[ $# -eq 0 ]]; then
	top=$(dirname "$(dirname "$(realpath "$0")")")
	set -- "$top"/{Kbuild,memalloc.c,bpf_mem_alloc.h,compat.h,module}
fi

# A kernel that is out of range is refused in one line, before kbuild fails in many.
check_kernel() {
	local release option

	[[ -f $kdir/Makefile && -r $kdir/include/config/auto.conf &&
	   -r $kdir/include/config/kernel.release ]] ||
		die "KDIR=$kdir is no build directory of a configured kernel"
	release=$(<"$kdir/include/config/kernel.release")
	[[ $release =~ ^([0-9]+)\.([0-9]+) ]] ||
		die "KDIR=$kdir: '$release' in include/config/kernel.release is no version of Linux"
	((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] >= 6001)) ||
		die "KDIR=$kdir is Linux $release: 6.1 or newer is needed"
	for option in BPF_SYSCALL DEBUG_INFO_BTF_MODULES DEBUG_FS; do
		grep -qx "CONFIG_$option=y" "$kdir/include/config/auto.conf" ||
			die "KDIR=$kdir: the kernel is configured without CONFIG_$option, which is needed"
	done
	[[ -r $kdir/vmlinux ]] ||
		die "KDIR=$kdir has no vmlinux, which is needed for BTF (a copy of that kernel's /sys/kernel/btf/vmlinux does)"
}

check_kernel
mkdir -p "$out"
out=$(realpath "$out")
[[ $out != *[[:space:]:]* ]] ||
	die "kbuild needs a path free of spaces and colons: $out"

# Two targets may want the same module at once.
exec {lock}>"$out/.lock"
flock "$lock"

# Sources only: an earlier build in place may have left objects beside them.
link_sources() {
	local base file

	base=$(dirname "$1")
	while read -r file; do
		mkdir -p "$out/$(dirname "$file")"
		ln -sfn "$base/$file" "$out/$file"
	done < <(cd "$base" && find "$(basename "$1")" -type f ! -name '*.mod.c' \
		 \( -name '*.[chS]' -o -name 'Kbuild*' -o -name Makefile \))
}

# Another file in memalloc.c's place is a copy; when that comes or goes, its age is
# no reason not to build.
[[ -z ${MEMALLOC:-} && (-L $out/memalloc.c || ! -e $out/memalloc.c) ]] || rm -f "$out/module/allocator.o"
for source; do
	[[ -r $source ]] || die "cannot read $source"
	link_sources "$(realpath "$source")"
done
if [[ -n ${MEMALLOC:-} ]]; then
	rm -f "$out/memalloc.c"
	cp "$MEMALLOC" "$out/memalloc.c"
fi
# Of sources that are gone.
find "$out" -xtype l -delete

# The compiler that the kernel was built with, where it is here under that name.
cc=$(sed -nE 's/^CONFIG_CC_VERSION_TEXT="?([^ "]*gcc[^ "]*).*/\1/p' "$kdir/include/config/auto.conf")
compiler=()
[[ -z $cc ]] || ! command -v "$cc" >/dev/null || compiler=("CC=$cc")

# kbuild must not take this project's variables or job slots for its own.
unset MAKEFLAGS MFLAGS MAKELEVEL
log=$out/build.log
if ! make -C "$kdir" M="$out" "${compiler[@]}" V="${V:-0}" C="${SPARSE:+2}" \
     -j "$(nproc)" modules >"$log" 2>&1; then
	# A kernel out of range is told so in one line, not by what follows from it.
	reason=$(sed -nE 's/.*error: #error "bpf_ma: (.*)"$/\1/p' "$log" | head -n 1)
	[[ -z $reason ]] || die "not for the kernel of $kdir: $reason"
	cat "$log" >&2
	die "the module does not build for $kdir (see above)"
fi
if [[ ${V:-0} == 1 ]]; then
	cat "$log"
else
	grep -E -A 8 'warning:|WARNING:' "$log" >&2 || true
fi
