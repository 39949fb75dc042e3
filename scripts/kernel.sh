#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Fetch a stock Debian kernel and the headers to build modules for it into the
# cache, or have a kernel of our own built there.
set -euo pipefail

usage() {
	cat <<'EOF'
Usage: scripts/kernel.sh [--refresh] [NAME]

Resolves NAME to the newest such kernel in the Debian archive, unpacks it below
${BPF_MA_CACHE:-~/.cache/bpf-ma}/kernels/ and prints shell assignments:

  KVERSION=...  the release that `uname -r` will show
  KDIR=...      for `make -C $KDIR M=... modules`; also holds vmlinux (BTF)
  BZIMAGE=...   the image to boot

What was fetched once is used again without network; --refresh asks the archive
for a newer one. Nothing is installed on this machine, and root is not needed.

  stock-6.12     Debian 12's 6.12 cloud kernel (default)
  stock-6.1      Debian 12's default 6.1 cloud kernel
  stock-6.12-rt  6.12 with PREEMPT_RT
  debug, kcsan   6.12 with run-time checks, and
  unpatched, classic, flavored
                 6.12 without and with patches/: see scripts/kernel-build.sh
EOF
}

die() {
	echo "kernel.sh: $*" >&2
	exit 1
}

refresh=
name=stock-6.12
named=
for arg; do
	case $arg in
	-h|--help)	usage; exit 0 ;;
	--refresh)	refresh=1 ;;
	-*)		die "unknown option '$arg': accepted is --refresh" ;;
	*)		[[ -z $named ]] || die "one kernel at a time: $name, $arg"
			name=$arg named=1 ;;
	esac
done

# The release as the package name spells it, N moving with security updates.
case $name in
stock-6.12)	release='6\.12\.[0-9]+\+deb12-cloud-amd64' ;;
stock-6.1)	release='6\.1\.0-[0-9]+-cloud-amd64' ;;
stock-6.12-rt)	release='6\.12\.[0-9]+\+deb12-rt-amd64' ;;
debug|kcsan|unpatched|classic|flavored)
	exec "$(dirname "$(realpath "$0")")/kernel-build.sh" ${refresh:+--refresh} "$name" ;;
*)	die "unknown kernel '$name': accepted are stock-6.12, stock-6.1, stock-6.12-rt, debug, kcsan, unpatched, classic, flavored" ;;
esac

kernels=${BPF_MA_CACHE:-$HOME/.cache/bpf-ma}/kernels
mkdir -p "$kernels" 2>/dev/null || die "cannot create the cache $kernels"
kernels=$(realpath "$kernels")
# kbuild takes a space in a path for the end of it.
[[ $kernels != *[[:space:]:]* ]] ||
	die "the cache's path must be free of spaces and colons: $kernels"

exec {lock}>"$kernels/.lock"
flock "$lock"

