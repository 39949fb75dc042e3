# SPDX-License-Identifier: GPL-2.0-only
#
# Entry points only: what is done is done by the scripts that are called here.

SHELL := /bin/bash

# Which kernel: a name that scripts/kernel.sh knows, or a tree of one's own.
KERNEL ?= stock-6.12
TEST_KERNELS := $(KERNELS)
KERNELS ?= stock-6.12 stock-6.1 stock-6.12-rt debug
KDIR ?=
BZIMAGE ?=
# The VM, and what runs in it. SUITES, CASES and FLAVORS: all when empty.
CPUS ?= 2
MEM ?= 2G
SUITES ?=
CASES ?=
FLAVORS ?=
# Of the benchmark; the stress and the native one have defaults of their own.
STRESS_SECS := $(or $(SECS),600)
NATIVE_SECS := $(or $(SECS),1)
NATIVE_ROUNDS := $(or $(ROUNDS),5)
SECS ?= 5
ROUNDS ?= 3
VALUE_SIZE ?= 8
KEYS ?= 64
MAPS ?= 1
BYSTANDER ?= 0
BOOTS ?=
GPS ?= 0
RING ?=
MUTANTS ?=
MODELS ?=
V ?= 0
export KERNEL KERNELS KDIR BZIMAGE CPUS MEM SUITES CASES FLAVORS SECS ROUNDS VALUE_SIZE \
	KEYS MAPS BYSTANDER BOOTS GPS RING MUTANTS MODELS SEED V

Q := $(if $(filter 1,$(V)),,@)

# $(call accept,VARIABLE,VALUES,DESCRIPTION): one word, and one of VALUES
accept = $(if $(and $(filter 1,$(words $($(1)))),$(filter $(2),$($(1)))),, \
	$(error $(1)='$($(1))': accepted is $(3)))

