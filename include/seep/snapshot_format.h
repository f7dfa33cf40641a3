/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_format: the file that libseep.so writes and seep reads.
 *
 * Glossary, used with the same meaning in code, file, command line and README:
 *
 *   block      one allocation that has not been freed
 *   stack      a call path, stored once and known by a number (its id)
 *   site       all blocks of one stack
 *   snapshot   the state of all sites at one moment
 *   module     a loaded object: path, build-id, address range
 *   epoch      the period between two snapshots, or a part of it; a block keeps the epoch it was born
 *              in. Epochs count from 1 and never go back; a snapshot closes one, and so does a moment
 *              that the program takes (seep_moment) and that is not in the file.
 *   cohort     the blocks of one site that were born in the same epochs
 *
 * The file is a header and then records, only ever appended. Every record is framed by a
 * header with two checksums, so a tail torn by a crash is recognised and everything before it
 * counts. All numbers are little-endian; structs are laid out as written here and their sizes
 * are asserted below. Checksums are CRC-32 as in zlib and IEEE 802.3 (polynomial 0xedb88320).
 *
 * A reader trusts nothing: every length, count and id is checked against what is there.
 * It skips a damaged record by looking for the next record magic on an 8-byte boundary, skips
 * record types that it does not know, and says how much was skipped.
 *
 * Version policy. `version_major` changes when an old reader would misunderstand the file: it
 * must refuse, naming both versions. `version_minor` changes when something is added that an old
 * reader may skip: new record types, new flags, bytes after the end of a known fixed struct
 * (each variable part therefore says where it begins). tests/unit/files/ keeps one old file of
 * every version for ever.
 *
 *   1.0   first version
 *   1.1   SEEP_RECORD_SELF_CHECK
 *   1.2   seep_process.sample_bytes, SEEP_RECORD_SAMPLES
 *   1.3   seep_process.single_epochs, the rules of merged cohorts and of thinning;
 *         seep_snapshot.limit_bytes and what follows it; SEEP_REASON_MARK
 *   1.4   seep_snapshot.heap_bytes and what follows it; SEEP_RECORD_FREES, SEEP_RECORD_PINS,
 *         SEEP_RECORD_ALERT
 *   1.5   SEEP_RECORD_SCAN, SEEP_RECORD_HOLDERS, SEEP_RECORD_SUPPRESSIONS
 *   1.6   SEEP_PROCESS_HAS_OWN_MALLOC, SEEP_REASON_MEMORY, SEEP_LIMIT_CGROUP_HIGH
 *   1.7   seep_snapshot.missed_snapshots and what follows it
 *   1.8   seep_snapshot.unseen_frees
 *   1.9   SEEP_RECORD_FATAL_FREE, SEEP_PROCESS_FOLLOWS_ALLOCATOR
 */
#ifndef SEEP_SNAPSHOT_FORMAT_H
#define SEEP_SNAPSHOT_FORMAT_H

#include <stdint.h>

#define SEEP_FILE_MAGIC "SEEP\r\n\x1a\n" /* 8 bytes, without the terminating zero */
#define SEEP_FILE_MAGIC_BYTES 8
#define SEEP_VERSION_MAJOR 1
#define SEEP_VERSION_MINOR 9
#define SEEP_BYTE_ORDER 0x01020304u
#define SEEP_RECORD_MAGIC 0x43455253u /* "SREC" */
#define SEEP_RECORD_ALIGN 8u
/* No record is larger; a reader refuses a larger one as damaged. */
#define SEEP_RECORD_MAX_BYTES (256u << 20)

/* Offset 0 of the file, once. */
struct seep_file_header {
	char magic[SEEP_FILE_MAGIC_BYTES];
	uint16_t version_major;
	uint16_t version_minor;
	uint32_t header_bytes;    /* where the first record begins; a multiple of 8 */
	uint32_t byte_order;      /* SEEP_BYTE_ORDER as written by the target */
	uint32_t pid;             /* in the target's own PID namespace */
	uint64_t started_unix_ns; /* CLOCK_REALTIME when the library started in this process */
	uint32_t page_bytes;
	uint32_t flags;       /* 0 */
	uint8_t reserved[20]; /* 0 */
	uint32_t crc;         /* of the 60 bytes before it */
};

/* Before each record's payload. The payload is followed by 0 to 7 zero bytes up to the next
 * multiple of 8; they belong to no checksum. */
struct seep_record_header {
	uint32_t magic;         /* SEEP_RECORD_MAGIC */
	uint16_t type;          /* enum seep_record_type */
	uint16_t flags;         /* 0 */
	uint32_t payload_bytes; /* without this header and without padding */
	uint32_t sequence;      /* counts records from 0; a gap means that records were lost.
	                         * Thinning (see seep_snapshot) renumbers from 0. */
	uint64_t time_ns;       /* CLOCK_MONOTONIC since the library started in this process */
	uint32_t payload_crc;
	uint32_t header_crc; /* of the 28 bytes before it */
};

