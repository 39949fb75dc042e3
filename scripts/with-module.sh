#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build bpf_ma.ko for the chosen kernel and run a command with what it needs to
# know about both in its environment.
set -euo pipefail

usage() {
	cat <<'EOF'
Usage: scripts/with-module.sh [COMMAND...]

From the environment: KERNEL, a name that scripts/kernel.sh knows (default
stock-6.12); or KDIR, a kernel's build directory, and BZIMAGE, its image. With
MEMALLOC=file, that file is built in memalloc.c's place.
COMMAND gets what kernel.sh said (KVERSION, KDIR, BZIMAGE, TIMEOUT_FACTOR) and
MODULE, the path of the bpf_ma.ko that was built. Without COMMAND that path is
printed.
EOF
}

die() {
	echo "with-module.sh: $*" >&2
	exit 1
}

case ${1:-} in
-h|--help)	usage; exit 0 ;;
esac

scripts=$(dirname "$(realpath "$0")")
if [[ -n ${KDIR:-} ]]; then
	[[ -r $KDIR/include/config/kernel.release ]] ||
		die "KDIR=$KDIR is no build directory of a configured kernel"
	KVERSION=$(<"$KDIR/include/config/kernel.release")
	[[ $# -eq 0 || -r ${BZIMAGE:-} ]] ||
		die "KDIR is given, but no BZIMAGE to boot with it"
else
	assignments=$("$scripts/kernel.sh" "${KERNEL:-stock-6.12}")
	eval "$assignments"
fi

# What is built of another file than memalloc.c is not to be taken for the real one.
build=$(dirname "$scripts")/.output/module/$KVERSION${MEMALLOC:+-other}
"$scripts/module.sh" "$KDIR" "$build"
MODULE=$build/bpf_ma.ko

if [[ $# -eq 0 ]]; then
	echo "$MODULE"
	exit 0
fi
export KVERSION KDIR BZIMAGE MODULE TIMEOUT_FACTOR=${TIMEOUT_FACTOR:-1}
exec "$@"
