# SPDX-License-Identifier: Apache-2.0
"""projects: the projects whose test suites are run, how each is built, and a leak for each.

All are built in a copy of their source, with the flags in CFLAGS, CXXFLAGS and LDFLAGS, and nothing
is installed.
"""

import dataclasses
import os
import shutil

AUTOTOOLS = "autoreconf -fi && ./configure --disable-static && make -j2 && make -j2 check TESTS="
CMAKE = "cmake -S . -B out -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS=\"$CFLAGS\" "
# Why a script's block may be reachable for seep alone.
OLD_WORD_OF_BASH = ("bash exits by longjmp; in the frame of exit_shell lies an old word that "
                    "points to it, and only Valgrind knows that the frame has not written it")


@dataclasses.dataclass
class Leak:
    """A statement of the project that frees something, and who allocates that."""
    file: str
    statement: str  # goes, where it stands for the first time; "" for none
    allocates: tuple  # functions of which each finding must name one, in the words of LeakSanitizer
    seen_by: str  # a part of the suite, short enough for Valgrind


@dataclasses.dataclass
class Project:
    name: str
    package: str
    build: str  # for sh -e, in the copy of the source
    suite: str  # likewise
    leak: Leak  # None: it is not tried
    folder: str = "."  # from which both are run
    needs: tuple = ()  # programs
    # Programs of which Valgrind calls more lost, as a person has found out, and why.
    explained: dict = dataclasses.field(default_factory=dict)

    def missing(self):
        """The programs without which it cannot be built."""
        return [name for name in self.needs if not shutil.which(name)]

    def break_source(self, tree):
        """Takes the free away."""
        if not self.leak.statement:
            return
        path = os.path.join(tree, self.folder, self.leak.file)
        with open(path, errors="surrogateescape") as file:
            text = file.read()
        if self.leak.statement not in text:
            raise ValueError("%s has no %s" % (path, self.leak.statement))
        with open(path, "w", errors="surrogateescape") as file:
            file.write(text.replace(self.leak.statement, ";", 1))


PROJECTS = (
    Project("zlib", "zlib", "./configure && make -j2 all", "make check",
            Leak("gzread.c", "free(state->path);", ("gz_open",), "./example")),
    Project("bzip2", "bzip2",
            "make CFLAGS=\"$CFLAGS -D_FILE_OFFSET_BITS=64\" LDFLAGS=\"$LDFLAGS\" bzip2",
            "make test",
            Leak("bzlib.c", "if (s->tt   != NULL) BZFREE(s->tt);", ("BZ2_decompress",),
                 "LD_LIBRARY_PATH=. ./bzip2 -d <sample1.bz2 >sample1.tst")),
    Project("cjson", "cjson", CMAKE + "-DENABLE_CJSON_UTILS=On -DENABLE_CUSTOM_COMPILER_FLAGS=Off"
            " && make -C out -j2", "make -C out test",
            Leak("cJSON.c", "global_hooks.deallocate(item->valuestring);",
                 ("parse_string", "cJSON_strdup"),
                 "cd out/tests && ./parse_examples && ./misc_tests && ./json_patch_tests"),
            needs=("cmake",)),
    # Its Makefile has flags of its own in the same variable.
    Project("tinyxml2", "tinyxml2", "make -j2 xmltest CXXFLAGS=\"$CXXFLAGS -Wall -fPIC\"",
            "make test",
            Leak("tinyxml2.cpp", "delete [] _charBuffer;", ("XMLDocument::",), "make test")),
    Project("libyaml", "libyaml", AUTOTOOLS, "make check",
            # It leaks as it is.
            Leak("", "", ("yaml_parser_initialize",), "tests/test-reader"),
            needs=("autoreconf", "libtoolize")),
    Project("expat", "expat", AUTOTOOLS.replace("--disable-static", "--without-docbook"),
            "make check", Leak("lib/xmlparse.c", "FREE(parser, parser->m_groupConnector);",
                               ("doProlog",), "tests/runtests"),
            folder="expat", needs=("autoreconf", "libtoolize")),
    Project("jansson", "jansson", AUTOTOOLS, "make check",
            Leak("src/value.c", "jsonp_free(array->table);", ("json_array",),
                 "cd test/suites/api && ./test_array && ./test_copy && ./test_pack"),
            needs=("autoreconf", "libtoolize"),
            explained={"clang-format-check": OLD_WORD_OF_BASH}),
    Project("xz", "xz-utils", "./configure --disable-nls --disable-doc --disable-static && make -j2"
            " && make -j2 check TESTS=",
            # The whole suite has 6,675 processes, too many for Valgrind. It leaks as it is.
            "make -C tests check TESTS='test_stream_flags test_filter_flags test_block_header "
            "test_index test_index_hash test_memlimit test_lzip_decoder test_vli "
            "test_compress_generated_abc'",
            Leak("", "", ("lzma_lzma2_props_decode",), "tests/test_block_header"),
            explained={"sed": "of one of 157 there is no file of Valgrind's",
                       "test_compress.sh": OLD_WORD_OF_BASH}),
    # Threads, and a fork beside them. Of its 1,609 tests 43: some take a minute.
    Project("blosc", "c-blosc", CMAKE + "-DBUILD_BENCHMARKS=OFF -DDEACTIVATE_LZ4=ON "
            "-DDEACTIVATE_ZLIB=ON -DDEACTIVATE_ZSTD=ON -DDEACTIVATE_SNAPPY=ON && make -C out -j2",
            "make -C out test ARGS='-R \"api|nolock|noinit|forksafe|nthreads|192_32_5_0_\"'",
            # It leaks as it is, in test_forksafe now more and now less.
            None, needs=("cmake",),
            explained={"test_forksafe": "it is a forked child that loses what its parent's threads "
                       "held, and Valgrind is not asked about those"}),
)
