#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run the kernel's checkpatch --strict over whole files. No package ships the
# script alone: it is taken out of Debian's linux-source into the cache, once.
set -euo pipefail

usage() {
	cat <<'EOF'
Usage: scripts/checkpatch.sh [--user] FILE...

--user leaves out what only kernel code can follow: the kernel's own macros and
types, its rules for volatile, typedefs and the arguments of macros.
EOF
}

die() {
	echo "checkpatch.sh: $*" >&2
	exit 1
}

case ${1:-} in
-h|--help)	usage; exit 0 ;;
'')		usage >&2; exit 2 ;;
esac

user=
if [[ $1 == --user ]]; then
	user=1
	shift
fi
[[ $# -gt 0 ]] || { usage >&2; exit 2; }

source=linux-source-6.12
cache=${BPF_MA_CACHE:-$HOME/.cache/bpf-ma}
tools=$cache/checkpatch

fetch() {
	local partial

	for tool in apt-get dpkg-deb; do
		command -v "$tool" >/dev/null ||
			die "no $tool here: checkpatch comes from the Debian archive"
	done
	mkdir -p "$cache"
	partial=$(mktemp -d "$cache/.checkpatch.XXXXXX")
	# shellcheck disable=SC2064 # the name as it is now
	trap "rm -rf '$partial'" EXIT
	mkdir -p "$partial"/{lists,cache,tools}

	echo "checkpatch.sh: downloading $source for scripts/checkpatch.pl" >&2
	apt_options=(-q -o "Dir::State::Lists=$partial/lists" -o "Dir::Cache=$partial/cache"
		     -o APT::Sandbox::User=root -o Acquire::Retries=3)
	apt-get "${apt_options[@]}" update >"$partial/log" 2>&1 || true
	if ! (cd "$partial" && apt-get "${apt_options[@]}" download "$source") \
	     >"$partial/log" 2>&1; then
		tail -n 5 "$partial/log" >&2
		die "download of $source failed: network or disk? (apt's last lines are above)"
	fi
	# --occurrence lets tar stop at the last of them, which breaks the pipe:
	# what came out decides.
	dpkg-deb --fsys-tarfile "$partial"/*.deb 2>/dev/null |
		tar -xO "./usr/src/$source.tar.xz" 2>/dev/null |
		tar -xJ -C "$partial/tools" --strip-components=2 --occurrence=1 \
			"$source"/scripts/{checkpatch.pl,spelling.txt,const_structs.checkpatch} || true
	[[ -s $partial/tools/checkpatch.pl && -s $partial/tools/spelling.txt ]] ||
		die "$source does not hold scripts/checkpatch.pl"
	mv "$partial/tools" "$tools"
}

[[ -x $tools/checkpatch.pl ]] || fetch

# This is BPF code, and compat.h exists to know versions (its KERNEL_VERSION()
# looks like a constant on the wrong side).
ignore=RCU_TASKS_TRACE,LINUX_VERSION_CODE,CONSTANT_COMPARISON
if [[ -n $user ]]; then
	ignore+=,PREFER_DEFINED_ATTRIBUTE_MACRO,PREFER_KERNEL_TYPES
	ignore+=,VOLATILE,NEW_TYPEDEFS,MACRO_ARG_REUSE,MACRO_ARG_UNUSED
	# A shim defines what kernel code must use with a comment, and stands in
	# for kernel functions whose names it puts into its complaints.
	ignore+=,MEMORY_BARRIER,DATA_RACE,COMPLEX_MACRO,MACRO_ARG_PRECEDENCE
	ignore+=,EMBEDDED_FUNCTION_NAME,CAMELCASE
fi

status=0
perl "$tools/checkpatch.pl" --no-tree --strict --terse --quiet --no-summary \
	--show-types --ignore "$ignore" -f "$@" || status=$?
# Its memory of the include files, written into the current directory.
rm -f .checkpatch-camelcase.*
exit $status
