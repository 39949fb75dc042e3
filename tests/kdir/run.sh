#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What scripts/module.sh says of kernels that the module is not for: one line
# that names what is wrong, and a status that is not 0. Takes KDIR from the
# environment, a build directory that is good, and spoils copies of it.
set -euo pipefail

top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# refuses NAME TREE WORDS
refuses() {
	local said status=0

	said=$("$top/scripts/module.sh" "$2" "$work/out" 2>&1) || status=$?
	if ((status != 1)) || [[ $said == *$'\n'* || $said != "module.sh: "*"$3"* ]]; then
		echo "kdir: $1: status $status, not '$3' in one line but: ${said:0:1000}" >&2
		failed=1
	fi
}

# tree NAME: a copy that can be spoilt, all links but what is written to
tree() {
	local dir=$work/$1

	mkdir -p "$dir"
	cp -rs "$KDIR/." "$dir"
	cp --remove-destination -r "$KDIR/include/config/"{auto.conf,kernel.release} "$dir/include/config"
	echo "$dir"
}

refuses missing "$work/nowhere" "is no build directory"
mkdir "$work/empty"
refuses empty "$work/empty" "is no build directory"

dir=$(tree unconfigured)
rm "$dir/include/config/auto.conf"
refuses unconfigured "$dir" "is no build directory"

dir=$(tree garbage)
echo "unknown" >"$dir/include/config/kernel.release"
refuses garbage "$dir" "'unknown' in include/config/kernel.release"

dir=$(tree old)
for release in 6.0.19 5.10.0-30-amd64 4.19; do
	echo "$release" >"$dir/include/config/kernel.release"
	refuses "$release" "$dir" "is Linux $release: 6.1 or newer is needed"
done

for option in BPF_SYSCALL DEBUG_INFO_BTF_MODULES DEBUG_FS; do
	dir=$(tree "$option")
	sed -i "/^CONFIG_$option=/d" "$dir/include/config/auto.conf"
	refuses "$option" "$dir" "without CONFIG_$option"
done

dir=$(tree no-btf)
rm "$dir/vmlinux"
refuses no-btf "$dir" "has no vmlinux"

# A release that says 6.1 where the headers do not.
dir=$(tree mislabelled)
cp --remove-destination "$KDIR/include/generated/uapi/linux/version.h" \
	"$dir/include/generated/uapi/linux/version.h"
sed -i 's/^#define LINUX_VERSION_CODE .*/#define LINUX_VERSION_CODE 393216/' \
	"$dir/include/generated/uapi/linux/version.h"
refuses mislabelled "$dir" "Linux 6.1 or newer is needed"

exit "$failed"
