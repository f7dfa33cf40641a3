/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_doors: what changes the modules or ends this program image.
 *
 * dlopen looks at its caller's run path, and that would be ours: it is only waited for where it does not.
 *
 *   Runs in   the target, in every thread; exec also in vfork children, where nothing is done
 *   Locks     none of its own
 *   Memory    the stack, for the argument lists of execl and its relatives, and for an environment
 *             without us
 *   Calls     the real functions; life_before_exec, life_before_exit
 *   Failure   as the real functions
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include "lib/base/life.h"
#include "lib/interpose/deep_binding.h"
#include "lib/interpose/doors.h"
#include "lib/interpose/preload_list.h"
#include "lib/interpose/real_functions.h"
#include "lib/record/module_list.h"
#include "lib/record/thread_state.h"

DOOR int dlclose(void *handle);

int dlclose(void *handle)
{
	bool has_looked;
	int result;

	if (real.dlclose == NULL)
		real_functions_find();
	if (*life_switch_word != LIFE_ON)
		return real.dlclose(handle);
	has_looked = module_list_begin_close();
	result = real.dlclose(handle);
	module_list_end_close(has_looked);
	return result;
}

#if defined(__x86_64__)
static void *open_deeply(const char *file, int mode)
{
	/* What is there already was bound when it came, and what has come since is not its business: that may
	 * have an allocator of its own. */
	void *handle = real.dlopen(file, mode | RTLD_NOLOAD);

	if (handle != NULL)
		return handle;
	handle = real.dlopen(file, mode);
	if (handle != NULL && *life_switch_word == LIFE_ON)
		deep_binding_lead_to_doors(handle);
	return handle;
}

/* Who is called for this, as if by the program itself. */
__attribute__((used, visibility("hidden"))) typeof(open_deeply) *
process_doors_before_dlopen(const char *file, int mode);

typeof(open_deeply) *process_doors_before_dlopen(const char *file, int mode)
{
	if (real.dlopen == NULL)
		real_functions_find();
	return deep_binding_is_ours(file, mode) ? open_deeply : real.dlopen;
}

__asm__(".text\n"
	".globl dlopen\n"
	".type dlopen, @function\n"
	"dlopen:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	push %rdi\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	push %rsi\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	sub $8, %rsp\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	call process_doors_before_dlopen\n"
	"	add $8, %rsp\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop %rsi\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop %rdi\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	jmp *%rax\n"
	"	.cfi_endproc\n"
	".size dlopen, .-dlopen\n");

/* A fork finds out what it is at its first door. Where that is one of a child that it has vforked
 * meanwhile, that would be taken for the fork: so it finds out before. (Elsewhere than on x86_64 there
 * is no such door yet.) */
__attribute__((used, visibility("hidden"))) pid_t (*process_doors_before_vfork(void))(void);

pid_t (*process_doors_before_vfork(void))(void)
{
	if (real.vfork == NULL)
		real_functions_find();
	if (life_is_on()) {
		/* Makes the thread's state, which the child must not: what it allocates would be lost. */
		struct guard guard = guard_enter();

		guard_leave(&guard);
	}
	return real.vfork;
}

/* vfork returns twice into its caller's frame, so there must be none of ours in between. */
__asm__(".text\n"
	".globl vfork\n"
	".type vfork, @function\n"
	"vfork:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	sub $8, %rsp\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	call process_doors_before_vfork\n"
	"	add $8, %rsp\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	jmp *%rax\n"
	"	.cfi_endproc\n"
	".size vfork, .-vfork\n");
#endif

/* What is to replace this program image, and by which call. */
struct replacement {
	enum { BY_PATH, BY_SEARCH, BY_DESCRIPTOR, BY_FOLDER } by;
	const char *file;
	int fd; /* of the program, or of the folder */
	int flags;
};

static int replace_really(const struct replacement *with, char *const arguments[],
			  char *const environment[])
{
	switch (with->by) {
	case BY_SEARCH:
		return real.execvpe(with->file, arguments, environment);
	case BY_DESCRIPTOR:
		return real.fexecve(with->fd, arguments, environment);
	case BY_FOLDER:
		return real.execveat(with->fd, with->file, arguments, environment, with->flags);
	default:
		return real.execve(with->file, arguments, environment);
	}
}

static __attribute__((noinline)) int replace_without_us(const struct replacement *with,
							char *const arguments[],
							const struct preload_list *list)
{
	char *mended[list->count + 1];
	char text[list->bytes];

	preload_list_mend(list, mended, text);
	return replace_really(with, arguments, mended);
}

static int replace(struct replacement with, char *const arguments[], char *const environment[])
{
	struct preload_list list;
	int result;

	if (real.execve == NULL)
		real_functions_find();
	if (with.by == BY_FOLDER && real.execveat == NULL) {
		errno = ENOSYS;
		return -1;
	}
	life_before_exec();
	result = preload_list_is_broken(&list, environment)
			 ? replace_without_us(&with, arguments, &list)
			 : replace_really(&with, arguments, environment);
	life_exec_failed();
	return result;
}

DOOR int execve(const char *path, char *const arguments[], char *const environment[])
{
	return replace((struct replacement){BY_PATH, .file = path}, arguments, environment);
}

DOOR int execv(const char *path, char *const arguments[])
{
	return replace((struct replacement){BY_PATH, .file = path}, arguments, environ);
}

DOOR int execvp(const char *file, char *const arguments[])
{
	return replace((struct replacement){BY_SEARCH, .file = file}, arguments, environ);
}

DOOR int execvpe(const char *file, char *const arguments[], char *const environment[])
{
	return replace((struct replacement){BY_SEARCH, .file = file}, arguments, environment);
}

DOOR int fexecve(int fd, char *const arguments[], char *const environment[])
{
	return replace((struct replacement){BY_DESCRIPTOR, .fd = fd}, arguments, environment);
}

DOOR int execveat(int folder, const char *path, char *const arguments[], char *const environment[],
		  int flags)
{
	return replace((struct replacement){BY_FOLDER, path, folder, flags}, arguments,
		       environment);
}

/* Arguments from `first` up to the null pointer; on the stack, as libc does it: these functions may
 * be called where malloc may not. */
#define GATHER(first, list, count, arguments)                                                      \
	size_t count = 0;                                                                          \
	va_list list;                                                                              \
	va_start(list, first);                                                                     \
	while (va_arg(list, const char *) != NULL)                                                 \
		count++;                                                                           \
	va_end(list);                                                                              \
	char *arguments[count + 2];                                                                \
	va_start(list, first);                                                                     \
	arguments[0] = (char *)first;                                                              \
	for (size_t i = 1; i <= count + 1; i++)                                                    \
	arguments[i] = va_arg(list, char *)

DOOR int execl(const char *path, const char *first, ...)
{
	GATHER(first, list, count, arguments);
	va_end(list);
	return replace((struct replacement){BY_PATH, .file = path}, arguments, environ);
}

DOOR int execlp(const char *file, const char *first, ...)
{
	GATHER(first, list, count, arguments);
	va_end(list);
	return replace((struct replacement){BY_SEARCH, .file = file}, arguments, environ);
}

DOOR int execle(const char *path, const char *first, ...)
{
	char *const *environment;

	GATHER(first, list, count, arguments);
	environment = va_arg(list, char *const *);
	va_end(list);
	return replace((struct replacement){BY_PATH, .file = path}, arguments, environment);
}

DOOR void _exit(int status)
{
	if (real._exit == NULL)
		real_functions_find();
	life_before_exit(status);
	real._exit(status);
	__builtin_unreachable();
}

DOOR void _Exit(int status)
{
	_exit(status);
}