enum seep_record_type {
	SEEP_RECORD_PROCESS = 1,       /* struct seep_process; first record of every file */
	SEEP_RECORD_MODULES = 2,       /* struct seep_module, one after the other */
	SEEP_RECORD_MODULE_UNLOAD = 3, /* struct seep_module_unload, one after the other */
	SEEP_RECORD_STACKS = 4,        /* struct seep_stacks, then its nodes */
	SEEP_RECORD_SNAPSHOT = 5,      /* struct seep_snapshot, then label, then entries */
	SEEP_RECORD_END = 6,           /* struct seep_end; the last word about the process */
	SEEP_RECORD_SELF_CHECK = 7,    /* struct seep_self_check, then its differences; the newest counts */
	SEEP_RECORD_SAMPLES = 8,       /* struct seep_samples, then its sites; the newest counts */
	SEEP_RECORD_FREES = 9,         /* struct seep_frees, then its pairs; the newest counts */
	SEEP_RECORD_PINS = 10,         /* struct seep_pins, then its sites; the newest counts */
	SEEP_RECORD_ALERT = 11,        /* struct seep_alert */
	SEEP_RECORD_SCAN = 12,         /* struct seep_scan, then its sites; the newest counts */
	SEEP_RECORD_HOLDERS = 13,      /* struct seep_holders, then roots, then paths; the newest counts */
	SEEP_RECORD_SUPPRESSIONS = 14, /* struct seep_suppressions */
	SEEP_RECORD_FATAL_FREE = 15,   /* struct seep_fatal_free; the newest counts */
};

/* The process. Followed by exe, name and command, in this order and without terminators. */
struct seep_process {
	uint32_t struct_bytes; /* offset of the strings: sizeof(struct seep_process) of the writer */
	uint32_t pid;
	uint32_t parent_pid;
	uint32_t forked_from; /* pid of the process that this one is a fork of, 0 after exec or start */
	uint32_t inherited_epoch; /* blocks born up to this epoch are inherited over that fork; 0: none */
	uint32_t exe_bytes;       /* path of the executable */
	uint32_t name_bytes;      /* comm */
	uint32_t command_bytes;   /* the arguments, each followed by a zero byte */
	uint32_t stack_depth;     /* frames kept per stack */
	uint32_t flags;           /* SEEP_PROCESS_… */
	uint64_t interval_ns;     /* 0: adaptive */
	uint64_t start_ticks;     /* field 22 of /proc/PID/stat, names the process together with pid */
	uint64_t sample_bytes;    /* since 1.2. 0: every block was recorded. Otherwise one in about so
	                           * many bytes allocated, and all numbers of blocks, bytes,
	                           * allocations and frees are estimates, see seep_samples */
	uint32_t single_epochs; /* since 1.3: how old epochs are merged, see seep_snapshot. In older
	                         * files SEEP_SINGLE_EPOCHS_BEFORE_1_3 */
	uint32_t reserved;      /* 0 */
};

#define SEEP_SINGLE_EPOCHS_BEFORE_1_3 16u

#define SEEP_PROCESS_TRACKS_MMAP 1u /* mmap and brk are tracked too */
#define SEEP_PROCESS_HAS_OWN_MALLOC                                                                \
	2u /* since 1.6: the program, or a library loaded before ours, defines malloc: only what that passes on is recorded */
#define SEEP_PROCESS_FOLLOWS_ALLOCATOR                                                             \
	4u /* since 1.9: an allocator inside of the program is recorded, too: see the setting `allocator` */

/* A module; once for each time it is loaded. Followed by build_id and path, then zero bytes up to
 * the next multiple of 8, where the next struct begins. */
struct seep_module {
	uint32_t struct_bytes; /* offset of build_id */
	uint32_t id;           /* counts from 0, never used again */
	uint32_t generation;   /* how many modules were unloaded from overlapping addresses before */
	uint32_t loaded_epoch;
	uint64_t load_bias; /* address = load_bias + the ELF file's virtual address */
	uint64_t start;     /* first address of the first segment */
	uint64_t end;       /* one past the last address of the last segment */
	uint32_t flags;     /* SEEP_MODULE_… */
	uint16_t build_id_bytes;
	uint16_t path_bytes;
};

#define SEEP_MODULE_IS_EXECUTABLE 1u /* the main program */
#define SEEP_MODULE_IS_VDSO 2u
#define SEEP_MODULE_IS_LIBSEEP 4u

struct seep_module_unload {
	uint32_t id;
	uint32_t epoch;
};

