/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_counter: counts the blocks that malloc gives out and takes back, in a file for each process.
 *
 * Preloaded behind libseep.so it is what seep takes for the real malloc, so both see the same calls of
 * the same run. They share no code. The counts lie in a mapped file, FOLDER/PID.N, and are complete
 * however the process ends. N tells apart what one process was before and after exec.
 *
 * As in seep, a realloc that succeeds gives out a block and takes one back.
 *
 *   COMPAT_COUNTS   the folder; without it nothing is counted
 */
#include <dlfcn.h>
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

/* What the program would have without us, which need not be libc's. All are looked for at once, at the
 * first call: a later dlsym may free the text of an earlier error. Until then glibc's own stand in. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *ptr, size_t bytes);
extern void __libc_free(void *ptr);

struct next {
	void *(*malloc)(size_t bytes);
	void *(*calloc)(size_t count, size_t bytes);
	void *(*realloc)(void *ptr, size_t bytes);
	void (*free)(void *ptr);
	void *(*memalign)(size_t align, size_t bytes);
	void *(*aligned_alloc)(size_t align, size_t bytes);
	int (*posix_memalign)(void **ptr, size_t align, size_t bytes);
	void *(*valloc)(size_t bytes);
	void *(*pvalloc)(size_t bytes);
};
static struct next next;

static const struct next *find_next(void)
{
	static const struct next libc = {.malloc = __libc_malloc,
					 .calloc = __libc_calloc,
					 .realloc = __libc_realloc,
					 .free = __libc_free};
	static bool is_finding;
	if (is_finding)
		return &libc;
	is_finding = true;
	struct next found;
#define FIND(name) *(void **)&found.name = dlsym(RTLD_NEXT, #name)
	FIND(malloc);
	FIND(calloc);
	FIND(realloc);
	FIND(free);
	FIND(memalign);
	FIND(aligned_alloc);
	FIND(posix_memalign);
	FIND(valloc);
	FIND(pvalloc);
	next = found;
	is_finding = false;
	return &next;
}

#define NEXT(name) (next.name ? next.name : find_next()->name)

#define MAX_IMAGES 100000

/* As Python reads it. */
struct counts {
	_Atomic(uint64_t) given, taken;
	_Atomic(uint64_t)
		execs; /* not 0: the process has become another program, perhaps without us */
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
	NEXT(free)(ptr);
}

void *malloc(size_t bytes)
{
	return given(NEXT(malloc)(bytes));
}

void *calloc(size_t count, size_t bytes)
{
	return given(NEXT(calloc)(count, bytes));
}

void *realloc(void *ptr, size_t bytes)
{
	void *result = given(NEXT(realloc)(ptr, bytes));
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
	return given(NEXT(memalign)(align, bytes));
}

void *aligned_alloc(size_t align, size_t bytes)
{
	return given(NEXT(aligned_alloc)(align, bytes));
}

int posix_memalign(void **ptr, size_t align, size_t bytes)
{
	int result = NEXT(posix_memalign)(ptr, align, bytes);
	if (result == 0)
		given(*ptr);
	return result;
}

void *valloc(size_t bytes)
{
	return given(NEXT(valloc)(bytes));
}

void *pvalloc(size_t bytes);
void *pvalloc(size_t bytes)
{
	return given(NEXT(pvalloc)(bytes));
}

#define EXEC(name, parameters, arguments)                                                          \
	int name parameters                                                                        \
	{                                                                                          \
		static int(*_Atomic real) parameters;                                              \
		if (!real)                                                                         \
			real = (int(*) parameters)dlsym(RTLD_NEXT, #name);                         \
		atomic_fetch_add(&counts()->execs, 1);                                             \
		int result = real arguments;                                                       \
		atomic_fetch_sub(&counts()->execs, 1);                                             \
		return result;                                                                     \
	}

EXEC(execve, (const char *path, char *const argv[], char *const envp[]), (path, argv, envp))
EXEC(execv, (const char *path, char *const argv[]), (path, argv))
EXEC(execvp, (const char *path, char *const argv[]), (path, argv))
EXEC(execvpe, (const char *path, char *const argv[], char *const envp[]), (path, argv, envp))
