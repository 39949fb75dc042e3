#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Fetch the kernel source that Debian ships into the cache, once.
set -euo pipefail

usage() {
	cat <<'USAGE'
Usage: scripts/linux-source.sh [--refresh] deb|tree|patched

Prints the path of Debian 12's linux-source-6.12 package, or that of the source
tree unpacked from it, or that of a copy of the tree with the series of patches/,
below ${BPF_MA_CACHE:-~/.cache/bpf-ma}/kernels/. What was fetched once is used
again; --refresh asks the archive for a newer one. Each state of the series has a
tree of its own; its files are links to those of the first tree, so none may be
written to.
USAGE
}

die() {
	echo "linux-source.sh: $*" >&2
	exit 1
}

refresh=
if [[ ${1:-} == --refresh ]]; then
	refresh=1
	shift
fi
case ${1:-} in
-h|--help)	usage; exit 0 ;;
deb|tree|patched) what=$1 ;;
*)	die "unknown argument '${1:-}': accepted are deb, tree, patched" ;;
esac

scripts=$(dirname "$(realpath "$0")")
package=linux-source-6.12
kernels=${BPF_MA_CACHE:-$HOME/.cache/bpf-ma}/kernels
mkdir -p "$kernels" 2>/dev/null || die "cannot create the cache $kernels"
kernels=$(realpath "$kernels")
sources=$kernels/source
mkdir -p "$sources"

exec {lock}>"$sources/.lock"
flock "$lock"
rm -rf "$sources"/.partial.*
partial=$(mktemp -d "$sources/.partial.XXXXXX")
trap 'rm -rf "$partial"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Package lists of our own: the machine's may be absent or out of date, and
# updating those needs root.
apt_options=(-q -o "Dir::State::Lists=$partial/lists" -o "Dir::Cache=$partial/cache"
	     -o APT::Sandbox::User=root -o Acquire::Retries=3)

fetch() {
	local tool

	for tool in apt-get dpkg-deb; do
		command -v "$tool" >/dev/null ||
			die "no $tool here: $package comes from the Debian archive"
	done
	mkdir -p "$partial"/{lists,cache,debs}
	echo "linux-source.sh: downloading $package" >&2
	apt-get "${apt_options[@]}" update >"$partial/log" 2>&1 || true
	if ! (cd "$partial/debs" && apt-get "${apt_options[@]}" download "$package") \
	     >"$partial/log" 2>&1; then
		tail -n 5 "$partial/log" >&2
		die "download of $package failed: network or disk? (apt's last lines are above)"
	fi
	# Made last, and in one step: the newest that is whole.
	mv "$partial/debs"/*.deb "$sources/"
}

newest_deb() {
	find "$sources" -maxdepth 1 -name "${package}_*.deb" | sort -V | tail -n 1
}

deb=$(newest_deb)
if [[ -n $refresh || -z $deb ]]; then
	fetch
	deb=$(newest_deb)
fi
if [[ $what == deb ]]; then
	echo "$deb"
	exit 0
fi

# kbuild keeps absolute paths: the name says which version, and stays.
tree=$sources/$(dpkg-deb -f "$deb" Version | sed 's/[^0-9A-Za-z.+-]/_/g')
if [[ ! -d $tree ]]; then
	echo "linux-source.sh: unpacking $(basename "$deb")" >&2
	mkdir -p "$partial/tree"
	dpkg-deb --fsys-tarfile "$deb" | tar -xO "./usr/src/$package.tar.xz" |
		tar -xJ -C "$partial/tree" --strip-components=1 ||
		die "cannot unpack $deb"
	mv "$partial/tree" "$tree"
fi
if [[ $what == tree ]]; then
	echo "$tree"
	exit 0
fi

hash() {
	sha256sum | cut -c 1-8
}

# Two keys: what the series does to the kernel alone, by which kernels are cached, and
# all of it, with selftests and documentation.
mapfile -t patches < <(find "$(dirname "$scripts")/patches" -name '[0-9]*.patch' | LC_ALL=C sort)
key=$(cat "${patches[@]}" | awk '/^From / { code = 0 }
	/^diff --git / { code = $3 !~ "^a/(tools|Documentation)/" }
	code' | hash)-$(cat "${patches[@]}" | hash)
patched=$kernels/patched/$(basename "$tree")-$key
if [[ ! -d $patched ]]; then
	echo "linux-source.sh: applying the series to a copy of $(basename "$tree")" >&2
	OUT=$partial/series "$scripts/patches.sh" "$tree" >&2
	rm "$partial"/series/0000-*
	cp -al "$tree" "$partial/tree"
	# A repository around the cache would have git look for the files there.
	GIT_CEILING_DIRECTORIES=$partial git -C "$partial/tree" apply \
		"$partial"/series/*.patch >&2 ||
		die "the series does not apply to $tree"
	mkdir -p "$kernels/patched"
	mv "$partial/tree" "$patched"
fi
echo "$patched"
