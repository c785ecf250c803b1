# SPDX-License-Identifier: MIT
#
# percu's build.  What is built stands in each folder's Kbuild, how in
# scripts/Kbuild.include; here is which flags, and which targets.
# "make help" lists the targets and the switches.

silent	:= $(findstring s,$(firstword -$(MAKEFLAGS)))
MAKEFLAGS += -rR --no-print-directory
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

##@ V=1			whole commands instead of short lines
##@ O=dir		build in dir and not in build/
##@ W=1			more warnings
##@ D=1			debug checks (PERCU_DEBUG)
##@ DELAY=1		delays between the steps of sequences and slow paths
##@ C=1			run sparse over the library's files too
##@ SAN=list		sanitizers: address,undefined or thread
##@ CC=clang		another compiler; CFLAGS, CPPFLAGS, LDFLAGS, LDLIBS add to ours
##@ PREFIX= LIBDIR= DESTDIR=	where install puts things; also INCLUDEDIR, MANDIR, DOCDIR
##@ INPUT=dir		what run works on
##@ RUNFLAGS=		more arguments for run, stress, torture and bench
##@ T=600		seconds of torture
##@ TESTS="a b"		check only these test programs and scripts
##@ MUTANTS="a b"	mutants: only these of tests/mutants/

# -rR above empties CC and AR once make comes to look at them, so "?=" would
# find nothing to replace: a value from the environment is asked for by name.
O	:= build
CC	:= $(if $(filter environment,$(origin CC)),$(CC),cc)
AR	:= $(if $(filter environment,$(origin AR)),$(AR),ar)
HOSTCC	:= $(CC)
CHECK	:= sparse

VERSION	:= 0.1.0
DATE	:= 2026-11-23
soname	:= libpercu.so.0

PREFIX	   := /usr/local
INCLUDEDIR := $(PREFIX)/include
LIBDIR	   := $(PREFIX)/lib
MANDIR	   := $(PREFIX)/share/man
DOCDIR	   := $(PREFIX)/share/doc/percu
INPUT	   := /usr/share
RUNFLAGS   :=
T	   := 600

# The order is the direction of dependency: a folder may use those on its
# left, and nothing else.
libdirs	:= sys slab rcu pool buf vec
dirs	:= $(libdirs) malloc stress/workers stress/trace bench tests tests/misuse tests/small stress samples

cppflags-y := -Iinclude -I. -D_GNU_SOURCE

# Valgrind 3.19 cannot read the DWARF 5 that clang 14 writes: hence -gdwarf-4.
ccflags-y  := -std=gnu11 -O2 -gdwarf-4 -fno-strict-aliasing -fvisibility=hidden
ccflags-y  += -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wundef
ldlibs-y   := -lurcu-bp -pthread

# One compilation serves both libraries: with hidden visibility, -fPIC costs
# nothing inside the library, and what is public is called through the GOT,
# which the linker turns into direct calls where it can.
libflags   := -fPIC -fno-semantic-interposition -fno-plt

# make W=1 D=1: each switch is a list of its own.
ccflags-$(W) += -Wshadow -Wcast-qual -Wwrite-strings -Wpointer-arith -Wvla \
		-Wformat=2 -Wdouble-promotion -Wold-style-definition \
		-Wredundant-decls
cppflags-$(D) += -DPERCU_DEBUG
cppflags-$(DELAY) += -DPERCU_DELAY
ccflags-y  += $(ccflags-1)
cppflags-y += $(cppflags-1)
ccflags-y  += $(SAN:%=-fsanitize=% -fno-omit-frame-pointer -fno-sanitize-recover=all)
ldflags-y  += $(SAN:%=-fsanitize=%)

# clang leaves the sanitizers' symbols of a shared object to the program.
soflags	:= -shared -Wl,-soname,$(soname) -Wl,--version-script=scripts/libpercu.map \
	   -Wl,-Bsymbolic-functions -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now \
	   $(if $(SAN),,-Wl,-z,defs)

# The sources ask for this header with __has_include.  Here it is named only
# to put it into the command, so that installing it later rebuilds them.
cppflags-y += $(if $(wildcard /usr/include/valgrind/memcheck.h),-DPERCU_HAS_MEMCHECK)

# The malloc of the program it is preloaded into: nothing else of it is seen.
mallocflags := -shared -Wl,-soname,libpercu-malloc.so \
	   -Wl,--version-script=scripts/libpercu-malloc.map \
	   -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now $(if $(SAN),,-Wl,-z,defs)

lib	:= $(O)/libpercu.a
shlib	:= $(O)/$(soname)
mallib	:= $(O)/libpercu-malloc.so
outputs	:= $(lib) $(shlib) $(O)/libpercu.so $(mallib)
stress	:= $(O)/stress/percu-stress
bench	:= $(O)/bench/percu-bench
counts	:= $(O)/bench/counts
results	:= $(O)/bench/results.tsv
report	:= $(O)/bench/report

include scripts/Kbuild.include
include scripts/Kbuild.install
$(foreach d,$(dirs),$(eval $(call enter,$(d))))

all: $(outputs) $(progs)	##  the libraries, percu-stress, the benchmarks
lib: $(outputs)			##  the libraries alone
check: $(outputs) $(tests) $(progs) $(manpages)	##  all tests: with rseq, with locks, under Valgrind
	$(Q)$(checksh) rseq lock $(if $(SAN),,valgrind) -- $(check-what)
check-quick: $(outputs) $(tests)	##  the test programs once, short
	$(Q)$(checksh) quick -- $(filter-out %.sh,$(check-what))
preload-check: $(mallib)	##  real programs under libpercu-malloc.so; TESTS="a b" for some
	-$(Q)scripts/deps.sh programs
	$(Q)$(checkenv) tests/preload.sh $(TESTS)
