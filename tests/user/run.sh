#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run built variants, some at a time, and sum up: one TAP stream, and
# "N passed, N failed" alone on the last line.
set -euo pipefail

usage() {
	echo "Usage: run.sh OUT JOBS VARIANT..."
}

case ${1:-} in
-h|--help)	usage; exit 0 ;;
esac
[[ $# -ge 3 ]] || { usage >&2; exit 2; }

out=$1 jobs=$2
shift 2
limit=${LIMIT:-300}

# A program that dies, or runs nothing, is a failed test of its own.
run_one() {
	local variant=$1 status=0 began=$SECONDS

	timeout -k 5 "$limit" "$out/$variant/test" >"$out/$variant.tap" \
		2>"$out/$variant.log" || status=$?
	if ! grep -q '^1\.\.[1-9]' "$out/$variant.tap" ||
	   { [[ $status -ne 0 ]] && ! grep -q '^not ok' "$out/$variant.tap"; }; then
		echo "not ok - the program ended with status $status" >>"$out/$variant.tap"
	fi
	echo "# $variant took $((SECONDS - began)) s" >>"$out/$variant.tap"
}

for variant; do
	while (($(jobs -rp | wc -l) >= jobs)); do
		wait -n
	done
	run_one "$variant" &
done
wait

for variant; do
	sed -En "s/^((not )?ok)[ 0-9]*- /\1 - $variant: /p; /^# /p" "$out/$variant.tap"
	if grep -q '^not ok' "$out/$variant.tap"; then
		grep -v "ASan doesn't fully support" "$out/$variant.log" |
			tail -n 60 | sed 's/^[^#]/# &/' || true
	fi
done | awk '
	/^(not )?ok - / { n++; sub(/ - /, " " n " - ") }
	/^ok / { passed++ }
	/^not ok / { failed++ }
	{ print }
	END {
		printf "1..%d\n%d passed, %d failed\n", n, passed, failed
		exit !passed || failed > 0
	}'
