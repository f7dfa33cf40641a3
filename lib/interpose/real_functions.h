/* SPDX-License-Identifier: Apache-2.0 */
/*
 * real_functions: the functions behind the doors, as the program would have reached them without
 * us.
 */
#ifndef LIB_INTERPOSE_REAL_FUNCTIONS_H
#define LIB_INTERPOSE_REAL_FUNCTIONS_H

#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/types.h>

/* name, result, parameters; found with dlsym(RTLD_NEXT) at the first call of any door. All but
 * execveat (2.34) exist in every glibc since 2.17. */
#define REAL_FUNCTIONS(X)                                                                          \
	X(malloc, void *, (size_t))                                                                \
	X(free, void, (void *))                                                                    \
	X(calloc, void *, (size_t, size_t))                                                        \
	X(realloc, void *, (void *, size_t))                                                       \
	X(memalign, void *, (size_t, size_t))                                                      \
	X(aligned_alloc, void *, (size_t, size_t))                                                 \
	X(posix_memalign, int, (void **, size_t, size_t))                                          \
	X(valloc, void *, (size_t))                                                                \
	X(pvalloc, void *, (size_t))                                                               \
	X(mmap, void *, (void *, size_t, int, int, int, off_t))                                    \
	X(munmap, int, (void *, size_t))                                                           \
	X(mremap, void *, (void *, size_t, size_t, int, ...))                                      \
	X(brk, int, (void *))                                                                      \
	X(sbrk, void *, (intptr_t))                                                                \
	X(dlopen, void *, (const char *, int))                                                     \
	X(dlclose, int, (void *))                                                                  \
	X(sigaltstack, int, (const stack_t *, stack_t *))                                          \
	X(vfork, pid_t, (void))                                                                    \
	X(execve, int, (const char *, char *const[], char *const[]))                               \
	X(execvpe, int, (const char *, char *const[], char *const[]))                              \
	X(fexecve, int, (int, char *const[], char *const[]))                                       \
	X(execveat, int, (int, const char *, char *const[], char *const[], int))                   \
	X(posix_spawn, int,                                                                        \
	  (pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,   \
	   char *const[], char *const[]))                                                          \
	X(posix_spawnp, int,                                                                       \
	  (pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,   \
	   char *const[], char *const[]))                                                          \
	X(system, int, (const char *))                                                             \
	X(popen, FILE *, (const char *, const char *))                                             \
	X(chroot, int, (const char *))                                                             \
	X(setuid, int, (uid_t))                                                                    \
	X(seteuid, int, (uid_t))                                                                   \
	X(setreuid, int, (uid_t, uid_t))                                                           \
	X(setresuid, int, (uid_t, uid_t, uid_t))                                                   \
	X(setrlimit, int, (__rlimit_resource_t, const struct rlimit *))                            \
	X(prlimit, int, (pid_t, __rlimit_resource_t, const struct rlimit *, struct rlimit *))      \
	X(_exit, void, (int))                                                                      \
	X(longjmp, void, (struct __jmp_buf_tag *, int))                                            \
	X(_longjmp, void, (struct __jmp_buf_tag *, int))                                           \
	X(siglongjmp, void, (struct __jmp_buf_tag *, int))                                         \
	X(__longjmp_chk, void, (struct __jmp_buf_tag *, int))                                      \
	X(exit, void, (int)) /* to know its frame by */

struct real_functions {
#define REAL_MEMBER(name, result, parameters) result(*name) parameters;
	REAL_FUNCTIONS(REAL_MEMBER)
#undef REAL_MEMBER
};

/* Callable from the first instruction on: before they are found, the members find them. */
extern struct real_functions real __attribute__((visibility("hidden")));

/* Where exit is: its name is poisoned, for we never call it. */
static inline uintptr_t real_exit_addr(void)
{
	return (uintptr_t)real.exit;
}

/* Finds them all. Returns false while that is under way in this thread: dlsym itself allocates. */
bool real_functions_find(void);

/* The next function of that name where it is no part of the allocator, whose free is real.free; else null. */
void *real_functions_find_namesake(const char *name);

/* Does the program, or a library in front of ours, define malloc? Then nobody calls our doors but
 * what that one passes on. Asked once, at the start. */
bool real_functions_are_behind_another(void);

#endif
