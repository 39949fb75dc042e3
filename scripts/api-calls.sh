#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Name what memalloc.c calls and tests/api/kernel.c has no line for.
set -euo pipefail

cd "$(dirname "$(dirname "$(realpath "$0")")")"

# Without comments and strings.
code() {
	sed -e 's|/\*.*\*/||' -e '/\/\*/,/\*\//d' -e 's/"[^"]*"//g' memalloc.c
}

# In a function's body, so behind a tab; without what C and compat.h have.
called() {
	code | grep -E '^\s' | grep -oE '\b[A-Za-z_]\w*\(' | tr -d '(' | sort -u |
		grep -vxE 'if|for|while|switch|sizeof|return|__alignof__|bpf_ma_.*'
}

# Functions and macros that start a line, members, and parameters.
defined() {
	code | grep -E '^\S' | grep -oE '\b[A-Za-z_]\w*\(' | tr -d '('
	code | grep -oE '\(\*\w+\)\(' | tr -d '(*)'
}

listed() {
	sed -nE 's/^API\([^,]*, (\w+).*/\1/p; s/^OLD\((.*)\)$/\1/p' tests/api/kernel.c | tr -s ', ' '\n'
}

comm -23 <(called) <({ defined; listed; } | sort -u)