/*
 * Stacks are nodes of a call tree: (parent, pc). A stack's id is that of its innermost node; its
 * frames are the node, its parent and so on up to node 0, the root, which is not stored.
 * A parent's id is smaller than its children's.
 *
 * After the struct, `count` nodes with consecutive ids, each as
 *     varint   id - parent            (>= 1)
 *     varint   zigzag(pc - previous pc in this record, 0 before the first)
 *     varint   generation             (of the module that pc lay in; see seep_module)
 * A varint is LEB128 as in DWARF, at most 10 bytes. zigzag(n) = (n << 1) ^ (n >> 63).
 *
 * pc is a return address (subtract 1 before looking up the line), except in the frame directly
 * under a signal handler, see SEEP_PC_SIGNAL, and for the pseudo addresses below.
 */
struct seep_stacks {
	uint32_t struct_bytes; /* offset of the nodes */
	uint32_t first_id;
	uint32_t count;
	uint32_t reserved; /* 0 */
};

/* Addresses that are none: what a node says instead of a program counter. */
enum seep_pseudo_pc {
	SEEP_PC_MMAP = 1,    /* innermost: the blocks are mappings made by mmap or mremap */
	SEEP_PC_BRK = 2,     /* innermost: the blocks are memory taken by brk or sbrk */
	SEEP_PC_CUT = 3,     /* outermost: deeper than stack_depth, or no unwind data; more is missing */
	SEEP_PC_NESTED = 4,  /* the only frame: allocated by a signal handler that interrupted libseep */
	SEEP_PC_NO_ROOM = 5, /* the only frame: the call tree was full, or its thread was gone before
	                      * it had written the node */
	SEEP_PC_SIGNAL = 6,  /* a signal was delivered here: the next frame outwards is the interrupted
	                      * instruction itself, not a return address */
	SEEP_PC_LIMIT = 4096 /* every real address is at least this */
};

/* What a person reads in place of a function; of one that a later minor version has written, too. */
static inline const char *seep_pseudo_pc_text(uint64_t pc)
{
	switch (pc) {
	case SEEP_PC_MMAP:
		return "[mmap]";
	case SEEP_PC_BRK:
		return "[brk]";
	case SEEP_PC_CUT:
		return "[deeper frames cut]";
	case SEEP_PC_NESTED:
		return "[allocated in a signal handler while seep was busy]";
	case SEEP_PC_NO_ROOM:
		return "[call tree full]";
	case SEEP_PC_SIGNAL:
		return "[signal]";
	default:
		return "[unknown]";
	}
}

enum seep_snapshot_reason {
	SEEP_REASON_INTERVAL = 1,
	SEEP_REASON_REQUEST = 2, /* seep snapshot PID, or the program asked through seep.h */
	SEEP_REASON_GROWTH = 3,  /* live bytes passed the growth threshold */
	SEEP_REASON_FINAL = 4,   /* the state in which the process ended */
	SEEP_REASON_EXEC = 5,    /* the state in which the program was replaced by exec */
	SEEP_REASON_FORK = 6,    /* first snapshot of a forked child */
	SEEP_REASON_MARK = 7,    /* since 1.3: seep mark PID LABEL, or seep_mark in the program, says
	                          * that the program is in the state called LABEL. It always has a
	                          * label, and the same label means the same state again: what has
	                          * grown between two of them has not been given back. */
	SEEP_REASON_MEMORY = 8,  /* since 1.6: a limit of memory is near, or tasks wait for memory */
};

/*
 * A snapshot. Followed by the label and, at `entries_offset`, by `entry_count` entries in rising
 * order of stack id:
 *     varint   stack id - id of the entry before (0 before the first)
 *     varint   live blocks
 *     varint   live bytes                 (as requested by the program)
 *     varint   allocations                (in this process, since its start or fork)
 *     varint   allocated bytes            (likewise)
 *     varint   cohort count
 *     cohort count times, in rising order of epoch:
 *         varint   first epoch - first epoch of the cohort before (absolute for the first)
 *         varint   blocks
 *         varint   bytes
 * All numbers are absolute, none is relative to an earlier snapshot. A snapshot without
 * SEEP_SNAPSHOT_IS_KEYFRAME holds only the sites of which a number changed since the snapshot
 * before; sites that it leaves out are as they were. Cohorts of a site cover all its live blocks;
 * a cohort reaches up to the epoch before the next one's first epoch.
 *
 * Old epochs are merged: a cohort holds the births of an aligned group of 2^k epochs, from m * 2^k to
 * (m + 1) * 2^k - 1, where k is the largest number (at most 17) for which the last epoch of the group
 * is at least single_epochs * 2^(k - 1) epochs before `epoch`, and 0 where there is none. This is a
 * promise: groups only ever grow, by joining their neighbour, so what is born up to the epoch e can
 * be told from what is born later for as long as the groups around e are no wider than the largest
 * power of two that divides e + 1. A group without live blocks has no cohort; inherited blocks
 * are never in one cohort with the process's own: a group with both is two cohorts.
 *
 * Thinning: to keep the file bounded the writer drops old snapshots. It writes the file anew
 * beside the old one and renames it over it; entries that only a dropped snapshot held are moved
 * into the next kept one, which keeps the rule above true. `number` still counts all that were
 * taken. The first and the newest stay, and those of the first alerts; of marks, and likewise of those
 * that somebody asked for by a label, every second one of each label goes while there are more of them
 * than of those without a label. Since 1.3, of two old neighbours the one goes whose epoch + 1 has fewer
 * factors of two (of equals the older): what stays are the snapshots at whose epochs merged cohorts
 * end.
 */
