#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every check that needs no VM. All of those chosen are run; any failure fails.
set -euo pipefail

usage() {
	cat <<'EOF'
Usage: scripts/check.sh [CHECK...]

  shell       bash -n and shellcheck over every script
  checkpatch  checkpatch --strict over every C file
  sparse      over the module; KDIR and KVERSION from the environment
  api         types of the interface and of what memalloc.c calls; KDIR, KVERSION
  kdir        what is said of kernels out of range; KDIR
  bench       the native one is built; what the benchmarks refuse; committed results can be shown
  user        the tests that run in user space
  patches     the patch series: is up to date, applies, passes checkpatch

Without CHECK: all.
EOF
}

case ${1:-} in
-h|--help)	usage; exit 0 ;;
esac
checks=(shell checkpatch sparse api kdir patches bench user)
[[ $# -gt 0 ]] || set -- "${checks[@]}"

cd "$(dirname "$(dirname "$(realpath "$0")")")"
failed=()

files() {
	git ls-files --cached --others --exclude-standard -- "$@"
}

# Everything with a shell for interpreter, whatever its name.
shell_scripts() {
	files | while read -r file; do
		[[ -f $file ]] || continue
		head -n 1 "$file" | grep -qE '^#!.*(bash|busybox sh|/sh)$' && echo "$file"
	done || true
}

check_shell() {
	local file bad=0

	while read -r file; do
		if grep -qm 1 'busybox sh$' "$file"; then
			shellcheck -s dash "$file" || bad=1
		else
			{ bash -n "$file" && shellcheck "$file"; } || bad=1
		fi
	done < <(shell_scripts)
	return $bad
}

kernel_files() {
	files memalloc.c bpf_mem_alloc.h compat.h 'module/*.[ch]' 'tests/api/*.[ch]' \
		'selftests/test_modules/*.[ch]'
}

check_checkpatch() {
	local kernel user bad=0

	mapfile -t kernel < <(kernel_files)
	mapfile -t user < <(comm -23 <(files '*.c' '*.h' | sort) <(kernel_files | sort))
	scripts/checkpatch.sh "${kernel[@]}" || bad=1
	[[ ${#user[@]} -eq 0 ]] || scripts/checkpatch.sh --user "${user[@]}" || bad=1
	return $bad
}

# The kernel's own headers do not pass; what is reported of ours must not be.
check_sparse() {
	local out=.output/sparse/$KVERSION
	local log=$out/build.log

	rm -rf "$out"
	SPARSE=1 scripts/module.sh "$KDIR" "$out" >/dev/null 2>&1 || {
		cat "$log" >&2
		return 1
	}
	# The path has a + in it.
	! grep -F "$PWD/$out/" "$log" | grep -E '^[^ ]*: (warning|error):' >&2
}

check_api() {
	local out=.output/api/$KVERSION
	local unlisted

	unlisted=$(scripts/api-calls.sh)
	[[ -z $unlisted ]] || {
		echo "memalloc.c calls what tests/api/kernel.c has no line for:" "$unlisted" >&2
		return 1
	}
	scripts/module.sh "$KDIR" "$out" tests/api/{Kbuild,*.[ch]} bpf_mem_alloc.h compat.h \
		module >/dev/null 2>&1 || {
		grep 'error:' "$out/build.log" >&2
		return 1
	}
}

check_kdir() {
	tests/kdir/run.sh
}

check_bench() {
	make -s -C bench/native && tests/bench/run.sh
}

check_user() {
	[[ -e tests/user/Makefile ]] || return 0
	make -C tests/user check
}

check_patches() {
	local list bad=0

	scripts/patches.sh --check || bad=1
	mapfile -t list < <(find patches -name '*.patch' ! -name '0000-*' | sort)
	scripts/checkpatch.sh --patch "${list[@]}" || bad=1
	return $bad
}

for name; do
	[[ " ${checks[*]} " == *" $name "* ]] || {
		accepted=${checks[*]}
		echo "check.sh: unknown check '$name': accepted are ${accepted// /, }" >&2
		exit 2
	}
	if "check_$name"; then
		echo "check: $name ok"
	else
		echo "check: $name FAILED" >&2
		failed+=("$name")
	fi
done

if [[ ${#failed[@]} -gt 0 ]]; then
	echo "check: failed: ${failed[*]}" >&2
	exit 1
fi