kernels := stock-6.12 stock-6.1 stock-6.12-rt debug kcsan unpatched classic flavored
# The benchmark of the kernel's own maps is of two kernels.
kernels += $(if $(filter-out bench help,$(or $(MAKECMDGOALS),help)),,patched)
$(call accept,KERNEL,$(kernels),one of $(kernels))
$(call accept,V,0 1,0 or 1)
$(call accept,CPUS,$(shell seq 1 64),1 to 64)
$(if $(shell echo '$(subst ','\'',$(MEM))' | grep -xE '[1-9][0-9]{0,5}[MG]'),, \
	$(error MEM='$(MEM)': accepted is a number with M or G, such as 512M or 2G))

help:
	@echo 'make module     build bpf_ma.ko for KERNEL=, or for the kernel tree KDIR='
	@echo 'make check      static checks, and the allocator in user space; needs no VM'
	@echo 'make test       boot the VM and run the selftests'
	@echo 'make test-all   the same on each kernel of KERNELS=, by turns'
	@echo 'make coverage   of memalloc.c by the tests in user space, lines and branches'
	@echo 'make test-kernel'
	@echo '                the kernel'"'"'s own BPF selftests on unpatched and patched kernels, compared'
	@echo 'make stress     all contexts, flavors and faults at once, for SECS= (600) seconds'
	@echo 'make model      check the models with spin, about 6 minutes'
	@echo 'make mutants    break the allocator in many ways, and see the tests notice'
	@echo 'make bench      boot the VM, run the benchmark, print the table and draw it'
	@echo 'make bench-check'
	@echo '                count its instructions on one CPU and on four, against bench/limits'
	@echo 'make bench-native'
	@echo '                measure the allocator alone on this machine: no VM, no map'
	@echo 'make plots      draw the last benchmark again'
	@echo 'make kernel     build the kernels unpatched, classic and flavored, of one configuration'
	@echo 'make kernel-debug, make kernel-kcsan, ...'
	@echo '                build the kernel of that KERNEL= (else done when it is needed)'
	@echo 'make patches    put the allocator into the patch series; with KDIR=, a kernel source,'
	@echo '                write the series as it applies there to .output/patches'
	@echo 'make style      shell syntax and checkpatch alone'
	@echo 'make clean      remove what was built (.output/)'
	@echo 'make distclean  remove also what was fetched: kernels, checkpatch'
	@echo
	@echo 'Debian packages that are missing get installed (as root), kernels are fetched'
	@echo 'into $${BPF_MA_CACHE:-~/.cache/bpf-ma}; both say so. Variables, with defaults:'
	@echo
	@echo '  KERNEL=stock-6.12  or stock-6.1, stock-6.12-rt, debug, kcsan, unpatched, classic, flavored:'
	@echo '                     which kernel to build for and boot; the last five are built from'
	@echo '                     source, which takes long'
	@echo '                     or patched, for make bench: classic and flavored by turns'
	@echo '  KERNELS=           for test-all; default: $(KERNELS)'
	@echo '                     for test-kernel, which has other names: see kernel/run --help'
	@echo '  KDIR= BZIMAGE=     a build directory (and image) of your own instead'
	@echo '  CPUS=2 MEM=2G      the size of the VM'
	@echo '  SUITES=            comma-separated: which selftests; empty is all, which are'
	@sed -n 's/^\t\.name = "\(.*\)",$$/\1/p' selftests/prog_tests/*.c | paste -sd ' ' | \
		sed 's/^/                     /'
	@echo '  CASES= FLAVORS=    comma-separated: what the benchmark runs; empty is all'
	@echo '  SECS=5 ROUNDS=3    length and number of the measurements of a row'
	@echo '  SEED=              of the choices that make stress makes; printed'
	@echo '  VALUE_SIZE=8       bytes in a value of the map'
	@echo '  KEYS=64 MAPS=1     keys of each producer, and maps that they use by turns'
	@echo '  BYSTANDER=0        1: how late a thread wakes on one more CPU'
	@echo '  BOOTS=1            boots over which the rounds are spread, each with other addresses'
	@echo '  GPS=0              grace periods a second that nobody needs, for what they cost'
	@echo '  RING=              with FLAVORS=...,ring, a floor: free objects in the ring of each CPU;'
	@echo '                     of bench-native too, or auto: as many as wait in reuse-after-rcu-gp'
	@echo '  LIVE=64,8192 THREADS=2 SIZE=96'
	@echo '                     of bench-native: objects per thread, threads, bytes of an object'
	@echo '  MEMALLOC=          of bench and bench-native: another file in place of memalloc.c'
	@echo '  MUTANTS=           comma-separated: which of them; empty is all'
	@echo '  MODELS=            comma-separated patterns, such as keeper*; empty is all'
	@echo '  ACCEL=auto         or kvm, tcg, icount: how the VM runs'
	@echo '  V=1                show the commands'

module:
	$(Q)scripts/packages.sh build
	$(Q)scripts/with-module.sh

check:
	$(Q)scripts/packages.sh build style user
	$(Q)scripts/with-module.sh scripts/check.sh

coverage:
	$(Q)scripts/packages.sh user coverage
	$(Q)$(MAKE) --no-print-directory -C tests/user coverage

style:
	$(Q)scripts/packages.sh style
	$(Q)scripts/check.sh shell checkpatch

test:
	$(Q)scripts/packages.sh build vm
	$(Q)OUT=$(CURDIR)/.output/test/$(if $(KDIR),own,$(KERNEL)) scripts/with-module.sh selftests/run

test stress: export SECS := $(STRESS_SECS)
stress: export SUITES := stress
stress:
	$(Q)selftests/run --check
	$(Q)scripts/packages.sh build vm
	$(Q)OUT=$(CURDIR)/.output/stress/$(if $(KDIR),own,$(KERNEL)) scripts/with-module.sh selftests/run

test-all:
	$(Q)scripts/test-all.sh $(KERNELS)

kernel-debug kernel-kcsan kernel-unpatched kernel-classic kernel-flavored: kernel-%:
	$(Q)scripts/kernel-build.sh $*

# The series has to have this memalloc.c, or something else would be tested.
kernel:
	$(Q)scripts/patches.sh --check
	$(Q)for name in unpatched classic flavored; do scripts/kernel-build.sh $$name || exit; done

test-kernel: export KERNELS := $(TEST_KERNELS)
test-kernel:
	$(Q)kernel/run --check
	$(Q)scripts/patches.sh --check
	$(Q)scripts/packages.sh build vm
	$(Q)OUT=$(CURDIR)/.output/test-kernel kernel/run

model:
	$(Q)scripts/packages.sh model
	$(Q)set -f; OUT=$(CURDIR)/.output/model model/run $${MODELS//,/ }

mutants:
	$(Q)OUT=$(CURDIR)/.output/mutants selftests/mutants/run

ifeq ($(KERNEL),patched)
bench:
	$(Q)bench/patched --check
	$(Q)kernel/bench --check
	$(Q)scripts/patches.sh --check
	$(Q)scripts/packages.sh build vm bench
	$(Q)OUT=$(CURDIR)/.output/bench-patched bench/patched
	$(Q)OUT=$(CURDIR)/.output/bench-kernel kernel/bench
else
bench:
	$(Q)bench/run --check
	$(Q)scripts/packages.sh build vm bench
	$(Q)OUT=$(CURDIR)/.output/bench scripts/with-module.sh bench/run
endif

bench-check:
	$(Q)scripts/packages.sh build vm bench
	$(Q)OUT=$(CURDIR)/.output/bench-check bench/check

bench-native: export SECS := $(NATIVE_SECS)
bench-native: export ROUNDS := $(NATIVE_ROUNDS)
bench-native:
	$(Q)OUT=$(CURDIR)/.output/bench-native bench/native/run

patches:
	$(Q)scripts/patches.sh --refresh
	$(Q)[[ -z '$(KDIR)' ]] || scripts/patches.sh '$(KDIR)'

plots:
	$(Q)scripts/packages.sh bench
	$(Q)OUT=$(CURDIR)/.output/bench bench/plot

clean:
	$(Q)rm -rf .output

distclean: clean
	$(Q)rm -rf "$${BPF_MA_CACHE:-$$HOME/.cache/bpf-ma}"/{kernels,checkpatch}

.PHONY: help module check coverage style test stress test-all test-kernel kernel kernel-debug kernel-kcsan kernel-unpatched kernel-classic kernel-flavored model mutants bench bench-check bench-native patches plots clean distclean
