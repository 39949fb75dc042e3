#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Install the Debian packages that a target of the Makefile needs and this
# machine lacks. The only place that names packages of the build host; what is
# downloaded without being installed (kernels, headers) is scripts/kernel.sh's.
set -euo pipefail

usage() {
	cat <<'EOF'
Usage: scripts/packages.sh GROUP...

Installs what is missing of the groups named, and says what; prints nothing
when all is there. Needs root only when something is missing.

  build   compile the module and the BPF programs
  vm      build an initramfs and boot it in QEMU
  bench   summarise and plot the benchmark
  style   static checks: sparse, checkpatch, shellcheck
  user    the allocator in user space, under sanitizers
  native  the allocator in user space, to be measured
  coverage
          measure how much of the allocator the tests in user space run
  kernel  build a kernel from source
  kernel-tests
          build the kernel's own selftests of BPF
  model   check the model with spin
  mutants apply the patches that break the allocator
EOF
}

die() {
	echo "packages.sh: $*" >&2
	exit 1
}

# gcc-12 is the compiler that Debian 12's kernels were built with, and the one
# their headers insist on. pahole and libelf make the module's BTF.
group_packages() {
	case $1 in
	build)	echo gcc gcc-12 libc6-dev make pahole libelf-dev clang llvm \
			bpftool libbpf-dev lz4 ;;
	vm)	echo qemu-system-x86 busybox-static cpio gcc libc6-dev python3 ;;
	bench)	echo gnuplot-nox jq python3 ;;
	style)	echo sparse perl python3 shellcheck xz-utils ;;
	coverage) echo gcovr ;;
	kernel)	echo gcc-12 make bison flex bc libelf-dev pahole ccache xz-utils ;;
	kernel-tests) echo gcc make clang-19 llvm-19 libelf-dev zlib1g-dev libcap-dev ;;
	model)	echo spin gcc libc6-dev ;;
	mutants) echo patch ;;
	native)	echo gcc libc6-dev make liburcu-dev python3 ;;
	user)	echo gcc clang libc6-dev libclang-rt-dev make binutils pkg-config \
			check liburcu-dev ;;
	*)	die "unknown group '$1': accepted are build, vm, bench, style, user, native, coverage, kernel, kernel-tests, model, mutants" ;;
	esac
}

# A package may be there for several architectures: one is enough.
installed() {
	[[ " $(dpkg-query -W -f '${db:Status-Status} ' "$1" 2>/dev/null)" == *" installed "* ]]
}

case ${1:-} in
-h|--help)	usage; exit 0 ;;
'')		usage >&2; exit 2 ;;
esac

wanted=()
for group; do
	list=$(group_packages "$group")
	read -ra packages <<<"$list"
	wanted+=("${packages[@]}")
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	die "no apt here: on another distribution install the counterparts of: ${wanted[*]}"
fi

missing=()
for package in "${wanted[@]}"; do
	[[ " ${missing[*]} " == *" $package "* ]] || installed "$package" ||
		missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

[[ $EUID -eq 0 ]] ||
	die "not root, and these packages are missing: ${missing[*]}"

echo "Installing Debian packages: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive

apt_get() {
	apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" \
		</dev/null >"$log" 2>&1
}

# A third-party source that does not answer must not stop us: whether the
# archive serves what is needed is decided by the installation.
apt_get update || true
if ! apt_get install --no-install-recommends "${missing[@]}"; then
	tail -n 5 "$log" >&2
	die "apt could not install ${missing[*]}: does the package archive answer? (apt's last lines are above)"
fi