struct seep_snapshot {
	uint32_t struct_bytes; /* offset of the label */
	uint32_t number;       /* counts from 1 */
	uint32_t epoch;        /* the epoch that this snapshot closed */
	uint16_t reason;       /* enum seep_snapshot_reason */
	uint16_t flags;        /* SEEP_SNAPSHOT_… */
	uint32_t label_bytes;
	uint32_t entries_offset; /* from the start of the payload */
	uint32_t entry_count;
	uint32_t threads; /* threads that allocated (had a sample, in a process that samples) and are
	                   * alive */
	/* Totals over all sites, mappings and brk not included. In a snapshot that is not fuzzy
	 * allocations - frees = live_blocks - inherited_blocks, and allocated_bytes - freed_bytes
	 * likewise: a counter counts what happened in this process, since its start or fork. */
	uint64_t live_bytes;
	uint64_t live_blocks;
	uint64_t allocations;
	uint64_t allocated_bytes;
	uint64_t frees; /* of blocks allocated in this process */
	uint64_t freed_bytes;
	uint64_t inherited_blocks; /* of live_blocks: those inherited over fork */
	uint64_t inherited_bytes;
	uint64_t inherited_frees; /* of blocks inherited over fork */
	uint64_t unknown_frees;   /* of blocks that were never recorded */
	uint64_t mapped_bytes; /* live bytes of mappings and brk, when tracked */
	/* What was lost; all cumulative. */
	uint64_t lost_blocks; /* allocations that could not be recorded */
	uint64_t lost_stacks; /* allocations recorded under SEEP_PC_NESTED or SEEP_PC_NO_ROOM */
	uint64_t cut_stacks;  /* allocations recorded with a stack that ends in SEEP_PC_CUT */
	/* The process as the kernel sees it; 0 where it could not be read. */
	uint64_t rss_bytes;
	uint64_t swap_bytes;
	uint64_t vm_bytes;
	uint64_t own_bytes; /* mapped and touched by libseep itself; part of rss_bytes */
	/* Since 1.3: of the limits that the process is held to, the one with the least room left, and
	 * how much counts against it: of everything in the cgroup, on the machine, or of the
	 * process. 0 where no limit could be read. */
	uint64_t limit_bytes;
	uint64_t limit_used_bytes;
	uint32_t limit_kind; /* enum seep_limit_kind */
	uint32_t reserved;   /* 0 */
	/* Since 1.3, as the kernel sees it; 0 where it could not be read. What lies between live_bytes
	 * and anonymous_bytes is the allocator's (free, or not given back), libseep's own, stacks and
	 * mappings. */
	uint64_t anonymous_bytes; /* of rss_bytes: what is no file's */
	uint64_t data_bytes;      /* of vm_bytes: what is private and writable */
	/* Since 1.4, what the program's allocators hold, whichever they are; 0 where it could not be
	 * read. Theirs are the program break's area ([heap]) and private anonymous mappings in which
	 * blocks lie side by side, or lay at the snapshot before and the mapping still begins where
	 * it did; of a mapping those parts between multiples of 64 MiB of which that is true. A block
	 * that has a mapping of its own counts with its pages. In a process that samples a mapping
	 * counts when a sample lies in it. Where snapshots follow each other so closely that this
	 * would take much time, the numbers of the one before are repeated; a final one has its own.
	 *
	 *   heap_bytes - heap_resident_bytes       given back to the kernel, swapped, or never touched
	 *   heap_resident_bytes - live_page_bytes  pages without any live block: kept by the allocator
	 *   live_page_bytes - live_bytes           free memory between live blocks, and rounding; less
	 *                                          what of live blocks is not resident
	 *   anonymous_bytes - own_bytes - heap_resident_bytes   not malloc's: stacks, mmap, data
	 */
	uint64_t heap_bytes;          /* of address space */
	uint64_t heap_resident_bytes; /* of that: resident. 0 also where heap_bytes is more than 64 GiB,
	                               * or where a thread of the program would have waited for it */
	uint64_t live_page_bytes;     /* of that: pages that some live block lies on; 0 in a process
	                               * that samples. Where heap_resident_bytes is not known: of
	                               * heap_bytes */
	/* Since 1.7: how many snapshots before this one could not be taken or written, and why the
	 * last of them could not (ENOSPC, ENOMEM, ...); EFBIG: seep's own limit of the file, or the
	 * kernel's. */
	uint32_t missed_snapshots;
	uint32_t missed_error; /* 0: none was missed */
	/* Since 1.8; of `frees` and `inherited_frees`: those that nobody saw, and that are known because the
	 * address has been given to another block since. Who frees so, past the library, may have freed
	 * other blocks that count as live. */
	uint64_t unseen_frees;
};

