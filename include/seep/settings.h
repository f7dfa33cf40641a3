/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings: everything that can be set for a run, one line each.
 *
 * From this table come the library's parser of SEEP_OPTIONS=key=value:key=value, the options of
 * `seep run` (the key with dashes for underscores), their --help and the man page. A value is a
 * text; the column `type` says how it is read:
 *
 *   PATH       a file name; %p is the pid, %e the program's name, %% a percent sign
 *   DURATION   a number with ns, us, ms, s, m or h; without a unit seconds
 *   SIZE       a number with optional K, M, G or T (powers of 1024; also KiB, KB, k …)
 *   COUNT      a whole number
 *   CHOICE     one of the words separated by | in the column `values`
 *   LIST       words separated by commas
 *   SHARE      off, 1 for all, or 1/N for one in N; the option without a value means 1
 *   RATE       off, or a SIZE and how long it takes: 10MB/h, 1G/d, 200K/min, 4K/s
 *   SCHEDULE   off, exit, or a DURATION
 *   PERCENT    off, or a part as 80% or 0.8, at most 100%
 *   PREFIX     off, or what names begin with: letters, digits and _, at most 31
 *
 * A value may contain a colon only as \: (SEEP_OPTIONS is split at colons).
 */
#ifndef SEEP_SETTINGS_H
#define SEEP_SETTINGS_H

#define SEEP_OPTIONS_VARIABLE "SEEP_OPTIONS"

/*
 * Thresholds. The library compares after each snapshot, and writes one that is crossed into the file
 * (SEEP_RECORD_ALERT, where it is said how growth is measured there); `seep report` and `seep check`
 * have the same options and look at the whole run. How long a rate takes also says how patient to
 * be: the library does not look at it before the run is a 60th of that old, for every program grows
 * while it starts.
 */
#define SEEP_THRESHOLDS(X)                                                                         \
	X(max_growth, 0, RATE, "RATE|off", "off",                                                  \
	  "cross a threshold when live bytes grow by more than RATE, such as 10MB/h, 1G/d or "     \
	  "200K/min: the median slope over the run without its start.")                            \
	X(max_live, 0, SIZE, "SIZE|off", "off",                                                    \
	  "cross a threshold when more than SIZE bytes are live, such as 512M, in any snapshot.")  \
	X(max_heap_share_of_rss, 0, PERCENT, "PERCENT|off", "off",                                 \
	  "cross a threshold when live bytes are more than this part of resident memory (RSS), "   \
	  "such as 80%, in any snapshot.")                                                         \
	X(max_site_growth, 0, RATE, "RATE|off", "off",                                             \
	  "cross a threshold when one allocation site grows by more than RATE.")                   \
	X(max_site_live, 0, SIZE, "SIZE|off", "off",                                               \
	  "cross a threshold when one allocation site has more than SIZE bytes live, in any "      \
	  "snapshot.")

/*       key             letter type      values                  default          help */
#define SEEP_SETTINGS(X) SEEP_OUTPUT_SETTING(X) SEEP_RUN_SETTINGS(X) SEEP_THRESHOLDS(X)
/* Apart, because it is not what `seep check` calls --output. */
#define SEEP_OUTPUT_SETTING(X)                                                                     \
	X(output, 'o', PATH, "FILE", "seep.%e.%p.seep",                                            \
	  "write snapshots to FILE; %p is the pid, %e the program's name. With LD_PRELOAD alone, a " \
	  "child process whose name would be the same gets .PID added. Each program image that an exec brings has a file of its own too, with " \
	  ".PID or a number added when the name is taken.")
#define SEEP_RUN_SETTINGS(X)                                                                       \
	X(interval, 0, DURATION, "DURATION", "auto",                                               \
	  "take a snapshot this often, e.g. 200ms, 5s, 10m. auto starts with 100ms and lengthens " \
	  "to 10m as the run goes on.")                                                            \
	X(growth, 0, SIZE, "SIZE", "64M",                                                          \
	  "take a snapshot as soon as live bytes have grown by SIZE since the last one; off for never.") \
	X(near_limit, 0, PERCENT, "PERCENT|off", "90%",                                            \
	  "take a snapshot when this part of the memory that the program may have is in use: of the "  \
	  "limit of its cgroup (memory.max, memory.high), of RLIMIT_AS, RLIMIT_DATA or the machine; "  \
	  "again each time half of the rest is gone, and while the kernel says that tasks wait for "  \
	  "memory. So the state before the OOM killer comes is in the file.")                        \
	X(sample, 0, SIZE, "BYTES|off", "off",                                                     \
	  "record one block in about BYTES allocated, such as 512K, instead of every one (1 to 1G). " \
	  "Nearly as fast as without seep; the figures of the report become estimates.")          \
	X(stack_depth, 0, COUNT, "N", "128",                                                        \
	  "keep the N innermost frames of each stack (1 to 512).")                                 \
	X(track, 0, LIST, "malloc|malloc,mmap", "malloc",                                          \
	  "what to follow: malloc and its family; mmap adds mmap, mremap, brk and sbrk as sites of " \
	  "their own kind. mmap alone means malloc,mmap.")                                         \
	X(allocator, 0, PREFIX, "PREFIX|off", "off",                                                \
	  "follow an allocator that is linked into the program, too, whose functions are called "   \
	  "PREFIXmalloc, PREFIXfree and so on, such as je_ for the jemalloc in redis. Their first "  \
	  "instructions are replaced in memory when the program starts, where that is safe.")        \
	X(scan, 0, SCHEDULE, "exit|off|DURATION", "off",                                           \
	  "when to look which blocks nothing points to any more, and what holds the others: exit "   \
	  "when the program ends, a DURATION such as 5m so often and at the end. It is looked at in a copy of " \
	  "the process; the program stands still while the kernel makes that, some 25 ms for each GiB.") \
	X(children, 0, LIST, "all|none|NAME,...", "all",                                           \
	  "which child processes are followed: all, none, or those whose program is called NAME. A " \
	  "folder, such as . or /srv/app, means all programs below it.")                           \
	X(snapshots_by, 0, CHOICE, "process|thread|inline", "process",                             \
	  "who takes snapshots: a helper process that shares the memory and can still write the " \
	  "exact last state after a kill; a thread; or the program itself while it allocates.")    \
	X(max_file, 0, SIZE, "SIZE", "64M",                                                        \
	  "keep the file smaller than SIZE by thinning old snapshots (at least 1M).")              \
	X(selfcheck, 0, SHARE, "1/N", "off",                                                       \
	  "compare every captured stack, or one in N, with libunwind's (package libunwind8), in the " \
	  "running program. The report says what differed. Slow.")                                 \
	X(command_line, 0, CHOICE, "on|off", "on", "store the program's arguments in the file.")   \
	X(loss_checks, 0, CHOICE, "on|off", "on",                                                  \
	  "what a program's tests ask about blocks that they have lost (seep.h, adapters of test " \
	  "frameworks). off: they are told of none, and what is lost at the end counts alone.")     \
	X(quiet, 'q', CHOICE, "on|off", "off", "no summary, no notices on stderr.")

#endif
