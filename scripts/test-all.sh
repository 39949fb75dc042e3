#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run the selftests on several kernels, one after the other. All of them are
# run; any failure fails.
set -euo pipefail

usage() {
	cat <<'USAGE'
Usage: scripts/test-all.sh KERNEL...

Each KERNEL is a name that `make test KERNEL=` takes. Ends with a line for each.
USAGE
}

case ${1:-} in
-h|--help)	usage; exit 0 ;;
'')		usage >&2; exit 2 ;;
esac

cd "$(dirname "$(dirname "$(realpath "$0")")")"
unset KDIR BZIMAGE MAKEFLAGS MAKELEVEL
lines=() failed=0

for kernel; do
	# A wrong name is told before the first hour is over.
	make -s KERNEL="$kernel" help >/dev/null
done

log=$(mktemp)
trap 'rm -f "$log"' EXIT
for kernel; do
	echo "test-all: $kernel"
	began=$SECONDS status=0
	make -s test KERNEL="$kernel" 2>&1 | tee "$log" || status=$?
	((status == 0)) || failed=1
	lines+=("$(printf '%-14s %s, status %d, %d s' "$kernel" \
		"$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)" \
		"$status" "$((SECONDS - began))")")
done
echo
printf '%s\n' "${lines[@]}"
exit "$failed"