enum seep_limit_kind {
	SEEP_LIMIT_UNKNOWN = 0,
	SEEP_LIMIT_CGROUP = 1,        /* its memory cgroup, or one that this lies in; used without
	                               * pages of files that were not used lately */
	SEEP_LIMIT_ADDRESS_SPACE = 2, /* RLIMIT_AS, and the size of the address space */
	SEEP_LIMIT_MACHINE = 3,       /* all memory of the machine, and what is not available */
	SEEP_LIMIT_DATA = 4,          /* RLIMIT_DATA, and the size of the data segments */
	SEEP_LIMIT_CGROUP_HIGH = 5,   /* since 1.6: likewise memory.high, where tasks are made to wait */
};

#define SEEP_SNAPSHOT_IS_KEYFRAME 1u
#define SEEP_SNAPSHOT_IS_FUZZY 2u /* taken while threads went on: the sites are of slightly
                                   * different instants. Final snapshots are not. */

/*
 * What came of comparing captured stacks with libunwind's in the running program. All numbers are
 * cumulative. Followed by `difference_count` differences of `difference_bytes` bytes each. Thinning
 * keeps the newest record only.
 */
struct seep_self_check {
	uint32_t struct_bytes; /* offset of the differences */
	uint32_t difference_bytes;
	uint32_t difference_count;
	uint32_t one_in; /* of so many captures one was to be compared */
	uint32_t flags;  /* SEEP_SELF_CHECK_… */
	uint32_t reserved; /* 0 */
	/* Captures that were compared. Those not named here were equal. */
	uint64_t compared;
	uint64_t different;         /* also those of which no difference was kept */
	uint64_t libunwind_gave_up; /* equal as far as libunwind knew; it did not know all */
	uint64_t cut;               /* equal as far as ours went, which said that more is missing */
	uint64_t skipped;           /* not compared although it was their turn */
};

#define SEEP_SELF_CHECK_HAS_NO_LIBUNWIND 1u /* nothing is compared: it could not be loaded */
#define SEEP_SELF_CHECK_IS_OVER 2u /* nor here: a fork has left libunwind locked by another thread */

/* Two stacks for the same capture, both known from earlier records. */
struct seep_difference {
	uint32_t ours;      /* as recorded */
	uint32_t libunwind; /* as libunwind sees it */
	uint32_t thread_id; /* where it was met first */
	uint32_t reserved;  /* 0 */
	uint64_t count;     /* of captures */
};

/*
 * What the estimates of a snapshot rest on, in a process that samples (seep_process.sample_bytes is
 * not 0). There points lie on the line of all bytes that a thread allocates, at independent
 * exponential distances with the mean `sample_bytes`; a block of Z bytes covers Z + 1 of the line,
 * and is a sample when a point falls on it, which has the probability p = 1 - exp(-(Z + 1) /
 * sample_bytes). Each sample is counted as 1 / p blocks and Z / p bytes, everywhere in the file; sums
 * are rounded once for each site. Mappings are no samples and exact. lost_blocks, lost_stacks,
 * cut_stacks and unknown_frees of the snapshot count samples.
 *
 * An estimate is unbiased; its variance is estimated by the sum of (1 - p) / p^2 over its blocks,
 * times Z^2 for bytes. Here stand the square roots, rounded.
 *
 * Follows the snapshot that it speaks of. After the struct, `site_count` sites with at least one live
 * sample, in rising order of stack id:
 *     varint   stack id - id of the site before (0 before the first)
 *     varint   live samples
 *     varint   standard error of live blocks
 *     varint   standard error of live bytes
 * Thinning keeps the newest record only.
 */
struct seep_samples {
	uint32_t struct_bytes; /* offset of the sites */
	uint32_t snapshot;     /* its number */
	uint32_t site_count;
	uint32_t reserved;     /* 0 */
	/* Of all sites, mappings not included. */
	uint64_t live_samples;
	uint64_t samples;      /* taken in this process, since its start or fork */
	uint64_t blocks_error; /* standard error of live_blocks of the snapshot */
	uint64_t bytes_error;  /* and of live_bytes */
};

