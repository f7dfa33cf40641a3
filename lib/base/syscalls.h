/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscalls: the kernel without libc.
 *
 * Results are the kernel's own: a negative errno value on failure. Nothing here touches errno, and
 * nothing is a cancellation point. The helper that shares our memory without being a thread may
 * use these and no libc function at all.
 */
#ifndef LIB_BASE_SYSCALLS_H
#define LIB_BASE_SYSCALLS_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>

#if defined(__x86_64__)
static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f)
{
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;
	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}
#else
#error "seep runs on x86_64 (and is prepared for aarch64)"
#endif

#define SYS_ARG(x) ((long)(x))
#define sys_call(number, ...) SYS_CALL_(number, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define SYS_CALL_(number, a, b, c, d, e, f, ...)                                                   \
	sys_call6(number, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), SYS_ARG(d), SYS_ARG(e), SYS_ARG(f))

/* True for results that mean failure; addresses returned by mmap are not. */
static inline bool sys_failed(long result)
{
	return (unsigned long)result >= (unsigned long)-4095;
}

/* Nanoseconds of a clock (CLOCK_MONOTONIC, CLOCK_REALTIME). */
static inline uint64_t sys_clock_ns(int clock)
{
	struct timespec now = {0, 0};

	sys_call(SYS_clock_gettime, clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void sys_sleep_ns(uint64_t ns)
{
	struct timespec pause = {.tv_sec = (time_t)(ns / 1000000000u),
				 .tv_nsec = (long)(ns % 1000000000u)};

	sys_call(SYS_nanosleep, &pause, 0);
}

static inline uint32_t sys_pid(void)
{
	return (uint32_t)sys_call(SYS_getpid);
}

static inline uint32_t sys_tid(void)
{
	return (uint32_t)sys_call(SYS_gettid);
}

/* Writes all of it, also when interrupted. Returns 0 or a negative errno value. */
static inline int sys_write_all(int fd, const void *data, size_t bytes)
{
	const char *next = data;

	while (bytes > 0) {
		long written = sys_call(SYS_write, fd, next, bytes);

		if (written == -4) /* EINTR */
			continue;
		if (written <= 0)
			return written < 0 ? (int)written : -5; /* EIO */
		next += written;
		bytes -= (size_t)written;
	}
	return 0;
}

/* Reads up to `bytes` bytes of a file into `data`. Returns how many, or a negative errno value. */
static inline long sys_read_file(const char *path, void *data, size_t bytes)
{
	long fd = sys_call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	long got, total = 0;

	if (fd < 0)
		return fd;
	while ((size_t)total < bytes) {
		got = sys_call(SYS_read, fd, (char *)data + total, bytes - (size_t)total);
		if (got <= 0)
			break;
		total += got;
	}
	sys_call(SYS_close, fd);
	return total;
}

/* Closes all descriptors but one. Before Linux 5.9 there is no close_range. */
static inline void sys_close_all_but(int kept)
{
	if ((kept == 0 || sys_call(SYS_close_range, 0, kept - 1, 0) == 0) &&
	    sys_call(SYS_close_range, kept + 1, ~0u, 0) == 0)
		return;
	for (int fd = 0; fd < 1 << 16; fd++)
		if (fd != kept)
			sys_call(SYS_close, fd);
}

#endif
