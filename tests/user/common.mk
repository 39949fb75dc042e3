# SPDX-License-Identifier: GPL-2.0-only
#
# How memalloc.c is compiled against the shim. Whoever includes this has set ROOT
# and OUT, and SHELL to bash.

# What is compiled; a copy that somebody broke on purpose, for instance.
MEMALLOC ?= $(ROOT)/memalloc.c
V ?= 0
Q := $(if $(filter 1,$(V)),,@)

SHIM := $(ROOT)/tests/user
WARNINGS := -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	    -Wno-missing-field-initializers
EMPTY := $(OUT)/empty
FLAGS := -std=gnu11 -g $(WARNINGS) -I$(SHIM) -I$(EMPTY) -I$(ROOT) -I$(ROOT)/module -DBPF_MA_USER

WRAPPER := $(ROOT)/module/allocator.c
HEADERS := $(SHIM)/common.mk $(wildcard $(SHIM)/*.h $(SHIM)/*/*.h) $(ROOT)/bpf_mem_alloc.h \
	   $(ROOT)/compat.h $(ROOT)/module/allocator.h

# A different file is a reason to build, be it older.
SOURCE := $(OUT)/source
$(shell mkdir -p $(OUT); [[ "$$(cat $(SOURCE) 2>/dev/null)" == '$(MEMALLOC)' ]] || \
	echo '$(MEMALLOC)' >$(SOURCE))

# The shim has come before them.
KERNEL_HEADERS := $(filter-out $(patsubst $(SHIM)/%,%,$(wildcard $(SHIM)/linux/*)),$(shell \
	sed -nE 's|^.include <(linux/.*)>.*|\1|p' $(MEMALLOC)))
$(shell for h in $(KERNEL_HEADERS:%=$(EMPTY)/%); do mkdir -p $$(dirname $$h); touch $$h; done)