/*
 * Who frees: of every `one_in` frees of recorded blocks of a thread one, at random, is a sample, and its
 * stack is kept beside that of the block's allocation. So is, in a process that does not sample
 * blocks, the free of the first block that a thread allocates under a new stack, as far as these are
 * fewer than the others. Realloc is no free,
 * and a block that was inherited over fork is not asked for. All numbers are cumulative. Follows the
 * snapshot that it speaks of. After the struct, `pair_count` pairs in rising order of stack id, then
 * of the freeing stack's:
 *     varint   stack id of the allocation - that of the pair before (0 before the first)
 *     varint   stack id of the free
 *     varint   samples
 * Of each allocation's stack the four pairs with the most samples are named; where the record would
 * take more than 1/64 of the largest file, only those with 2, 4, 8 … samples. A snapshot that the library
 * takes by itself has a record when there are an eighth more samples than in the last one; any
 * other when there are more at all. Thinning keeps the newest record only.
 */
struct seep_frees {
	uint32_t struct_bytes; /* offset of the pairs */
	uint32_t snapshot;     /* its number */
	uint32_t pair_count;
	uint32_t one_in;
	uint64_t samples; /* taken in this process, since its start or fork; also those of no pair */
	uint64_t lost;    /* of them: those for whose pair there was no room */
};

/*
 * Which sites keep memory that is free from being used otherwise: of a page (4 KiB) on which live blocks
 * lie, but fill it to less than half, the free rest is pinned by the sites of these blocks, in equal
 * parts for each block. A block fills what its size is rounded up to, and with glibc's malloc its
 * header, for that is not free. Whether the page is resident is not asked. Follows the snapshot that
 * it speaks of: a final one, and of the others as many as it is cheap enough for. There is none in a
 * process that samples. After the struct, `site_count` sites that pin at least a page, in rising
 * order of stack id:
 *     varint   stack id - id of the site before (0 before the first)
 *     varint   pinned bytes
 * Thinning keeps the newest record only.
 */
struct seep_pins {
	uint32_t struct_bytes; /* offset of the sites */
	uint32_t snapshot;     /* its number */
	uint32_t site_count;
	uint32_t reserved;     /* 0 */
	uint64_t pinned_bytes; /* by all sites, also by those that are not named */
};

/*
 * What is watched while the program runs, see the settings max_… Growth is in bytes an hour. The
 * writer says nothing of it before the run is a 60th of the time old that the setting named (a minute
 * for 10MB/h).
 *
 *   of the process   the median slope between any two of up to 64 snapshots spread over the last 85 %
 *                    of the run so far; 0 while it is not sure with 97.5 % that it rises, or where
 *                    there are fewer than 12
 *   of a site        the run is divided into periods, each as long as all before it; how much more the
 *                    least that the site held in this period is than in the one before, over the time
 *                    between the beginnings of the two; nothing is said before the 8th snapshot
 *                    of a period
 *
 * That is what can be known at the time: a report looks at the whole run, and at the ages of blocks.
 */
enum seep_alert_kind {
	SEEP_ALERT_GROWTH = 1,      /* bytes an hour by which live bytes grow */
	SEEP_ALERT_LIVE = 2,        /* live bytes */
	SEEP_ALERT_HEAP_SHARE = 3,  /* live bytes in 1/1000 of rss_bytes */
	SEEP_ALERT_SITE_GROWTH = 4, /* the same of one site */
	SEEP_ALERT_SITE_LIVE = 5,
};

/* A threshold was crossed between the snapshot before and this one: the value is larger than the
 * limit. It is said again only after the value has not been larger. Follows the snapshot that showed
 * it. Thinning keeps all, and the snapshots of the first 16; the writer ends after 1024 of them. */
struct seep_alert {
	uint32_t struct_bytes;
	uint32_t snapshot; /* the number of the snapshot that showed it */
	uint32_t kind;     /* enum seep_alert_kind */
	uint32_t stack;    /* of the site; 0: the process */
	uint64_t value;
	uint64_t limit; /* as it was set */
};

/*
 * What is reachable: a scan looks at a copy of the whole process, from all that the program can still
 * get at (the roots) through every word that is the address of a live block, or lies in one. Every live
 * block of malloc's family is in one class, with Valgrind's words (memcheck manual, 4.2.8):
 *
 *   definitely lost   nothing points to it
 *   indirectly lost   only blocks that are lost point to it
 *   possibly lost     it, or a block that leads to it, is only pointed to somewhere behind its start, in
 *                     a way that no heuristic knows (std::string, new[] with a length, multiple inheritance);
 *                     or it would be definitely lost, but a register of a thread that could not
 *                     be read may hold it, or it was not seen lost twice, or something else that
 *                     may hold it could not be looked at (SEEP_SCAN_IS_BLIND)
 *   reachable         the rest
 *
 * A group of blocks of which each is only reached from others of the group, such as a ring, has one head,
 * which is definitely lost; the others are indirectly lost.
 *
 * Follows the snapshot that it speaks of, which is taken just before. After the struct, `site_count`
 * sites with live blocks, in rising order of stack id:
 *     varint   stack id - id of the site before (0 before the first)
 *     varint   blocks, bytes              definitely lost
 *     varint   blocks, bytes              indirectly lost
 *     varint   blocks, bytes              possibly lost
 *     varint   blocks, bytes              reachable
 *     varint   blocks, bytes              of any sites, indirectly lost, that hang under the
 *                                         definitely lost ones of this site; each counted once
 *     varint   where SEEP_SCAN_HAS_HEADS is set: stack id of a site under whose definitely lost blocks
 *              the indirectly lost ones of this site hang; 0 where it has none
 * Thinning keeps the newest record only.
 */
