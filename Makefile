# seep: see README.md. `make` builds, `make check` tests, `make demo` shows it at work,
# `make install` installs. Variables: CC, CFLAGS, BUILD (folder), PREFIX, DESTDIR,
# SANITIZE (tool only, e.g. address,undefined), DEBUG=1 (asserts in the library).

CC       ?= gcc
CFLAGS   ?= -O2 -g
BUILD    ?= build
PREFIX   ?= /usr/local
PKG_CONFIG ?= pkg-config
VERSION  := 0.1.0
RELEASED := 2026-11-21

WARNINGS := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wshadow
COMMON   := -std=gnu11 $(WARNINGS) -D_GNU_SOURCE -DSEEP_VERSION='"$(VERSION)"' \
	-DSEEP_RELEASED='"$(RELEASED)"' -I. -Iinclude -MMD -MP

# ---- the library -------------------------------------------------------------------------------
# No builtin knowledge of malloc (gcc would delete our guards and turn malloc+memset into calloc),
# initial-exec TLS (otherwise __tls_get_addr may allocate), unwind tables for our own frames.
# What does not hold is collected in a file, for not every program's stderr is read.
DEBUG_FLAGS := $(if $(DEBUG),-DSEEP_DEBUG -DINVARIANT_LOG='"$(abspath $(BUILD))/broken_invariants"')
LIB_CFLAGS := -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-builtin-malloc \
	-fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free -fno-stack-protector \
	-fasynchronous-unwind-tables -fomit-frame-pointer -fno-plt -U_FORTIFY_SOURCE \
	-fno-tree-slp-vectorize \
	$(DEBUG_FLAGS)
LIB_SOURCES := $(sort $(wildcard lib/*.c lib/*/*.c))
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(BUILD)/%.o)

# ---- the tool ----------------------------------------------------------------------------------
TOOL_PACKAGES := libdw libelf jansson zlib
TOOL_SOURCES  := $(sort $(wildcard tools/*.c tools/*/*.c))
TOOL_OBJECTS  := $(TOOL_SOURCES:%.c=$(BUILD)/%.o)
TOOL_LIBS     := $(shell $(PKG_CONFIG) --libs $(TOOL_PACKAGES) 2>/dev/null) -liberty -lm
SANITIZE_FLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all)

# V=1 shows the commands.
SAY = $(if $(V),,@$(if $(findstring s,$(firstword -$(MAKEFLAGS))),,printf '  %-4s %s\n' $(1) $@ &&) )

.PHONY: all tool library
all: tool library
tool: $(BUILD)/seep
library: $(BUILD)/libseep.so

$(BUILD)/lib/%.o: lib/%.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC)$(CC) $(COMMON) $(LIB_CFLAGS) $(CFLAGS) -c -o $@ $<


$(BUILD)/libseep.so: $(LIB_OBJECTS) lib/exports.map
	$(call SAY,LINK)$(CC) -shared $(CFLAGS) -Wl,--version-script=lib/exports.map -Wl,-z,defs -Wl,-z,now \
		-Wl,-z,nodelete -Wl,-soname,libseep.so -o $@ $(LIB_OBJECTS)

$(BUILD)/tools/%.o: tools/%.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC)$(CC) $(COMMON) $(CFLAGS) $(SANITIZE_FLAGS) -DSEEP_LIBDIR='"$(PREFIX)/lib/seep"' -c -o $@ $<

$(BUILD)/seep: $(TOOL_OBJECTS)
	$(call SAY,LINK)$(CC) $(CFLAGS) $(SANITIZE_FLAGS) -o $@ $^ $(TOOL_LIBS)

-include $(LIB_OBJECTS:.o=.d) $(TOOL_OBJECTS:.o=.d)

# ---- tests ---------------------------------------------------------------------------------------
# Unit tests: tests/unit/tools/ link the tool without its main, tests/unit/lib/ the library's objects.
UNIT_TOOL_TESTS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/unit/tools/test_*.c)))
UNIT_LIB_TESTS  := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/unit/lib/test_*.c)))
TOOL_TEST_OBJECTS := $(filter-out $(BUILD)/tools/main.o,$(TOOL_OBJECTS))

