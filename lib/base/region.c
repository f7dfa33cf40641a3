/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region: the library's own memory, straight from the kernel.
 *
 * Every mapping is noted in a fixed list, which serves two ends: the tool can show what seep costs,
 * and a scan of the process can leave our tables out. The list is append-only with reusable slots;
 * when it is full, mappings are still made and only counted.
 *
 *   Runs in   the target, inside malloc; the helper
 *   Locks     none; slots are claimed with compare-and-swap
 *   Memory    itself: a static list of 16384 mappings, of which only what is used is touched
 *   Calls     mmap, mremap, munlock, munmap, madvise, mincore; openat, pread64 and close to gather pages
 *   Failure   null; the caller counts what it could not record
 */
#include "lib/base/region.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "lib/base/invariant.h"
#include "lib/base/syscalls.h"

#include "lib/base/poison.h"

#define REGION_SLOTS 16384

#define PAGE_BYTES 4096u
#define HUGE_PAGE_BYTES (2u << 20)
#define HUGE_PAGE_PAGES (HUGE_PAGE_BYTES / PAGE_BYTES)
/* What may be missing of a huge page takes memory that was not taken before: at most a seventh more. */
#define GATHERED_LEAST (HUGE_PAGE_PAGES / 8 * 7)
#define PAGE_IS_PRESENT (1ull << 63) /* Documentation/admin-guide/mm/pagemap.rst */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1; include/uapi/asm-generic/mman-common.h */
#endif

static struct {
	_Atomic(uintptr_t) start;
	_Atomic(size_t) bytes;
} mappings[REGION_SLOTS];
static _Atomic(size_t) slots_used; /* those behind have never been */
static _Atomic(size_t) mapped_bytes;

static void note(uintptr_t start, size_t bytes)
{
	for (size_t i = 0; i < REGION_SLOTS; i++) {
		uintptr_t empty = 0;
		size_t used;

		if (atomic_load_explicit(&mappings[i].start, memory_order_relaxed) != 0 ||
		    !atomic_compare_exchange_strong(&mappings[i].start, &empty, start))
			continue;
		atomic_store_explicit(&mappings[i].bytes, bytes, memory_order_release);
		used = atomic_load(&slots_used);
		while (used <= i && !atomic_compare_exchange_weak(&slots_used, &used, i + 1))
			;
		return;
	}
}

static _Atomic(bool) is_locked_when_mapped;

void region_expect_locking(bool is_on)
{
	atomic_store(&is_locked_when_mapped, is_on);
}

void region_unlock_all(void)
{
	uintptr_t start;
	size_t bytes;

	for (size_t i = 0; region_at(i, &start, &bytes); i++)
		if (bytes != 0)
			sys_call(SYS_munlock, start, bytes);
}