struct seep_scan {
	uint32_t struct_bytes; /* offset of the sites */
	uint32_t snapshot;     /* its number */
	uint16_t reason;       /* enum seep_snapshot_reason: what asked for the scan */
	uint16_t outcome;      /* enum seep_scan_outcome; all below is 0 where it is not SEEP_SCAN_DONE */
	int32_t error;         /* errno value that belongs to the outcome, or 0 */
	uint32_t flags;        /* SEEP_SCAN_… */
	uint32_t site_count;
	uint32_t threads;
	uint32_t unread_threads; /* of them: those whose registers could not be read */
	uint64_t pause_ns;       /* how long the program's threads stood still, all scans together */
	uint64_t work_ns;        /* how long the copy worked beside the program */
	uint64_t root_bytes;     /* read as roots */
	uint64_t block_bytes;    /* read in blocks */
	uint64_t own_bytes;      /* memory that the copy took for itself, at most */
	/* Over all sites. */
	uint64_t definitely_blocks, definitely_bytes;
	uint64_t indirectly_blocks, indirectly_bytes;
	uint64_t possibly_blocks, possibly_bytes;
	uint64_t reachable_blocks, reachable_bytes;
};

enum seep_scan_outcome {
	SEEP_SCAN_DONE = 0,
	SEEP_SCAN_NO_COPY = 1,   /* the kernel made no copy of the process: `error` */
	SEEP_SCAN_NO_MEMORY = 2, /* the copy had not enough memory for its work */
	SEEP_SCAN_FAILED = 3,    /* the copy ended without a result: `error`, or 128 + signal;
				  * ENOENT: it could not read its mappings */
	SEEP_SCAN_SAMPLED = 4,   /* the process samples: most blocks are not known */
	SEEP_SCAN_LOST = 5,      /* blocks were lost to seep (lost_blocks): what they hold is not known */
	SEEP_SCAN_TOO_LATE = 6,  /* the process has ended before it could be copied */
};

#define SEEP_SCAN_IS_CONFIRMED 1u /* what is definitely lost was so in two scans */
#define SEEP_SCAN_IS_STOPPED 2u   /* no thread ran while the copy was made */
#define SEEP_SCAN_HAS_HEADS                                                                        \
	4u /* sites name the site that their indirectly lost blocks hang under */
#define SEEP_SCAN_IS_BLIND                                                                         \
	8u /* not all that may hold pointers could be looked at: nothing is definitely lost */
#define SEEP_SCAN_IS_CLOSED                                                                        \
	16u /* with IS_BLIND: the kernel did not show what it keeps for the process, as after a    \
	     * change of user */

/*
 * Who holds blocks: for up to some 100 blocks of each site, drawn at random from those that are
 * reachable, the shortest path from a root: from a variable where there is one, then from a stack, from a
 * register, and only then from other memory. Follows the scan record it belongs to. After the struct,
 * `root_count` times struct seep_root, each followed by its name and zero bytes up to the next
 * multiple of 8; then `path_count` paths in rising order of stack id:
 *     varint   stack id of the site - that of the path before (0 before the first)
 *     varint   number of its blocks that have this path
 *     varint   root, its index from 0
 *     varint   number of steps
 *     for each step, from the root to the block:
 *         varint   stack id of the block that is stepped through
 *         varint   where in it the pointer to the next block lies, in bytes from its start
 *         varint   how many such steps there are one after the other: a list has many
 * The block itself is no step. Steps are equal when stack and place are; paths are equal when the
 * root and its steps are, whatever the numbers of equal steps one after the other, of which the
 * largest is given. Where a path has more than 16 steps those in the middle are left out, and a step
 * with stack id 0 stands for them. Thinning keeps the newest record only.
 */
struct seep_holders {
	uint32_t struct_bytes; /* offset of the roots */
	uint32_t snapshot;     /* the scan's */
	uint32_t root_count;
	uint32_t path_count;
	uint32_t paths_offset; /* from the start of the payload */
	uint32_t reserved;     /* 0 */
};

