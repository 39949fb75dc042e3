#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run the kernel's checkpatch --strict over whole files, or over patches. No
# package ships the script alone: it is taken out of Debian's linux-source into
# the cache, once.
set -euo pipefail

usage() {
	cat <<'EOF'
Usage: scripts/checkpatch.sh [--user|--patch] FILE...

--user leaves out what only kernel code can follow: the kernel's own macros and
types, its rules for volatile, typedefs and the arguments of macros.
--patch takes patches.
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

user='' patch=''
case $1 in
--user)	user=1; shift ;;
--patch) patch=1; shift ;;
esac
[[ $# -gt 0 ]] || { usage >&2; exit 2; }

cache=${BPF_MA_CACHE:-$HOME/.cache/bpf-ma}
tools=$cache/checkpatch

extract() {
	local partial deb

	deb=$("$(dirname "$(realpath "$0")")/linux-source.sh" deb)
	partial=$(mktemp -d "$cache/.checkpatch.XXXXXX")
	# shellcheck disable=SC2064 # the name as it is now
	trap "rm -rf '$partial'" EXIT
	# --occurrence lets tar stop at the last of them, which breaks the pipe:
	# what came out decides.
	dpkg-deb --fsys-tarfile "$deb" 2>/dev/null |
		tar -xO --wildcards './usr/src/linux-source-*.tar.xz' 2>/dev/null |
		tar -xJ -C "$partial" --strip-components=2 --occurrence=1 --wildcards \
			'*'/scripts/{checkpatch.pl,spelling.txt,const_structs.checkpatch} || true
	[[ -s $partial/checkpatch.pl && -s $partial/spelling.txt ]] ||
		die "$deb does not hold scripts/checkpatch.pl"
	mv -T "$partial" "$tools"
}

[[ -x $tools/checkpatch.pl ]] || extract

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
	# Weak is how a program names a kfunc that a kernel may lack.
	ignore+=,WEAK_DECLARATION
fi

# MAINTAINERS names the directories that the series adds files to.
[[ -z $patch ]] || ignore+=,FILE_PATH_CHANGES

checkpatch() {
	perl "$tools/checkpatch.pl" --no-tree --strict --terse --quiet --no-summary \
		--show-types --ignore "$ignore" "$@"
}

# By its name, a patch that git knows would be taken for a source file.
checkpatches() {
	local file bad=0

	for file; do
		checkpatch - <"$file" | sed "s|^-:|$file:|" || bad=1
	done
	return $bad
}

status=0
if [[ -n $patch ]]; then
	checkpatches "$@" || status=$?
else
	checkpatch -f "$@" || status=$?
fi
# Its memory of the include files, written into the current directory.
rm -f .checkpatch-camelcase.*
exit $status