# What unit tests share, e.g. a writer of snapshot files; lib_* is for those of the library.
TEST_SUPPORT_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/support/lib_%,\
	$(sort $(wildcard tests/support/*.c))))
LIB_SUPPORT_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/support/lib_*.c)))
.SECONDARY: $(LIB_SUPPORT_OBJECTS) $(TEST_SUPPORT_OBJECTS)

$(BUILD)/tests/support/%.o: tests/support/%.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC)$(CC) $(COMMON) $(CFLAGS) $(SANITIZE_FLAGS) -c -o $@ $<

$(BUILD)/tests/unit/tools/%: tests/unit/tools/%.c $(TOOL_TEST_OBJECTS) $(TEST_SUPPORT_OBJECTS)
	@mkdir -p $(@D)
	$(call SAY,CC)$(CC) $(COMMON) $(CFLAGS) $(SANITIZE_FLAGS) -o $@ $< $(TEST_SUPPORT_OBJECTS) \
		$(TEST_MORE_OBJECTS) $(TOOL_TEST_OBJECTS) -lcmocka $(TOOL_LIBS)

# Simulated sites that leak and that resemble those: tests/corpus/simulated/README.md.
SIMULATED_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/corpus/simulated/*.c)))
SIMULATED_SITE_OBJECTS := $(filter %_site.o %_random.o,$(SIMULATED_OBJECTS))
$(SIMULATED_OBJECTS): $(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC)$(CC) $(COMMON) $(CFLAGS) $(SANITIZE_FLAGS) -c -o $@ $<
$(BUILD)/simulated: $(SIMULATED_OBJECTS) $(TOOL_TEST_OBJECTS)
	$(call SAY,LINK)$(CC) $(CFLAGS) $(SANITIZE_FLAGS) -o $@ $^ $(TOOL_LIBS)
SIMULATED_TESTS := $(patsubst %,$(BUILD)/tests/unit/tools/test_%,verdict_quality pace false_discovery \
	cohort_series steady_growth process_memory)
$(SIMULATED_TESTS): $(SIMULATED_SITE_OBJECTS)
$(SIMULATED_TESTS): TEST_MORE_OBJECTS := $(SIMULATED_SITE_OBJECTS)
-include $(SIMULATED_OBJECTS:.o=.d)

# The library without its doors and without start.c, for which tests/support/lib_life.c stands. An
# archive, so that a test may bring its own version of one file. The tool's model reads back what the
# library wrote.
LIB_TEST_OBJECTS := $(filter-out $(BUILD)/lib/start.o $(BUILD)/lib/interpose/%,$(LIB_OBJECTS))
LIB_TEST_LIBS := -lcmocka -lunwind $(TOOL_LIBS) -pthread
$(BUILD)/tests/library.a: $(LIB_TEST_OBJECTS)
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^
$(BUILD)/tests/model.a: $(filter $(BUILD)/tools/model/%,$(TOOL_OBJECTS)) $(TEST_SUPPORT_OBJECTS)
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/tests/unit/lib/%: tests/unit/lib/%.c $(BUILD)/tests/library.a $(BUILD)/tests/model.a \
		$(LIB_SUPPORT_OBJECTS) Makefile
	@mkdir -p $(@D)
	$(call SAY,CC)$(CC) $(COMMON) $(CFLAGS) $(DEBUG_FLAGS) $(LIB_TEST_FLAGS) -o $@ $< \
		$(filter %.o,$^) $(BUILD)/tests/library.a $(BUILD)/tests/model.a \
		-Wl,--as-needed $(LIB_TEST_LIBS)

# Code that is hard to unwind (stack_maze.cc), compiled in every way that there is a compiler for: at
# each level with and without frame pointers, and as distributions and optimizers have it.
MAZE_FLAGS_sp        := -fomit-frame-pointer
MAZE_FLAGS_fp        := -fno-omit-frame-pointer
MAZE_FLAGS_cet       := -fcf-protection=full
MAZE_FLAGS_clash     := -fstack-clash-protection
MAZE_FLAGS_protector := -fstack-protector-strong
MAZE_FLAGS_noredzone := -mno-red-zone
MAZE_FLAGS_avx2      := -mavx2
MAZE_FLAGS_lto       := -flto
MAZE_WAYS := $(foreach compiler,$(if $(shell command -v g++),gcc) \
	$(if $(shell command -v clang++),clang),$(addprefix $(compiler)_,\
	$(foreach level,O0 O1 O2 O3,$(level)_sp $(level)_fp) \
	Os_sp O2_cet O2_clash O2_protector O2_noredzone O3_avx2 O2_lto))
# Optimized as a whole when it is linked, into an object. Where clang has no plugin for that, it is not.
MAZE_LINK_gcc   := g++ -flto -O2 -r -nostdlib -flinker-output=nolto-rel
MAZE_LINK_clang := clang++ -flto -O2 -r -nostdlib -fuse-ld=gold
$(BUILD)/tests/unit/lib/stack_maze_%.o: tests/unit/lib/stack_maze.cc tests/unit/lib/stack_maze.h \
		tests/unit/lib/stack_shadow.h Makefile
	@mkdir -p $(@D)
	$(call SAY,CXX)$(if $(filter gcc_%,$*),g++,clang++) -std=c++17 -Wall -Wextra -D_GNU_SOURCE -I. \
		-DMAZE=stack_maze_$* -$(word 2,$(subst _, ,$*)) -g -U_FORTIFY_SOURCE \
		$(MAZE_FLAGS_$(lastword $(subst _, ,$*))) -c -o $@$(if $(filter %_lto,$*),.lto) $<$(if \
		$(filter %_lto,$*), && $(MAZE_LINK_$(firstword $(subst _, ,$*))) -o $@ $@.lto)

# What the tests of stacks share. libgcc first: libunwind has functions of the same names, and exceptions
# are not to be its work.
STACK_TESTS := $(patsubst tests/unit/lib/%.c,%,$(sort $(wildcard tests/unit/lib/test_stack_*.c)))
STACK_TEST_PARTS := $(patsubst %,$(BUILD)/tests/unit/lib/stack_%.o,\
	shadow oracle doubt coroutine tour)
STACK_TEST_FLAGS := -DMAZE_WAYS='$(foreach way,$(MAZE_WAYS),X($(way)))'
$(STACK_TEST_PARTS): $(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC)$(CC) $(COMMON) $(CFLAGS) $(STACK_TEST_FLAGS) -c -o $@ $<
STACK_TEST_PROGRAMS := $(STACK_TESTS:%=$(BUILD)/tests/unit/lib/%)
$(STACK_TEST_PROGRAMS): $(STACK_TEST_PARTS) $(MAZE_WAYS:%=$(BUILD)/tests/unit/lib/stack_maze_%.o)
$(STACK_TEST_PROGRAMS): LIB_TEST_LIBS := -lgcc_s -lstdc++ $(LIB_TEST_LIBS)
STACK_PLUGINS := $(foreach generation,1 2 3 4 5 6 7 8,$(BUILD)/tests/unit/lib/stack_plugin_$(generation).so)
$(STACK_PLUGINS): $(BUILD)/tests/unit/lib/stack_plugin_%.so: tests/unit/lib/stack_plugin.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC)$(CC) -shared -nostdlib -Wl,-Bsymbolic -Wl,--build-id -DGENERATION=$* -o $@ $<
COMMA := ,
USE_STACK_PLUGINS = -DPLUGIN='"$(abspath $(BUILD))/tests/unit/lib/stack_plugin_%u.so"'
$(BUILD)/tests/unit/lib/test_stack_reload $(BUILD)/tests/unit/lib/test_module_list: | $(STACK_PLUGINS)
$(BUILD)/tests/unit/lib/test_stack_reload: LIB_TEST_FLAGS = -Wl,--wrap=cfi_rule $(USE_STACK_PLUGINS)
$(BUILD)/tests/unit/lib/test_module_list: LIB_TEST_FLAGS = $(USE_STACK_PLUGINS) \
	$(addprefix -Wl$(COMMA)--wrap=,dl_iterate_phdr _dl_find_object region_map unwind_rules_expire)
-include $(STACK_TEST_PARTS:.o=.d)
# Their long form: more than a million captures.
.PHONY: check-stacks
check-stacks: $(STACK_TEST_PROGRAMS)
	@failed=0; for test in $^; do SEEP_TEST_FULL=1 $$test || failed=1; done; exit $$failed
$(BUILD)/tests/unit/lib/test_cfi_program $(BUILD)/tests/unit/lib/test_cfi_damage: \
	LIB_TEST_FLAGS = -Wl,--wrap=_dl_find_object
$(BUILD)/tests/unit/lib/test_no_memory $(BUILD)/tests/unit/lib/test_scan_memory: LIB_TEST_FLAGS = -Wl,--wrap=region_map
$(BUILD)/tests/unit/lib/test_self_check: LIB_TEST_FLAGS = -Wl,--wrap=oracle_step
$(BUILD)/tests/unit/lib/test_guest: | $(LIB_OBJECTS)
$(BUILD)/tests/unit/lib/test_guest: LIB_TEST_FLAGS = \
	-DLIB_OBJECTS='"$(abspath $(filter-out $(BUILD)/lib/interpose/%,$(LIB_OBJECTS)))"'

-include $(TEST_SUPPORT_OBJECTS:.o=.d) $(UNIT_TOOL_TESTS:=.d)
-include $(LIB_SUPPORT_OBJECTS:.o=.d) $(UNIT_LIB_TESTS:=.d)

.PHONY: unit-tools unit-lib
unit-tools: $(UNIT_TOOL_TESTS)
	@for test in $^; do $$test || exit 1; done
unit-lib: $(UNIT_LIB_TESTS)
	@failed=0; for test in $^; do $$test || failed=1; done; exit $$failed

# ---- what is made from the command table: man pages, completion; and pkg-config ------------------
# The names of the commands are known to the tool alone, so the pages are made together.
.PHONY: man completion
man: $(BUILD)/man/seep.1
$(BUILD)/man/seep.1: $(BUILD)/seep
	@mkdir -p $(@D)
	@rm -f $(@D)/seep-*.1
	@for command in $$($< help --names); do \
		$< help --man $$command >$(@D)/seep-$$command.1 || exit 1; done
	$< help --man >$@

completion: $(BUILD)/completion/seep $(BUILD)/completion/seep.fish
$(BUILD)/completion/seep: $(BUILD)/seep
	@mkdir -p $(@D)
	$< help --completion=bash >$@
$(BUILD)/completion/seep.fish: $(BUILD)/seep
	@mkdir -p $(@D)
	$< help --completion=fish >$@

define PKG_CONFIG_FILE
prefix=$(PREFIX)
library=$${prefix}/lib/seep/libseep.so
pythondir=$(PYTHON_DIR)

Name: seep
Description: The interface of programs to the leak finder that watches them (seep.h)
Version: $(VERSION)
Cflags: -I$${prefix}/include
endef

# ---- installation --------------------------------------------------------------------------------
# Where distributions look for completion, under any PREFIX.
INSTALLED_BASH := $(PREFIX)/share/bash-completion/completions/seep
INSTALLED_FISH := $(PREFIX)/share/fish/vendor_completions.d/seep.fish
INSTALLED_PC   := $(PREFIX)/lib/pkgconfig/seep.pc
# No interpreter's own folder, for the plugin of pytest is for all of them: PYTHONPATH leads there.
PYTHON_DIR     := $(PREFIX)/share/seep/python
# For tests of these frameworks, by which programs include them: seep/cmocka.h.
ADAPTERS := catch2.h check.h cmocka.h doctest.h growing_sites.h gtest.h test_leaks.h

.PHONY: install uninstall
install: all man completion
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	install -D -m 755 $(BUILD)/seep $(DESTDIR)$(PREFIX)/bin/seep
	install -D -m 755 $(BUILD)/libseep.so $(DESTDIR)$(PREFIX)/lib/seep/libseep.so
	install -D -m 644 include/seep.h $(DESTDIR)$(PREFIX)/include/seep.h
	install -d $(DESTDIR)$(PREFIX)/include/seep
	install -m 644 $(ADAPTERS:%=include/seep/%) $(DESTDIR)$(PREFIX)/include/seep/
	install -D -m 644 examples/pytest/seep_pytest.py $(DESTDIR)$(PYTHON_DIR)/seep_pytest.py
	install -m 644 $(BUILD)/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -D -m 644 $(BUILD)/completion/seep $(DESTDIR)$(INSTALLED_BASH)
	install -D -m 644 $(BUILD)/completion/seep.fish $(DESTDIR)$(INSTALLED_FISH)
	install -d $(DESTDIR)$(dir $(INSTALLED_PC))
	$(file >$(BUILD)/seep.pc,$(PKG_CONFIG_FILE))
	install -m 644 $(BUILD)/seep.pc $(DESTDIR)$(INSTALLED_PC)

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/seep $(DESTDIR)$(PREFIX)/lib/seep/libseep.so \
		$(DESTDIR)$(PREFIX)/include/seep.h $(DESTDIR)$(INSTALLED_PC) \
		$(ADAPTERS:%=$(DESTDIR)$(PREFIX)/include/seep/%) $(DESTDIR)$(PYTHON_DIR)/seep_pytest.py \
		$(DESTDIR)$(INSTALLED_BASH) $(DESTDIR)$(INSTALLED_FISH) \
		$(DESTDIR)$(PREFIX)/share/man/man1/seep.1 $(DESTDIR)$(PREFIX)/share/man/man1/seep-*.1
	-rmdir $(DESTDIR)$(PREFIX)/lib/seep $(DESTDIR)$(PREFIX)/include/seep $(DESTDIR)$(PYTHON_DIR) \
		$(DESTDIR)$(PREFIX)/share/seep

# ---- packages, checks and the demo ---------------------------------------------------------------
# What Debian 12 must have; `make deps` installs what is missing when it may.
BUILD_DEPS := gcc libc6-dev make pkg-config libdw-dev libelf-dev libjansson-dev libiberty-dev \
	uthash-dev zlib1g-dev
CHECK_DEPS := g++ libcmocka-dev libunwind-dev python3 binutils valgrind libc6-dbg redis-server redis-tools \
	sqlite3 nginx-light apache2-utils mandoc clang gdb strace curl git openssl procps \
	python3-jsonschema python3-yaml libxml2-utils check cmake meson ninja-build automake autoconf bats \
	libgtest-dev catch2 doctest-dev python3-pytest python3-dev dpkg-dev libboost-context-dev \
	libjemalloc-dev libgoogle-perftools-dev libmimalloc-dev

.PHONY: deps check-deps
deps:
	@tests/support/install_packages $(BUILD_DEPS)
check-deps:
	@tests/support/install_packages $(BUILD_DEPS) $(CHECK_DEPS)

EXAMPLES := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard examples/*.c))) \
	$(patsubst %.cc,$(BUILD)/%,$(sort $(wildcard examples/*.cc)))
.PHONY: examples
examples: $(EXAMPLES)
$(BUILD)/examples/%: examples/%.c $(wildcard examples/*.c)
	@mkdir -p $(@D)
	$(call SAY,CC)$(CC) -std=gnu11 $(WARNINGS) -D_GNU_SOURCE -Iinclude -O2 -g -pthread -o $@ $<
$(BUILD)/examples/%: examples/%.cc
	@mkdir -p $(@D)
	$(call SAY,CXX)$(CXX) -std=c++17 -Wall -Wextra -Iinclude -O2 -g -pthread -o $@ $<

# The main job, from nothing to a report.
.PHONY: demo
demo: deps
	@$(MAKE) --no-print-directory all $(BUILD)/examples/leaky_server
	$(BUILD)/seep run -q -o $(BUILD)/demo.seep -- $(BUILD)/examples/leaky_server 20
	$(BUILD)/seep report $(BUILD)/demo.seep

# Every test; closes with `N passed, N failed, N skipped`.
.PHONY: check check-built check-layers check-abi check-integration check-warnings check-sanitize
check: check-deps
	@$(MAKE) --no-print-directory check-built
check-built: all examples $(UNIT_TOOL_TESTS) $(UNIT_LIB_TESTS)
	@BUILD=$(abspath $(BUILD)) CC="$(CC)" CXX="$(CXX)" \
		tests/support/check $(UNIT_TOOL_TESTS) $(UNIT_LIB_TESTS)
check-layers:
	@tests/abi/check_layers
check-abi: library
	@BUILD=$(abspath $(BUILD)) tests/abi/check_abi
# The long forms of the tests that have one.
check-integration: all examples
	@BUILD=$(abspath $(BUILD)) CC="$(CC)" CXX="$(CXX)" tests/integration/run --full
# Both compilers, no warning, nothing left behind.
check-warnings:
	@tests/support/install_packages $(BUILD_DEPS) clang
	@for compiler in gcc clang; do \
		folder=$$(mktemp -d) && \
		$(MAKE) --no-print-directory -s BUILD=$$folder CC=$$compiler CFLAGS="-O2 -g -Werror" all; \
		status=$$?; rm -rf $$folder; [ $$status = 0 ] || exit $$status; \
		echo "ok      warnings: none by $$compiler"; \
	done
# The tool and its unit tests under ASan and UBSan.
check-sanitize:
	@$(MAKE) --no-print-directory -s BUILD=$(BUILD)/sanitized SANITIZE=address,undefined \
		CFLAGS="-O1 -g" sanitized-tests
.PHONY: sanitized-tests
sanitized-tests: tool $(UNIT_TOOL_TESTS)
	@for test in $(UNIT_TOOL_TESTS); do \
		if $$test > $(BUILD)/log 2>&1; then echo "ok      sanitize: $${test##*/}"; \
		else cat $(BUILD)/log; echo "FAILED  sanitize: $${test##*/}"; failed=1; fi; \
	done; [ -z "$$failed" ]

# The library with its asserts, in a folder of its own; what does not depend on them is taken over.
DEBUG_BUILD := $(BUILD)/debug
NOT_OF_THE_LIBRARY = seep tools/*.o tools/*/*.o examples/* tests/support/*.o tests/unit/lib/stack_*.o
.PHONY: check-debug debug-built
check-debug: all examples $(UNIT_LIB_TESTS)
	@BUILD=$(abspath $(BUILD)) CC="$(CC)" CXX="$(CXX)" \
		tests/support/check --debug $(UNIT_LIB_TESTS)
debug-built: all examples $(UNIT_LIB_TESTS)
	@mkdir -p $(DEBUG_BUILD)
	@cd $(BUILD) && cp -pu --parents $(NOT_OF_THE_LIBRARY) $(notdir $(DEBUG_BUILD))
	@$(MAKE) --no-print-directory -s -j2 BUILD=$(DEBUG_BUILD) DEBUG=1 all examples \
		$(UNIT_LIB_TESTS:$(BUILD)/%=$(DEBUG_BUILD)/%)

# ---- benchmarks ----------------------------------------------------------------------------------
# What seep costs; tests/bench/README.md. The programs measure themselves, the twin is the baseline.
BENCH := $(BUILD)/tests/bench
BENCH_PROGRAMS := $(patsubst tests/bench/programs/%.c,$(BENCH)/%,\
	$(sort $(wildcard tests/bench/programs/*.c))) \
	$(patsubst tests/bench/programs/%.cc,$(BENCH)/%,$(sort $(wildcard tests/bench/programs/*.cc)))
BENCH_DEPS := heaptrack valgrind libjemalloc2 libgoogle-perftools4 sqlite3 redis-server redis-tools
RUN_BENCH = BUILD=$(abspath $(BUILD)) tests/bench/run

$(BENCH)/%: tests/bench/programs/%.c $(wildcard tests/bench/programs/*.h)
	@mkdir -p $(@D)
	$(call SAY,CC)$(CC) -std=gnu11 $(WARNINGS) -D_GNU_SOURCE -I. -Iinclude -O2 -g -pthread -o $@ $<
$(BENCH)/%: tests/bench/programs/%.cc $(wildcard tests/bench/programs/*.h)
	@mkdir -p $(@D)
	$(call SAY,CXX)$(CXX) -std=c++17 -Wall -Wextra -I. -Iinclude -O2 -g -pthread -o $@ $<
# Twins that look for leaks by themselves.
LSAN_TWINS := $(BENCH)/tests_briefly_lsan $(BENCH)/does_nothing_lsan
$(LSAN_TWINS): $(BENCH)/%_lsan: tests/bench/programs/%.c
	@mkdir -p $(@D)
	$(call SAY,CC)$(CC) -std=gnu11 $(WARNINGS) -D_GNU_SOURCE -I. -Iinclude -O2 -g -fsanitize=leak -o $@ $<
$(BENCH)/libempty_twin.so: tests/bench/empty_twin.c
	@mkdir -p $(@D)
	$(call SAY,LINK)$(CC) -shared $(COMMON) $(LIB_CFLAGS) $(CFLAGS) -Wl,-z,now -o $@ $<

.PHONY: bench bench-quick bench-deps bench-programs
bench-programs: $(BENCH_PROGRAMS) $(LSAN_TWINS) $(BENCH)/libempty_twin.so
bench-deps:
	@tests/support/install_packages $(BENCH_DEPS)
# Everything, with every rival that there is: a quarter of an hour on an idle machine.
bench: bench-deps
	@$(MAKE) --no-print-directory all bench-programs
	@$(RUN_BENCH)
# For daily use: less than a minute.
bench-quick: all bench-programs
	@$(RUN_BENCH) --quick

# ---- the corpus ----------------------------------------------------------------------------------
# Programs of which it is known what leaks, to judge the verdicts: tests/corpus/README.md. Each kind is
# linked alone, and all of them together. No jump to malloc at the end of a function: its frame counts.
CORPUS := $(BUILD)/tests/corpus
CORPUS_FLAGS := -O2 -g -fno-optimize-sibling-calls -pthread -D_GNU_SOURCE -I. -Iinclude -MMD -MP
CORPUS_C_KINDS := $(patsubst tests/%.c,$(BUILD)/tests/%.o,$(sort $(wildcard tests/corpus/kinds/*.c)))
CORPUS_CXX_KINDS := $(patsubst tests/%.cc,$(BUILD)/tests/%.o,$(sort $(wildcard tests/corpus/kinds/*.cc)))
CORPUS_PLAY := $(CORPUS)/play.o $(CORPUS)/part.o
CORPUS_C_PROGRAMS := $(patsubst %.o,$(CORPUS)/%,$(notdir $(CORPUS_C_KINDS)))
CORPUS_CXX_PROGRAMS := $(patsubst %.o,$(CORPUS)/%,$(notdir $(CORPUS_CXX_KINDS)))

$(CORPUS_PLAY) $(CORPUS_C_KINDS): $(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC)$(CC) -std=gnu11 $(WARNINGS) $(CORPUS_FLAGS) -c -o $@ $<
$(CORPUS_CXX_KINDS): $(BUILD)/%.o: %.cc Makefile
	@mkdir -p $(@D)
	$(call SAY,CXX)$(CXX) -std=c++17 -Wall -Wextra $(CORPUS_FLAGS) -c -o $@ $<
$(CORPUS_C_PROGRAMS): $(CORPUS)/%: $(CORPUS)/kinds/%.o $(CORPUS_PLAY)
	$(call SAY,LINK)$(CC) -pthread -o $@ $^ -lm
$(CORPUS_CXX_PROGRAMS): $(CORPUS)/%: $(CORPUS)/kinds/%.o $(CORPUS_PLAY)
	$(call SAY,LINK)$(CXX) -pthread -o $@ $^ -lm
$(CORPUS)/mixed: $(CORPUS_C_KINDS) $(CORPUS_CXX_KINDS) $(CORPUS_PLAY)
	$(call SAY,LINK)$(CXX) -pthread -o $@ $^ -lm
$(CORPUS)/plugin.so: tests/corpus/plugin.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC)$(CC) -std=gnu11 $(WARNINGS) $(CORPUS_FLAGS) -fPIC -shared -o $@ $<
-include $(CORPUS)/plugin.d $(CORPUS_C_KINDS:.o=.d) $(CORPUS_CXX_KINDS:.o=.d) $(CORPUS_PLAY:.o=.d)

.PHONY: corpus corpus-programs
corpus-programs: $(CORPUS_C_PROGRAMS) $(CORPUS_CXX_PROGRAMS) $(CORPUS)/mixed $(CORPUS)/plugin.so
# Precision and recall on seeds that nothing was tuned with; three minutes.
corpus: all corpus-programs
	@BUILD=$(abspath $(BUILD)) tests/corpus/run --seed=$(or $(SEED),1001) --seeds=2

# ---- hostile input -----------------------------------------------------------------------------------
# Targets of libFuzzer: tests/fuzz/README.md. Linked with FUZZ_ENGINE, or with a driver that replays files.
# The library's files are compiled once more, for SANITIZE is the tool's alone.
FUZZ := $(BUILD)/tests/fuzz
FUZZ_ENGINE ?=
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,$(FUZZ)/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_SHARED := $(patsubst tests/fuzz/%.c,$(FUZZ)/%.o,$(filter-out tests/fuzz/fuzz_% tests/fuzz/replay.c \
	tests/fuzz/record_mutator.c,$(sort $(wildcard tests/fuzz/*.c))))
FUZZ_OBJECTS := $(FUZZ_TARGETS:=.o) $(FUZZ_SHARED) $(FUZZ)/replay.o $(FUZZ)/record_mutator.o
FUZZ_LIB_OBJECTS := $(LIB_TEST_OBJECTS:$(BUILD)/%=$(FUZZ)/%) $(FUZZ)/tests/support/lib_life.o
.SECONDARY: $(FUZZ_OBJECTS)
$(FUZZ_OBJECTS): $(FUZZ)/%.o: tests/fuzz/%.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC)$(CC) $(COMMON) $(CFLAGS) $(SANITIZE_FLAGS) -c -o $@ $<
$(FUZZ_LIB_OBJECTS): $(FUZZ)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC)$(CC) $(COMMON) $(LIB_CFLAGS) $(CFLAGS) $(SANITIZE_FLAGS) -c -o $@ $<
$(FUZZ)/library.a: $(FUZZ_LIB_OBJECTS)
	@rm -f $@
	$(call SAY,AR)$(AR) rcs $@ $^
$(FUZZ)/tool.a: $(FUZZ_SHARED) $(TOOL_TEST_OBJECTS)
	@rm -f $@
	$(call SAY,AR)$(AR) rcs $@ $^
$(FUZZ_TARGETS): %: %.o $(FUZZ)/tool.a $(if $(FUZZ_ENGINE),,$(FUZZ)/replay.o)
	$(call SAY,LINK)$(CC) $(CFLAGS) $(SANITIZE_FLAGS) $(FUZZ_ENGINE) $(FUZZ_LINK) -o $@ \
		$(filter-out %.a,$^) $(filter %.a,$^) $(TOOL_LIBS) -pthread
$(FUZZ)/fuzz_profile $(FUZZ)/fuzz_commands: $(FUZZ)/record_mutator.o
$(FUZZ)/fuzz_settings $(FUZZ)/fuzz_eh_frame $(FUZZ)/fuzz_control_request: $(FUZZ)/library.a
$(FUZZ)/fuzz_eh_frame: FUZZ_LINK = -Wl,--wrap=_dl_find_object
$(FUZZ)/fuzz_control_answer: FUZZ_LINK = -Wl,--wrap=recv
-include $(FUZZ_OBJECTS:.o=.d) $(FUZZ_LIB_OBJECTS:.o=.d)
.PHONY: fuzz-targets check-fuzz fuzz fuzz-built
fuzz-targets: $(FUZZ_TARGETS)
# The kept inputs, and each of them changed a few times, under the sanitizers.
RUN_FUZZ = BUILD=$(abspath $(BUILD)) tests/fuzz/run
check-fuzz:
	@if echo 'int main(void) { return 0; }' | $(CC) -fsanitize=address,undefined -x c -o /dev/null - \
			2>/dev/null; then \
		$(MAKE) --no-print-directory -s BUILD=$(BUILD)/sanitized SANITIZE=address,undefined \
			CFLAGS="-O1 -g" fuzz-targets && $(RUN_FUZZ) replay --changes=10; \
	else echo "SKIPPED fuzz: $(CC) has no sanitizers"; fi
# With libFuzzer, SECONDS altogether; then what is covered, and changed files for the tool as a whole.
fuzz-built:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang FUZZ_ENGINE=-fsanitize=fuzzer \
		SANITIZE=fuzzer-no-link,address,undefined CFLAGS="-O1 -g" fuzz-targets
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/covered CC=clang \
		CFLAGS="-O1 -g -fprofile-instr-generate -fcoverage-mapping" fuzz-targets
fuzz:
	@tests/support/install_packages $(BUILD_DEPS) clang llvm libclang-rt-14-dev
	@$(MAKE) --no-print-directory all fuzz-built
	@$(RUN_FUZZ) fuzz --seconds=$(or $(SECONDS),1800)
	@BUILD=$(abspath $(BUILD)) CC="$(CC)" tests/integration/run --full -k "hostile_files: "

# ---- real programs ---------------------------------------------------------------------------------
# Leaks put into real programs, and long runs of healthy ones: tests/real/README.md.
REAL := $(BUILD)/tests/real
REAL_DEPS := memcached wrk git nodejs
REAL_LIBRARIES := $(REAL)/lost_frees.so $(REAL)/chosen_site.so
$(REAL_LIBRARIES): $(REAL)/%.so: tests/real/%.c tests/real/chosen_site.h Makefile
	@mkdir -p $(@D)
	$(call SAY,LINK)$(CC) -shared -std=gnu11 $(WARNINGS) -D_GNU_SOURCE -I. -O2 -g -fPIC -fno-builtin \
		-foptimize-sibling-calls -o $@ $<

.PHONY: real-libraries injections healthy scans
real-libraries: $(REAL_LIBRARIES)
# Precision and recall; twenty minutes.
injections:
	@tests/support/install_packages $(BUILD_DEPS) $(CHECK_DEPS) $(REAL_DEPS)
	@$(MAKE) --no-print-directory all real-libraries
	@BUILD=$(abspath $(BUILD)) tests/real/run injections --seed=$(or $(SEED),1)
# Nothing may be flagged; a quarter of an hour, in which the machine has little to do.
healthy:
	@tests/support/install_packages $(BUILD_DEPS) $(CHECK_DEPS) $(REAL_DEPS)
	@$(MAKE) --no-print-directory all
	@BUILD=$(abspath $(BUILD)) tests/real/run healthy --seed=$(or $(SEED),1)
# Nothing that is in use may be called lost; a quarter of an hour.
scans:
	@tests/support/install_packages $(BUILD_DEPS) $(CHECK_DEPS) $(REAL_DEPS)
	@$(MAKE) --no-print-directory all
	@BUILD=$(abspath $(BUILD)) tests/real/run scans --seed=$(or $(SEED),1)

# ---- test suites of real projects ------------------------------------------------------------------
# Under seep check, beside Valgrind and LeakSanitizer: tests/projects/README.md. Needs the network, for
# the sources; an hour.
.PHONY: projects
projects:
	@tests/support/install_packages $(BUILD_DEPS) $(CHECK_DEPS) libtool
	@$(MAKE) --no-print-directory all
	@BUILD=$(abspath $(BUILD)) tests/projects/run leaks
	@BUILD=$(abspath $(BUILD)) tests/projects/run suites

# ---- programs from Debian -------------------------------------------------------------------------
# By themselves, under seep, heaptrack and LeakSanitizer: tests/compat/README.md. Installs all that is on
# the list; an hour.
.PHONY: compat
compat:
	@tests/support/install_packages $(BUILD_DEPS) $(CHECK_DEPS) heaptrack liblsan0
	@$(MAKE) --no-print-directory all
	@BUILD=$(abspath $(BUILD)) tests/compat/run --install --rivals --record -j 1
	@BUILD=$(abspath $(BUILD)) CC="$(CC)" tests/integration/run -k "runtimes: "

# ---- torture ---------------------------------------------------------------------------------------
# 10,000 forks, 560 kills, a day of snapshots: tests/torture/README.md. A quarter of an hour.
.PHONY: torture
torture:
	@tests/support/install_packages $(BUILD_DEPS) $(CHECK_DEPS)
	@$(MAKE) --no-print-directory all
	@BUILD=$(abspath $(BUILD)) tests/torture/run --seed=$(or $(SEED),1)

.PHONY: clean
clean:
	rm -rf $(BUILD)
