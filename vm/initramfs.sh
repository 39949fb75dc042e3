#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build the initramfs of the test VM: busybox, vm/init, the splat lists and the
# files given, with the shared libraries that they need.
set -euo pipefail

usage() {
	cat <<'EOF'
Usage: vm/initramfs.sh OUT.cpio.gz [FILE=DEST...]

FILE is a file or directory of this machine, DEST the absolute path that it gets
in the VM. The libraries of dynamically linked programs come along.
EOF
}

die() {
	echo "initramfs.sh: $*" >&2
	exit 1
}

case ${1:-} in
-h|--help)	usage; exit 0 ;;
'')		usage >&2; exit 2 ;;
esac

vm=$(dirname "$(realpath "$0")")
out=$1
shift

for tool in cpio gzip ldd; do
	command -v "$tool" >/dev/null || die "no $tool here: scripts/packages.sh vm installs it"
done
busybox=$(command -v busybox) || die "no busybox here: scripts/packages.sh vm installs it"
! ldd "$busybox" >/dev/null 2>&1 ||
	die "$busybox is not static: scripts/packages.sh vm installs busybox-static"

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# Where the dynamic loader will look for them: at the same paths as here.
copy_libraries() {
	local program=$1
	local lib

	# Fails for what is no dynamic program: nothing to copy then.
	ldd "$program" 2>/dev/null | grep -oE '/[^ ]+' | while read -r lib; do
		[[ -e $root$lib ]] || install -D "$lib" "$root$lib"
	done || true
}

install -D "$busybox" "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
install -D "$vm/init" "$root/init"
install -D -m 644 -t "$root/vm" "$vm/splats" "$vm/splats-allow"

for arg; do
	file=${arg%=*} dest=${arg##*=}
	[[ $arg == *=/* ]] || die "'$arg' is not FILE=DEST with an absolute DEST"
	[[ -r $file ]] || die "cannot read $file"
	mkdir -p "$root$(dirname "$dest")"
	cp -rLT --preserve=mode "$file" "$root$dest"
	while read -r program; do
		copy_libraries "$program"
	done < <(find "$root$dest" -type f -perm /111)
done

mkdir -p "$(dirname "$out")"
(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0) | gzip -1 >"$out.tmp"
mv "$out.tmp" "$out"
