#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Keep the patch series and this project's own files together, and see whether
# the series fits a kernel tree. Trees are never written to: what is patched is
# a copy of the files that the series touches.
set -euo pipefail

usage() {
	cat <<'EOF'
Usage: scripts/patches.sh --refresh
       scripts/patches.sh --check
       scripts/patches.sh TREE

  --refresh  put memalloc.c and bpf_mem_alloc.h into the patch that adds them
  --check    they are in it, byte for byte; and if Debian's kernel source is in
             the cache, the series applies to it
  TREE       apply the series to the kernel source TREE, and write it as that
             tree has it (line numbers, context) to OUT, default
             .output/patches; or say which hunk does not fit

A series is patches/*.patch and those of one directory beside them, in order of
their names. The directories hold what differs between kernels: the one with
which the series applies is taken.
EOF
}

die() {
	echo "patches.sh: $*" >&2
	exit 1
}

top=$(dirname "$(dirname "$(realpath "$0")")")
patches=$top/patches
prefix='PATCH bpf-next'
# The patch that adds our files, and where in the kernel they are.
adds=("$patches"/*-bpf-Add-a-memory-allocator-with-flavors.patch)
declare -A home=(
	[memalloc.c]=kernel/bpf/memalloc.c
	[bpf_mem_alloc.h]=include/linux/bpf_mem_alloc_flavored.h
)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

git_scratch() {
	git -C "$scratch/$tree" -c user.name=patches -c user.email=patches@localhost \
		-c core.hooksPath=/dev/null -c commit.gpgSign=false -c gc.auto=0 "$@"
}

# new_scratch NAME: an empty repository; git_scratch works there
new_scratch() {
	tree=$1
	rm -rf "${scratch:?}/$tree"
	git init -q "$scratch/$tree"
	git_scratch commit -q --allow-empty -m empty
}

bases() {
	find "$patches" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort -V
}

series() {
	find "$patches" "$patches/$1" -maxdepth 1 -name '*.patch' ! -name '0000-*' \
		-printf '%f\t%p\n' | sort -u | cut -f 2
}

touched() {
	local list

	mapfile -t list < <(series "$1")
	sed -nE 's|^diff --git a/(.*) b/.*|\1|p' "${list[@]}" | sort -u
}

# Applies what adds our files to nothing.
added_scratch() {
	[[ -f ${adds[0]} ]] || die "$patches: no patch that adds the allocator"
	new_scratch added
	git_scratch am -q "${adds[0]}" >"$scratch/log" 2>&1 || {
		cat "$scratch/log" >&2
		die "${adds[0]##*/} does not apply to nothing: it is to add files only"
	}
}

same_files() {
	local file status=0

	added_scratch
	for file in "${!home[@]}"; do
		cmp -s "$top/$file" "$scratch/$tree/${home[$file]}" || {
			echo "patches.sh: ${adds[0]##*/} has another $file: 'make patches' mends that" >&2
			status=1
		}
	done
	return $status
}

refresh() {
	local file name number

	added_scratch
	for file in "${!home[@]}"; do
		cp "$top/$file" "$scratch/$tree/${home[$file]}"
	done
	if git_scratch diff --quiet; then
		return
	fi
	git_scratch commit -q -a --amend --no-edit
	name=${adds[0]##*/}
	number=$(sed -nE "s/^Subject: \[$prefix ([0-9]+\/[0-9]+)\].*/\1/p" "${adds[0]}")
	git_scratch format-patch -q -1 --no-numbered --stdout --zero-commit --no-signature \
		--subject-prefix="$prefix $number" >"$scratch/$name"
	mv "$scratch/$name" "${adds[0]}"
	echo "patches.sh: refreshed patches/$name"
}

# copy_touched BASE TREE: what the series needs of TREE, committed
copy_touched() {
	local file

	new_scratch "$1"
	while read -r file; do
		[[ ! -f $2/$file ]] || install -D -m 644 "$2/$file" "$scratch/$tree/$file"
	done < <(touched "$1")
	git_scratch add -A -f
	git_scratch commit -q -m base
}

# apply_series BASE TREE: sets failed, and applied, how many went in before
apply_series() {
	local patch

	copy_touched "$1" "$2"
	failed='' applied=0
	while read -r patch; do
		if ! git_scratch am -q "$patch" >/dev/null 2>&1; then
			git_scratch am --abort
			failed=$patch
			return 1
		fi
		applied=$((applied + 1))
	done < <(series "$1")
}

# The hunks of $failed that do not fit.
explain() {
	local rejects

	echo "patches.sh: ${failed#"$top"/} does not apply to $1:"
	git_scratch apply --reject "$failed" 2>&1 |
		sed -nE '/^error: (patch failed|while searching)/d; s/^error: /  /p; s/^(Rejected hunk .*)/  \1/p' || true
	mapfile -t rejects < <(find "$scratch/$tree" -name '*.rej')
	[[ ${#rejects[@]} -eq 0 ]] || cat "${rejects[@]}"
} >&2

# Sets base to the one that fits TREE.
choose_base() {
	local name best='' most=-1

	while read -r name; do
		if apply_series "$name" "$1"; then
			base=$name
			return
		fi
		if ((applied > most)); then
			best=$name most=$applied
		fi
	done < <(bases)
	apply_series "$best" "$1" || explain "$1"
	die "the series does not fit $1; nearest is patches/$best, where $applied patches went in"
}

version_of() {
	sed -nE 's/^(VERSION|PATCHLEVEL|SUBLEVEL) = ([0-9]+)$/\2/p' "$1/Makefile" | paste -sd .
}

regenerate() {
	local out=${OUT:-$top/.output/patches} commit made

	made="Linux $(version_of "$1")"
	if commit=$(git -C "$1" rev-parse --verify -q HEAD 2>/dev/null); then
		made+=", base-commit: $commit"
	fi
	rm -rf "$out"
	mkdir -p "$out"
	git_scratch format-patch -q -M -n --zero-commit --no-signature \
		--subject-prefix="$prefix" -o "$(realpath "$out")" "HEAD~$applied"
	sed "s|^Made against: .*|Made against: $made|" "$patches"/0000-*.patch \
		>"$out/0000-cover-letter.patch"
	echo "patches.sh: $applied patches (with patches/$base) apply to $1, written to $out"
}

find_source() {
	local dir

	for dir in "$1" "$1/source"; do
		if [[ -f $dir/kernel/bpf/Makefile ]]; then
			realpath "$dir"
			return
		fi
	done
	die "$1 is no kernel source: it has no kernel/bpf/Makefile, nor has $1/source"
}

newest_cached() {
	local sources=${BPF_MA_CACHE:-$HOME/.cache/bpf-ma}/kernels/source

	[[ -d $sources ]] || return 0
	find "$sources" -mindepth 1 -maxdepth 1 -type d ! -name '.*' | sort -V | tail -n 1
}

check() {
	local cached

	same_files
	cached=$(newest_cached)
	if [[ -z $cached ]]; then
		echo "patches.sh: no kernel source in the cache: not applied to one"
		return
	fi
	choose_base "$cached"
}

[[ $# -eq 1 ]] || { usage >&2; exit 2; }
case $1 in
-h|--help)	usage ;;
--refresh)	refresh ;;
--check)	check ;;
-*)	die "unknown argument '$1': accepted are --refresh, --check, or a kernel source" ;;
*)	source=$(find_source "$1")
	choose_base "$source"
	regenerate "$source"
	;;
esac