enum seep_root_kind {
	SEEP_ROOT_MODULE = 1,   /* writable data of a module: `address` is the word that points */
	SEEP_ROOT_STACK = 2,    /* the word lies in the frame of `pc` on the stack of `thread`, or of
	                         * what it has called of libc */
	SEEP_ROOT_REGISTER = 3, /* of `thread`, which runs in `pc`; `address` is its DWARF number */
	SEEP_ROOT_TLS = 4,      /* thread-local data of `module`, `offset` bytes into its TLS segment */
	SEEP_ROOT_THREAD = 5,   /* what libc keeps of `thread`, such as pthread_setspecific's values */
	SEEP_ROOT_LOADER = 6,   /* memory or a block of the dynamic linker */
	SEEP_ROOT_MAPPING = 7,  /* memory that is no heap known to seep; `name` as in /proc/PID/maps */
	SEEP_ROOT_REGION = 8,   /* declared by the program */
	SEEP_ROOT_IGNORED = 9,  /* the block itself: the program said that it is no leak */
	SEEP_ROOT_KERNEL = 10,  /* given to the kernel by the program; `name` is "epoll" or "timer" */
};

struct seep_root {
	uint32_t struct_bytes; /* offset of the name */
	uint32_t kind;         /* enum seep_root_kind */
	uint64_t address;      /* of the word; of a mapping, thread or region: of its start */
	uint64_t pc;           /* of the frame, as in stacks; 0: not known */
	uint64_t offset;       /* of the word from the start of what is named */
	uint32_t thread;       /* tid in the target's PID namespace; 0: none */
	uint32_t module;       /* id; SEEP_ROOT_NO_MODULE: none */
	uint32_t name_bytes;   /* of a thread: its name (comm) */
	uint32_t kib;	       /* of a mapping: how large it is; 0: not known */
};

#define SEEP_ROOT_NO_MODULE UINT32_MAX

/* What the program says is no leak: the text that its function __lsan_default_suppressions returns, as
 * LeakSanitizer reads it. The text follows the struct. Thinning keeps the newest record only. */
struct seep_suppressions {
	uint32_t struct_bytes; /* offset of the text */
	uint32_t text_bytes;   /* at most SEEP_SUPPRESSIONS_MAX_BYTES */
};

#define SEEP_SUPPRESSIONS_MAX_BYTES (64u << 10)

/*
 * The free that has ended the program: libc's malloc has found that what it was given is no block, or no
 * longer one, and has called abort. Nobody knew of a block that begins there; where the address lies in a
 * live one, that one is named. Follows the last snapshot. libc's words follow the struct, without a line's
 * end. Thinning keeps the newest record only.
 */
struct seep_fatal_free {
	uint32_t struct_bytes;  /* offset of the words */
	uint32_t snapshot;      /* its number */
	uint32_t freed_by;      /* stack */
	uint32_t allocated_by;  /* stack of the live block that it lies in; 0: in none */
	uint64_t block_bytes;   /* of that block, as requested; 0 without one */
	uint64_t block_offset;  /* how far behind its start */
	uint32_t message_bytes; /* at most SEEP_FATAL_FREE_MESSAGE_MAX_BYTES */
	uint32_t reserved;      /* 0 */
};

#define SEEP_FATAL_FREE_MESSAGE_MAX_BYTES 256u

enum seep_end_how {
	SEEP_END_UNKNOWN = 0, /* it is gone; nobody could say how */
	SEEP_END_EXIT = 1,    /* status: as given to exit */
	SEEP_END_SIGNAL = 2,  /* status: number of the signal */
	SEEP_END_EXEC = 3,    /* status: 0; the same pid went on with another program */
};

/* More than one may follow each other: the one with the lower `how` number that is not
 * SEEP_END_UNKNOWN wins; seep run appends its own when it knows more than the library. */
struct seep_end {
	uint32_t how; /* enum seep_end_how */
	int32_t status;
	uint64_t ended_unix_ns;
};

#define SEEP_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)
#ifndef __cplusplus
SEEP_ASSERT_SIZE(struct seep_file_header, 64);
SEEP_ASSERT_SIZE(struct seep_record_header, 32);
SEEP_ASSERT_SIZE(struct seep_process, 72);
SEEP_ASSERT_SIZE(struct seep_module, 48);
SEEP_ASSERT_SIZE(struct seep_module_unload, 8);
SEEP_ASSERT_SIZE(struct seep_stacks, 16);
SEEP_ASSERT_SIZE(struct seep_snapshot, 256);
SEEP_ASSERT_SIZE(struct seep_self_check, 64);
SEEP_ASSERT_SIZE(struct seep_difference, 24);
SEEP_ASSERT_SIZE(struct seep_samples, 48);
SEEP_ASSERT_SIZE(struct seep_frees, 32);
SEEP_ASSERT_SIZE(struct seep_pins, 24);
SEEP_ASSERT_SIZE(struct seep_alert, 32);
SEEP_ASSERT_SIZE(struct seep_scan, 136);
SEEP_ASSERT_SIZE(struct seep_holders, 24);
SEEP_ASSERT_SIZE(struct seep_root, 48);
SEEP_ASSERT_SIZE(struct seep_suppressions, 8);
SEEP_ASSERT_SIZE(struct seep_fatal_free, 40);
SEEP_ASSERT_SIZE(struct seep_end, 16);
#endif

#endif
