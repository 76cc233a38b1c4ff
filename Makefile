# SPDX-License-Identifier: GPL-2.0-only
#
# `make help` says what there is. All that is generated goes below $(BUILD).

BUILD ?= build
override BUILD := $(abspath $(BUILD))

LAB := selftests/lab
LAB_KERNELS := debian-6.12 debian-6.1 debian-6.12-cloud debian-6.1-cloud kunit

# The kernel that modules are built for: one of the lab's by KERNEL, any other by
# KDIR; without either the running kernel, where its headers are installed.
RUNNING := /lib/modules/$(shell uname -r)/build
ifdef KERNEL
KDIR := $(BUILD)/kernels/$(KERNEL)/headers
else ifdef KDIR
KERNEL = $(shell cat $(KDIR)/include/config/kernel.release)
else ifneq ($(wildcard $(RUNNING)/Makefile),)
KDIR := $(RUNNING)
KERNEL := $(shell uname -r)
else
KERNEL := debian-6.12
KDIR := $(BUILD)/kernels/$(KERNEL)/headers
endif

FARM = $(BUILD)/modules/$(KERNEL)
KSELFTEST := $(BUILD)/linux-src/tools/testing/selftests

TOOL_DIRS := $(patsubst tools/%/Makefile,%,$(wildcard tools/*/Makefile))
TEST_DIRS := $(patsubst selftests/%/Makefile,%,$(wildcard selftests/*/Makefile))

MAKEFLAGS += --no-print-directory

.PHONY: all
all: tools modules

.PHONY: help
help:
	@echo 'make                     build the programs and the modules'
	@echo 'make demo                install what is needed, boot a Debian guest on vmx-lite'
	@echo 'make check [TESTS=GLOB]  install what is needed, run the tests'
	@echo '           [WITHIN=N]    and skip those that have not begun after N seconds'
	@echo 'make bench               compare with KVM and VFIO: a table, and build/bench.json'
	@echo
	@echo 'make modules             for the running kernel, or debian-6.12 without its headers'
	@echo '             KDIR=DIR       for the kernel whose headers are in DIR'
	@echo '             KERNEL=NAME    for one of: $(LAB_KERNELS)'
	@echo '             DRIVERS=NAME   only these of: $(notdir $(wildcard drivers/*))'
	@echo '             C=1            with sparse'
	@echo 'make tools               vmxl, in build/tools'
	@echo 'make tests               the test programs, in build/selftests'
	@echo 'make clean               remove what was built, keep kernels and the emulator'
	@echo 'make distclean           remove build/'

# Only the lab's own kernels can be made here; others are there or are not.
ifneq ($(filter $(KERNEL),$(LAB_KERNELS)),)
kernel := $(KDIR)/Makefile

$(KDIR)/Makefile:
	@$(LAB)/kernels $(KERNEL)
endif

# kbuild writes its objects beside the sources, so it runs in a tree of links to them,
# one for each kernel. One build at a time: the links are made anew each time.
.PHONY: modules
modules: $(kernel)
	@mkdir -p $(FARM)
	@flock $(FARM) $(MAKE) locked-modules KERNEL=$(KERNEL) KDIR=$(KDIR)

.PHONY: locked-modules
locked-modules:
	@cp -rsf $(abspath Kbuild drivers include) $(FARM)/
	@find $(FARM) -xtype l -delete
	@$(MAKE) -C $(KDIR) M=$(FARM) CONFIG_DEBUG_INFO_BTF_MODULES= modules
	@find $(FARM)/drivers -name '*.ko' -exec ln -sf -t $(FARM) {} +

.PHONY: tools
tools: $(TOOL_DIRS:%=tool-%)

tool-%:
	@$(MAKE) -C tools/$* O=$(BUILD)/tools

.PHONY: tests
tests: $(TEST_DIRS:%=test-%)

test-%: $(KSELFTEST)/kselftest_harness.h
	@$(MAKE) -C selftests/$* O=$(BUILD)/selftests/$* KSELFTEST=$(KSELFTEST)

$(KSELFTEST)/kselftest_harness.h:
	@$(LAB)/linux-src

.PHONY: demo check bench
demo:
	@$(LAB)/demo

check:
	@$(LAB)/check $(if $(WITHIN),--within $(WITHIN)) $(if $(TESTS),'$(TESTS)')

bench:
	@$(LAB)/bench

.PHONY: clean distclean
clean:
	rm -rf $(addprefix $(BUILD)/,modules tools selftests initramfs run check bench static)

distclean:
	rm -rf $(BUILD)
