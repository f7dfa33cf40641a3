/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chosen_site: a malloc that looks who calls it, and has the blocks of one site followed.
 *
 *   INJECT_SITE   offsets of return addresses in their modules, hexadecimal, innermost first, with
 *                 commas between; without it nothing is looked at
 *
 * Stacks are libunwind's. It is opened with RTLD_LOCAL, for its _Unwind_ functions are not to be the
 * program's. The twelve innermost frames are looked at first: those of hardly any other site are the
 * same.
 */
#include "tests/real/chosen_site.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_FRAMES 128
#define FIRST_FRAMES 12
#define OUR_FRAMES 8   /* in this library, libseep.so and libstdc++'s operator new */
#define IN_PAGE 0xfffu /* modules are loaded at whole pages */

static uintptr_t site[MAX_FRAMES];
static int site_count;
static int (*backtrace_of)(void **frames, int count);
static struct dl_find_object seep; /* libseep.so */
static __thread bool is_looking __attribute__((tls_model("initial-exec")));

static struct {
	void *(*malloc)(size_t bytes);
	void *(*calloc)(size_t count, size_t bytes);
	void *(*realloc)(void *ptr, size_t bytes);
	void *(*memalign)(size_t align, size_t bytes);
	void *(*aligned_alloc)(size_t align, size_t bytes);
	int (*posix_memalign)(void **ptr, size_t align, size_t bytes);
} real;

/* Before the constructor, and while it looks for the others: glibc's own. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *ptr, size_t bytes);
extern void *__libc_memalign(size_t align, size_t bytes);

#define NEXT(name) (*(void **)&real.name = dlsym(RTLD_NEXT, #name))

static bool find_real(void)
{
	static bool is_finding;
	if (is_finding)
		return false;
	is_finding = true;
	bool is_found = NEXT(calloc) && NEXT(realloc) && NEXT(memalign) && NEXT(aligned_alloc) &&
			NEXT(posix_memalign) && NEXT(malloc);
	is_finding = false;
	return is_found;
}

__attribute__((constructor)) static void read_settings(void)
{
	const char *at = getenv("INJECT_SITE");
	void *library = at ? dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL) : NULL;
	void *followed_by = at ? dlopen("libseep.so", RTLD_NOW | RTLD_NOLOAD) : NULL;
	/* Not RTLD_DEFAULT: a program at a fixed address has a malloc, which jumps to the real one. */
	if (!library || !followed_by || _dl_find_object(dlsym(followed_by, "malloc"), &seep) != 0)
		return;
	*(void **)&backtrace_of = dlsym(library, "unw_backtrace");
	int count = 0;
	for (char *end; *at && count < MAX_FRAMES; at = end + (*end == ',')) {
		site[count++] = strtoull(at, &end, 16);
		if (end == at)
			return;
	}
	site_count = backtrace_of ? count : 0;
}

/* How many frames lie inside of the program's own: up to libseep.so's outermost. */
static int own_frames(void *const *frames, int count)
{
	int own = 1; /* is_of_site is inlined into each door */
	for (int i = 0; i < count && i < OUR_FRAMES; i++)
		if (frames[i] >= seep.dlfo_map_start && frames[i] < seep.dlfo_map_end)
			own = i + 1;
	return own;
}

static bool is_same_page_offset(void *const *frames, int count)
{
	for (int i = 0; i < count; i++)
		if (((uintptr_t)frames[i] ^ site[i]) & IN_PAGE)
			return false;
	return true;
}

static bool is_same(void *const *frames, int count)
{
	for (int i = 0; i < count; i++) {
		struct dl_find_object found;
		if (_dl_find_object(frames[i], &found) != 0 ||
		    (uintptr_t)frames[i] - found.dlfo_link_map->l_addr != site[i])
			return false;
	}
	return true;
}

static bool is_of_site(void)
{
	void *frames[MAX_FRAMES + OUR_FRAMES];
	int count = backtrace_of(frames, FIRST_FRAMES);
	int own = own_frames(frames, count);
	int shared = count - own < site_count ? count - own : site_count;
	if (shared <= 0 || !is_same_page_offset(frames + own, shared))
		return false;
	if (shared < site_count) {
		count = backtrace_of(frames, MAX_FRAMES + OUR_FRAMES);
		if (count - own < site_count)
			return false;
	}
	return is_same_page_offset(frames + own, site_count) && is_same(frames + own, site_count);
}

/* Every door ends with this. */
static void *looked_at(void *ptr)
{
	if (!ptr || !site_count || is_looking)
		return ptr;
	int error = errno;
	is_looking = true;
	if (is_of_site())
		lost_frees_follow(ptr);
	is_looking = false;
	errno = error;
	return ptr;
}

void *malloc(size_t bytes)
{
	if (!real.malloc && !find_real())
		return __libc_malloc(bytes);
	return looked_at(real.malloc(bytes));
}

void *calloc(size_t count, size_t bytes)
{
	if (!real.malloc && !find_real())
		return __libc_calloc(count, bytes);
	return looked_at(real.calloc(count, bytes));
}

void *realloc(void *ptr, size_t bytes)
{
	if (!real.malloc && !find_real())
		return __libc_realloc(ptr, bytes);
	lost_frees_forget(ptr);
	return looked_at(real.realloc(ptr, bytes));
}

void *memalign(size_t align, size_t bytes)
{
	if (!real.malloc && !find_real())
		return __libc_memalign(align, bytes);
	return looked_at(real.memalign(align, bytes));
}

void *aligned_alloc(size_t align, size_t bytes)
{
	if (!real.malloc && !find_real())
		return __libc_memalign(align, bytes);
	return looked_at(real.aligned_alloc(align, bytes));
}

int posix_memalign(void **ptr, size_t align, size_t bytes)
{
	if (!real.malloc && !find_real())
		return ENOMEM;
	int error = real.posix_memalign(ptr, align, bytes);
	if (error == 0)
		looked_at(*ptr);
	return error;
}