static long map(size_t bytes)
{
	return sys_call(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* A mapping is locked, and its pages made, when it begins; what it grows by is as the rest of it. */
static long map_unlocked(size_t bytes)
{
	long start = map(PAGE_BYTES), larger;

	if (sys_failed(start))
		return start;
	sys_call(SYS_munlock, start, PAGE_BYTES);
	larger = sys_call(SYS_mremap, start, PAGE_BYTES, bytes, MREMAP_MAYMOVE);
	if (sys_failed(larger))
		sys_call(SYS_munmap, start, PAGE_BYTES);
	return larger;
}

void *region_map(size_t bytes, enum region_fork fork)
{
	long start = atomic_load(&is_locked_when_mapped) ? map_unlocked(bytes) : map(bytes);

	if (sys_failed(start))
		return NULL;
	sys_call(SYS_madvise, start, bytes, MADV_NOHUGEPAGE);
	sys_call(SYS_madvise, start, bytes, MADV_DONTDUMP);
	if (fork == REGION_WIPED_ON_FORK)
		sys_call(SYS_madvise, start, bytes, MADV_WIPEONFORK);
	atomic_fetch_add_explicit(&mapped_bytes, bytes, memory_order_relaxed);
	note((uintptr_t)start, bytes);
	return (void *)start;
}

void region_use_huge_pages(void *start, size_t bytes)
{
	sys_call(SYS_madvise, start, bytes, MADV_HUGEPAGE);
}

static bool is_nearly_full(long page_map, uintptr_t start)
{
	uint64_t pages[HUGE_PAGE_PAGES];
	uint32_t present = 0;

	if (sys_call(SYS_pread64, page_map, pages, sizeof(pages),
		     start / PAGE_BYTES * sizeof(uint64_t)) != (long)sizeof(pages))
		return false;
	for (uint32_t i = 0; i < HUGE_PAGE_PAGES; i++)
		present += (pages[i] & PAGE_IS_PRESENT) != 0;
	return present >= GATHERED_LEAST;
}

/* The advice is taken back, or the kernel would have one more mapping for each run of huge pages. */
static bool gather(uintptr_t start, uintptr_t end)
{
	long result;

	if (start == end)
		return true;
	sys_call(SYS_madvise, start, end - start, MADV_HUGEPAGE);
	result = sys_call(SYS_madvise, start, end - start, MADV_COLLAPSE);
	sys_call(SYS_madvise, start, end - start, MADV_NOHUGEPAGE);
	return result == 0;
}

bool region_gather_pages(void *start, size_t bytes)
{
	const uintptr_t mask = HUGE_PAGE_BYTES - 1;
	uintptr_t next = ((uintptr_t)start + mask) & ~mask,
		  end = ((uintptr_t)start + bytes) & ~mask;
	long page_map =
		sys_call(SYS_openat, AT_FDCWD, "/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0);
	uintptr_t first = next;
	bool is_done = page_map >= 0;

	/* Many at once: for each call the kernel first makes all processors put down what they hold. */
	for (; is_done && next < end; next += HUGE_PAGE_BYTES) {
		if (is_nearly_full(page_map, next))
			continue;
		is_done = gather(first, next);
		first = next + HUGE_PAGE_BYTES;
	}
	if (is_done && first < end)
		is_done = gather(first, end);
	if (page_map >= 0)
		sys_call(SYS_close, page_map);
	return is_done;
}

void region_forget(void *start, size_t bytes)
{
	sys_call(SYS_madvise, start, bytes, MADV_DONTNEED);
}

size_t region_bytes_at(const void *start)
{
	for (size_t i = 0; i < atomic_load(&slots_used); i++)
		if (atomic_load_explicit(&mappings[i].start, memory_order_relaxed) ==
		    (uintptr_t)start)
			return atomic_load_explicit(&mappings[i].bytes, memory_order_acquire);
	return 0;
}

bool region_at(size_t number, uintptr_t *start, size_t *bytes)
{
	if (number >= atomic_load(&slots_used))
		return false;
	*start = atomic_load_explicit(&mappings[number].start, memory_order_acquire);
	*bytes = *start == 0 ? 0
			     : atomic_load_explicit(&mappings[number].bytes, memory_order_acquire);
	return true;
}

void region_unmap(void *start, size_t bytes)
{
	INVARIANT(start != NULL && (uintptr_t)start % 4096 == 0, start, bytes);
	INVARIANT(region_bytes_at(start) == bytes || region_bytes_at(start) == 0,
		  region_bytes_at(start), bytes);
	for (size_t i = 0; i < atomic_load(&slots_used); i++) {
		if (atomic_load_explicit(&mappings[i].start, memory_order_relaxed) ==
		    (uintptr_t)start) {
			atomic_store_explicit(&mappings[i].bytes, 0, memory_order_relaxed);
			atomic_store_explicit(&mappings[i].start, 0, memory_order_release);
			break;
		}
	}
	atomic_fetch_sub_explicit(&mapped_bytes, bytes, memory_order_relaxed);
	sys_call(SYS_munmap, start, bytes);
}

size_t region_mapped_bytes(void)
{
	return atomic_load_explicit(&mapped_bytes, memory_order_relaxed);
}

size_t region_resident_bytes(void)
{
	const size_t page = PAGE_BYTES;
	unsigned char pages[4096];
	size_t resident = 0;

	for (size_t i = 0; i < atomic_load(&slots_used); i++) {
		uintptr_t start = atomic_load_explicit(&mappings[i].start, memory_order_acquire);
		size_t bytes = atomic_load_explicit(&mappings[i].bytes, memory_order_acquire);

		while (start != 0 && bytes > 0) {
			size_t part = bytes < sizeof(pages) * page ? bytes : sizeof(pages) * page;

			/* Unmapped meanwhile: mincore says so and we go on. */
			if (sys_call(SYS_mincore, start, part, pages) != 0)
				break;
			for (size_t p = 0; p < (part + page - 1) / page; p++)
				resident += (pages[p] & 1) ? page : 0;
			start += part;
			bytes -= part;
		}
	}
	return resident;
}
