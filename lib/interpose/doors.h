/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doors: every function that libseep.so puts in front of the program's own. One line each.
 *
 * The version script, the golden list of exports and the README come from this table; a door is
 * defined in the file named beside it. Functions of libc that allocate through these (strdup,
 * getline, asprintf, fopen …) need no door; malloc_usable_size and the like pass by untouched.
 */
#ifndef LIB_INTERPOSE_DOORS_H
#define LIB_INTERPOSE_DOORS_H

/* Makes a function of the library visible to the program. */
#define DOOR __attribute__((visibility("default")))

#define DOORS(X)                                                                                   \
	/* malloc_doors.c */                                                                       \
	X(malloc)                                                                                  \
	X(calloc)                                                                                  \
	X(realloc)                                                                                 \
	X(reallocarray)                                                                            \
	X(free)                                                                                    \
	X(cfree)                                                                                   \
	X(memalign)                                                                                \
	X(aligned_alloc)                                                                           \
	X(posix_memalign)                                                                          \
	X(valloc)                                                                                  \
	X(pvalloc)                                                                                 \
	X(free_sized)                                                                              \
	X(free_aligned_sized)                                                                      \
	/* operator_doors.c: C++, by their mangled names */                                        \
	X(_Znwm)                                                                                   \
	X(_Znam)                                                                                   \
	X(_ZnwmRKSt9nothrow_t)                                                                     \
	X(_ZnamRKSt9nothrow_t)                                                                     \
	X(_ZnwmSt11align_val_t)                                                                    \
	X(_ZnamSt11align_val_t)                                                                    \
	X(_ZnwmSt11align_val_tRKSt9nothrow_t)                                                      \
	X(_ZnamSt11align_val_tRKSt9nothrow_t)                                                      \
	X(_ZdlPv)                                                                                  \
	X(_ZdaPv)                                                                                  \
	X(_ZdlPvm)                                                                                 \
	X(_ZdaPvm)                                                                                 \
	X(_ZdlPvRKSt9nothrow_t)                                                                    \
	X(_ZdaPvRKSt9nothrow_t)                                                                    \
	X(_ZdlPvSt11align_val_t)                                                                   \
	X(_ZdaPvSt11align_val_t)                                                                   \
	X(_ZdlPvmSt11align_val_t)                                                                  \
	X(_ZdaPvmSt11align_val_t)                                                                  \
	X(_ZdlPvSt11align_val_tRKSt9nothrow_t)                                                     \
	X(_ZdaPvSt11align_val_tRKSt9nothrow_t)                                                     \
	/* map_doors.c: pass through unless --track=mmap */                                        \
	X(mmap)                                                                                    \
	X(mmap64)                                                                                  \
	X(munmap)                                                                                  \
	X(mremap)                                                                                  \
	X(brk)                                                                                     \
	X(sbrk)                                                                                    \
	/* process_doors.c: what changes modules or ends the process */                            \
	X(dlopen)                                                                                  \
	X(dlclose)                                                                                 \
	X(vfork)                                                                                   \
	X(execve)                                                                                  \
	X(execv)                                                                                   \
	X(execvp)                                                                                  \
	X(execvpe)                                                                                 \
	X(execl)                                                                                   \
	X(execlp)                                                                                  \
	X(execle)                                                                                  \
	X(fexecve)                                                                                 \
	X(execveat)                                                                                \
	X(_exit)                                                                                   \
	X(_Exit)                                                                                   \
	/* spawn_doors.c: what starts programs past those */                                       \
	X(posix_spawn)                                                                             \
	X(posix_spawnp)                                                                            \
	X(system)                                                                                  \
	X(popen)                                                                                   \
	/* confinement_doors.c: what may take from a fork the folder that it is to write in */     \
	X(chroot)                                                                                  \
	X(setuid)                                                                                  \
	X(seteuid)                                                                                 \
	X(setreuid)                                                                                \
	X(setresuid)                                                                               \
	X(setrlimit)                                                                               \
	X(setrlimit64)                                                                             \
	X(prlimit)                                                                                 \
	X(prlimit64)                                                                               \
	/* lock_doors.c */                                                                         \
	X(mlockall)                                                                                \
	/* signal_doors.c */                                                                       \
	X(sigaltstack)                                                                             \
	/* jump_doors.c */                                                                         \
	X(longjmp)                                                                                 \
	X(_longjmp)                                                                                \
	X(siglongjmp)                                                                              \
	X(__longjmp_chk)                                                                           \
	/* lsan_doors.c: as in sanitizer/lsan_interface.h, and what include/seep.h refers to */    \
	X(__lsan_disable)                                                                          \
	X(__lsan_enable)                                                                           \
	X(__lsan_ignore_object)                                                                    \
	X(__lsan_register_root_region)                                                             \
	X(__lsan_unregister_root_region)                                                           \
	X(__lsan_do_leak_check)                                                                    \
	X(__lsan_do_recoverable_leak_check)                                                        \
	X(seep_disable_)                                                                           \
	X(seep_enable_)                                                                            \
	X(seep_ignore_)                                                                            \
	X(seep_register_root_region_)                                                              \
	X(seep_unregister_root_region_)                                                            \
	X(seep_check_)                                                                             \
	/* start.c: what include/seep.h refers to */                                               \
	X(seep_snapshot_)

#endif
