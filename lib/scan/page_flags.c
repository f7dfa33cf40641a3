/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_flags: which pages of the copy's memory may hold what the program has written.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    static, 36 KiB
 *   Calls     openat, pread64, close; mincore, process_vm_readv, sysinfo
 *   Failure   where nothing is said about pages, all count
 */
#include "lib/scan/page_flags.h"

#include <errno.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>

#include "lib/base/syscalls.h"

#include "lib/base/poison.h"

#define PAGE_BYTES PAGE_FLAGS_PAGE_BYTES
#define PAGES_AT_ONCE 4096u
#define PROBED_AT_ONCE 64u
/* Documentation/admin-guide/mm/pagemap.rst */
#define IS_THERE (3ull << 62)	/* present, or swapped */
#define IS_OF_FILE (1ull << 61) /* or shared */

static int pagemap = -1;
static uint64_t entries[PAGES_AT_ONCE];
static unsigned char is_wanted[PAGES_AT_ONCE];
static uint64_t known_start, known_end; /* the addresses that `is_wanted` is about */

void page_flags_open(void)
{
	pagemap =
		(int)sys_call(SYS_openat, AT_FDCWD, "/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0);
	known_start = known_end = 0;
}

void page_flags_close(void)
{
	if (pagemap >= 0)
		sys_call(SYS_close, pagemap);
	pagemap = -1;
}

/* Which pages can hold anything: a terabyte may be reserved of which one is used, and whoever reads the
 * rest makes page tables for it. What is swapped out the kernel does not count here, so that has to be
 * nothing, on the whole machine: of one process it says so only roughly. */
static void note_made(uint64_t addr, uint64_t pages)
{
	struct sysinfo machine;

	if (sys_call(SYS_mincore, addr, pages * PAGE_BYTES, is_wanted) != 0 ||
	    sys_call(SYS_sysinfo, &machine) != 0 || machine.freeswap != machine.totalswap)
		memset(is_wanted, 1, pages);
	for (uint64_t i = 0; i < pages; i++)
		is_wanted[i] &= 1;
}

/* Of those, which can be read at all: behind the end of a file nothing can, and whoever tries gets
 * SIGBUS. For who may not read the page map, such as a program that has given up root. */
static void probe(uint64_t addr, uint64_t pages)
{
	char bytes[PROBED_AT_ONCE];
	struct iovec here = {.iov_base = bytes, .iov_len = sizeof(bytes)}, there[PROBED_AT_ONCE];
	uint64_t done = 0;

	note_made(addr, pages);
	while (done < pages) {
		uint64_t count = 0;
		long read;

		if (!is_wanted[done]) {
			done++;
			continue;
		}
		for (; count < PROBED_AT_ONCE && done + count < pages && is_wanted[done + count];
		     count++)
			there[count] = (struct iovec){
				.iov_base = (void *)(addr + (done + count) * PAGE_BYTES),
				.iov_len = 1};
		read = sys_call(SYS_process_vm_readv, sys_pid(), &here, 1, there, count, 0);
		if (read < 0 && read != -EFAULT)
			return; /* not to be had either, in a sandbox */
		done += read > 0 ? (uint64_t)read : 0;
		if (read != (long)count)
			is_wanted[done++] = 0;
	}
}

static void look(bool is_private, uint64_t addr, uint64_t end)
{
	uint64_t pages = (end - addr) / PAGE_BYTES;

	pages = pages < PAGES_AT_ONCE ? pages : PAGES_AT_ONCE;
	known_start = addr;
	known_end = addr + pages * PAGE_BYTES;
	if (!is_private) {
		if (sys_call(SYS_mincore, addr, pages * PAGE_BYTES, is_wanted) != 0)
			memset(is_wanted, 0, pages);
		return;
	}
	if (pagemap < 0 ||
	    sys_call(SYS_pread64, pagemap, entries, pages * sizeof(uint64_t),
		     addr / PAGE_BYTES * sizeof(uint64_t)) != (long)(pages * sizeof(uint64_t))) {
		probe(addr, pages);
		return;
	}
	for (uint64_t i = 0; i < pages; i++)
		is_wanted[i] = (entries[i] & IS_THERE) != 0 && (entries[i] & IS_OF_FILE) == 0;
}

bool page_flags_run(bool is_private, uint64_t *start, uint64_t *end)
{
	uint64_t addr = *start & ~(uint64_t)(PAGE_BYTES - 1);
	uint64_t last = (*end + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
	bool is_in_run = false;

	for (; addr < last; addr += PAGE_BYTES) {
		if (addr < known_start || addr >= known_end)
			look(is_private, addr, last);
		if (((is_wanted[(addr - known_start) / PAGE_BYTES] & 1) != 0) == is_in_run)
			continue;
		if (is_in_run) {
			*end = addr;
			return true;
		}
		is_in_run = true;
		*start = addr > *start ? addr : *start;
	}
	return is_in_run;
}
