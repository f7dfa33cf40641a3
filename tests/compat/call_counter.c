/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_counter: counts the blocks that libc gives out and takes back, in a file for each process.
 *
 * Preloaded behind libseep.so it is what seep takes for the real malloc, so both see the same calls of
 * the same run. They share no code. The counts lie in a mapped file, FOLDER/PID.N, and are complete
 * however the process ends. N tells apart what one process was before and after exec.
 *
 * As in seep, a realloc that succeeds gives out a block and takes one back.
 *
 *   COMPAT_COUNTS   the folder; without it nothing is counted
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* glibc's own malloc, by names that nobody interposes. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *ptr, size_t bytes);
extern void *__libc_memalign(size_t align, size_t bytes);
extern void *__libc_valloc(size_t bytes);
extern void *__libc_pvalloc(size_t bytes);
extern void __libc_free(void *ptr);

#define MAX_IMAGES 100000

/* As Python reads it. */
struct counts {
	_Atomic(uint64_t) given, taken;
};
static struct counts nowhere;

/* A page that fork wipes: so a child finds out that it needs counts of its own, and a child of vfork,
 * which is its parent as far as memory goes, does not. */
static struct own {
	struct counts *counts;
} * own;

/* Programs that write over their environment, such as nginx, have none later. */
static char folder[PATH_MAX];

static struct counts *open_counts(void)
{
	char path[PATH_MAX + 32];
	int fd = -1;
	if (!*folder) {
		const char *value = getenv("COMPAT_COUNTS");
		snprintf(folder, sizeof(folder), "%s", value ? value : "");
	}
	if (!*folder)
		return &nowhere;
	for (int image = 1; fd < 0 && image < MAX_IMAGES; image++) {
		snprintf(path, sizeof(path), "%s/%d.%d", folder, (int)getpid(), image);
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd < 0 && errno != EEXIST)
			return &nowhere;
	}
	void *mapped = MAP_FAILED;
	if (fd >= 0 && ftruncate(fd, sizeof(struct counts)) == 0)
		mapped = mmap(NULL, sizeof(struct counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			      0);
	if (fd >= 0)
		close(fd);
	return mapped == MAP_FAILED ? &nowhere : mapped;
}

static struct counts *counts_slow(void)
{
	int error = errno;
	if (!own) {
		void *page = mmap(NULL, sizeof(*own), PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (page == MAP_FAILED || madvise(page, sizeof(*own), MADV_WIPEONFORK) != 0)
			abort();
		own = page;
	}
	own->counts = open_counts();
	errno = error;
	return own->counts;
}

static struct counts *counts(void)
{
	return own && own->counts ? own->counts : counts_slow();
}

static void *given(void *ptr)
{
	if (ptr)
		atomic_fetch_add(&counts()->given, 1);
	return ptr;
}

void free(void *ptr)
{
	if (ptr)
		atomic_fetch_add(&counts()->taken, 1);
	__libc_free(ptr);
}

void *malloc(size_t bytes)
{
	return given(__libc_malloc(bytes));
}

void *calloc(size_t count, size_t bytes)
{
	return given(__libc_calloc(count, bytes));
}

void *realloc(void *ptr, size_t bytes)
{
	void *result = given(__libc_realloc(ptr, bytes));
	if (ptr && (result || bytes == 0))
		atomic_fetch_add(&counts()->taken, 1);
	return result;
}

void *reallocarray(void *ptr, size_t count, size_t bytes)
{
	size_t product;
	if (__builtin_mul_overflow(count, bytes, &product)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(ptr, product);
}

void *memalign(size_t align, size_t bytes);
void *memalign(size_t align, size_t bytes)
{
	return given(__libc_memalign(align, bytes));
}

void *aligned_alloc(size_t align, size_t bytes)
{
	return given(__libc_memalign(align, bytes));
}

int posix_memalign(void **ptr, size_t align, size_t bytes)
{
	bool is_power = align != 0 && (align & (align - 1)) == 0;
	if (!is_power || align % sizeof(void *) != 0)
		return EINVAL;
	int error = errno;
	void *result = given(__libc_memalign(align, bytes));
	errno = error;
	if (!result)
		return ENOMEM;
	*ptr = result;
	return 0;
}

void *valloc(size_t bytes)
{
	return given(__libc_valloc(bytes));
}

void *pvalloc(size_t bytes);
void *pvalloc(size_t bytes)
{
	return given(__libc_pvalloc(bytes));
}