tests: $(tests)			##  build the tests, run none
aborts: $(O)/tests/test_abort	##  each sequence aborted at each instruction, 1000 times
	$(Q)$< 1000
mutants:			##  one deliberate bug at a time, which the tests must notice
	$(Q)$(checkenv) scripts/mutants.sh $(MUTANTS)
models:				##  every state of the models of Documentation/models/, with spin
	$(Q)$(checkenv) scripts/models.sh || [ $$? = 77 ]
delay:				##  the stress and tests of races, with delays between all steps
	$(Q)$(checkenv) scripts/delay.sh
run: $(stress)			##  the main job: the words of all files below INPUT, then the rest
	$(Q)$(stress) -i $(INPUT) --duration 30s --report $(O)/report $(RUNFLAGS)
stress: $(stress)		##  a short stress of everything
	$(Q)$(stress) --duration 20s $(RUNFLAGS)
torture: $(stress)		##  a long one, for T seconds, beside all of chaos
	$(Q)$(stress) --chaos all --duration $(T)s --report $(O)/torture $(RUNFLAGS)
bench: $(progs) $(mallib) $(counts)	##  how fast, against whom, does it grow: minutes
	$(Q)$(bench) --counts=$(counts) --tsv=$(results) --json=$(results:.tsv=.json) $(RUNFLAGS)
bench-check: $(progs) $(mallib) $(counts)	##  has anything become slower than recorded?
	$(Q)$(bench) check --counts=$(counts) $(RUNFLAGS)
bench-record: $(progs) $(mallib) $(counts)	##  hold percu to what it does now, on an idle machine: minutes
	$(Q)for i in 1 2 3; do $(bench) check --counts=$(counts) --tsv=$(O)/bench/check-$$i.tsv $(RUNFLAGS); done; \
	bench/record.sh $(O)/bench/check-1.tsv $(O)/bench/check-2.tsv $(O)/bench/check-3.tsv
bench-report: $(results)	##  what the last bench has found, as a page with pictures
	$(Q)bench/report.sh $< $(report)
bench-readme: bench-report	##  the same as README's table and picture
	$(Q)bench/readme.sh $(results) $(report)
bench-samples: $(filter $(O)/samples/%,$(progs))	##  the servers of samples/ on percu and on malloc
	$(Q)O='$(O)' scripts/bench-samples.sh $(RUNFLAGS)

bench-programs: $(mallib) $(progs)	##  real programs under each malloc that is installed
	$(Q)$(O)/bench/programs -l $(mallib) $(RUNFLAGS)

install: $(outputs) $(manpages)	##  install headers, libraries, manual, what pkg-config and CMake read
	$(Q)$(installenv) scripts/install.sh install
uninstall: $(manpages)		##  remove what install has put there
	$(Q)$(installenv) scripts/install.sh uninstall
man: $(manpages)		##  the manual pages, from the headers and Documentation/

clean:				##  remove all that was made under O=
	$(Q)rm -rf $(O)
classes: $(O)/scripts/mkclass	##  make slab/class_table.h anew
	$(Q)$< >$(O)/class_table.h && mv $(O)/class_table.h slab/class_table.h
golden: $(outputs)		##  accept the fast path's instructions as they are now
	$(Q)$(checkenv) scripts/golden.sh --update
deps:				##  install what check needs and is missing
	$(Q)CC='$(CC)' scripts/deps.sh check
format:				##  say which files clang-format would change
	$(Q)git ls-files '*.[ch]' '*.hpp' '*.cc' | grep -v class_table.h | \
		xargs clang-format --dry-run --Werror
tags:				##  an index for editors
	$(Q)git ls-files '*.[ch]' | xargs ctags
ci:				##  all that must pass before a change goes in
	$(Q)bash .ci/run
help:				##  this text
	@echo 'Targets:'
	@sed -n 's/^\([a-z-]*\):.*##  /  \1\t/p' Makefile | expand -t 16
	@echo 'Switches:'
	@sed -n 's/^##@ /  /p' Makefile | tr -s '\t' | expand -t 32

.PHONY: all lib check check-quick preload-check tests aborts mutants models delay run stress torture bench \
	bench-check bench-record bench-report bench-readme bench-programs bench-samples install uninstall \
	man clean classes golden deps format tags ci help

# What check runs, and what the scripts among it may want to know.
checkenv := O='$(abspath $(O))' CC='$(CC)' SAN='$(SAN)' D='$(D)'
checksh  := $(checkenv) scripts/check.sh
check-what = $(if $(TESTS),$(filter $(TESTS:%=\%/%) $(TESTS:%=\%/%.sh),\
	     $(check-progs) $(check-scripts)),$(check-progs) $(check-scripts))

$(lib): $(objs) FORCE
	$(call run,ar)
$(shlib): $(objs) scripts/libpercu.map FORCE
	$(call run,so)
$(O)/libpercu.so: $(shlib) FORCE
	$(call run,ln)
$(mallib): $(malloc-objs) $(lib) scripts/libpercu-malloc.map FORCE
	$(call run,mallib)
$(counts): $(shlib) $(bench) scripts/golden.sh scripts/disasm.awk
	$(Q)O='$(O)' scripts/golden.sh --print >$@ || { [ $$? = 77 ] && rm $@; }
$(results): | $(progs) $(mallib) $(counts)	# what was measured stays, until bench runs again
	$(Q)$(bench) --counts=$(counts) --tsv=$@ --json=$(@:.tsv=.json) $(RUNFLAGS)
$(O)/scripts/mkclass: scripts/mkclass.c FORCE
	$(call run,hostcc)