# Complete, and not moved since (the headers' Makefile holds an absolute path).
usable() {
	local dir=$1 version=$2
	local include

	[[ -r $dir/boot/vmlinuz-$version ]] || return 1
	[[ -r $dir/usr/src/linux-headers-$version/vmlinux ]] || return 1
	include=$(sed -n 's/^include //p' "$dir/usr/src/linux-headers-$version/Makefile")
	[[ $include == "$dir"/* && -r $include ]]
}

print_result() {
	local version=$1

	printf 'KVERSION=%q\n' "$version"
	printf 'KDIR=%q\n' "$kernels/$version/usr/src/linux-headers-$version"
	printf 'BZIMAGE=%q\n' "$kernels/$version/boot/vmlinuz-$version"
}

# The name's link is made last, so what it points to is complete.
if [[ -z $refresh && -L $kernels/$name ]]; then
	version=$(readlink "$kernels/$name")
	if usable "$kernels/$version" "$version"; then
		print_result "$version"
		exit 0
	fi
fi

for tool in apt-get apt-cache dpkg-deb; do
	command -v "$tool" >/dev/null ||
		die "no $tool here: the stock kernels come from the Debian archive"
done

rm -rf "$kernels"/.partial.*
partial=$(mktemp -d "$kernels/.partial.XXXXXX")
trap 'rm -rf "$partial"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$partial"/{lists,cache,debs,root}

# Package lists of our own: the machine's may be absent or out of date, and
# updating those needs root.
apt_options=(-q -o "Dir::State::Lists=$partial/lists" -o "Dir::Cache=$partial/cache"
	     -o APT::Sandbox::User=root -o Acquire::Retries=3)

echo "kernel.sh: asking the Debian archive for the newest $name" >&2
apt-get "${apt_options[@]}" update >"$partial/log" 2>&1 || true

available() {
	[[ -n $(apt-cache "${apt_options[@]}" show --no-all-versions "$1" 2>/dev/null) ]]
}

# Image, headers, and the parts of the headers: the common ones and kbuild.
packages_of() {
	local version=$1

	echo "linux-image-$version-unsigned" "linux-headers-$version"
	apt-cache "${apt_options[@]}" depends --important "linux-headers-$version" 2>/dev/null |
		sed -nE 's/^ *Depends: (linux-headers-.*-common.*|linux-kbuild-.*)$/\1/p'
}

newest() {
	apt-cache "${apt_options[@]}" pkgnames linux- | grep -xE "$1" | sort -V | tail -n 1
}

# The archive may be in the middle of an update: take the newest release of
# which every part is there.
resolve() {
	local version package

	while read -r version; do
		mapfile -t packages < <(packages_of "$version" | tr ' ' '\n')
		[[ ${#packages[@]} -eq 4 ]] || continue
		for package in "${packages[@]}"; do
			available "$package" || continue 2
		done
		# 6.1's kbuild lacks the resolve_btfids that a module's BTF needs.
		[[ $name != stock-6.1 ]] ||
			packages+=("$(newest 'linux-kbuild-6\.12\.[0-9]+\+deb12')")
		return 0
	done < <(apt-cache "${apt_options[@]}" pkgnames linux-image- |
		 sed -nE "s/^linux-image-($release)-unsigned\$/\1/p" | sort -rV)
	return 1
}

if ! resolve; then
	tail -n 5 "$partial/log" >&2
	die "the archive offers no $name: does it answer, and do the apt sources name Debian 12 and its security updates? (apt's last lines are above)"
fi
version=$(sed -E 's/^linux-image-(.*)-unsigned$/\1/' <<<"${packages[0]}")
dir=$kernels/$version

# extract_btf BZIMAGE VMLINUX: for headers that come without the kernel's BTF
extract_btf() {
	local image=$1 vmlinux=$2
	local start length

	# setup_sects, payload_offset and payload_length of the boot protocol;
	# the payload ends in its uncompressed length.
	start=$((($(od -An -t u1 -j 0x1f1 -N 1 "$image") + 1) * 512 +
		 $(od -An -t u4 -j 0x248 -N 4 "$image")))
	length=$(($(od -An -t u4 -j 0x24c -N 4 "$image") - 4))
	dd if="$image" iflag=skip_bytes,count_bytes skip="$start" count="$length" \
		bs=1M status=none | lz4 -dc >"$vmlinux.whole" ||
		die "cannot unpack $image: it is not compressed with lz4, or lz4 is missing (scripts/packages.sh build installs it)"
	# It warns of the segments that are empty then.
	objcopy --only-section=.BTF "$vmlinux.whole" "$vmlinux" 2>/dev/null
	rm "$vmlinux.whole"
}

# What the headers of stock-6.1 lack for building a module with BTF.
complete_headers() {
	local root=$1 headers=$2
	local resolve_btfids=tools/bpf/resolve_btfids/resolve_btfids

	[[ -e $headers/vmlinux ]] ||
		extract_btf "$root/boot/vmlinuz-$version" "$headers/vmlinux"
	[[ -e $headers/$resolve_btfids ]] ||
		install -D "$root"/usr/lib/linux-kbuild-6.12.*/$resolve_btfids \
			"$headers/$resolve_btfids"
}

if ! usable "$dir" "$version"; then
	echo "kernel.sh: downloading ${packages[*]}" >&2
	if ! (cd "$partial/debs" &&
	      apt-get "${apt_options[@]}" download "${packages[@]}") >"$partial/log" 2>&1; then
		tail -n 5 "$partial/log" >&2
		die "download of $version failed: network or disk? (apt's last lines are above)"
	fi
	for deb in "$partial"/debs/*.deb; do
		dpkg-deb -x "$deb" "$partial/root"
	done

	root=$partial/root
	# The VM has no root file system: what is a module there is not wanted.
	rm -rf "${root:?}/lib" "${root:?}/usr/share"
	headers=$root/usr/src/linux-headers-$version
	complete_headers "$root" "$headers"
	sed -i "s|^include /usr/src/|include $dir/usr/src/|" "$headers/Makefile"
	rm -rf "$dir"
	mv "$root" "$dir"
	usable "$dir" "$version" ||
		die "the packages of $version do not hold what was expected: see $dir"
fi

ln -sfn "$version" "$kernels/$name"
print_result "$version"
