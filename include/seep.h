/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seep.h: for programs that want to talk to the seep that watches them.
 *
 * Nothing has to be linked: the functions are weak references that libseep.so fills in when it is
 * preloaded. Without it every call is a test of a null pointer and does nothing. Works in C and
 * C++ of any age, in PIE and non-PIE programs and in shared libraries. All functions may be called from any
 * thread; none may be called from a signal handler. errno is left alone.
 */
#ifndef SEEP_H
#define SEEP_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A count, a moment, or a negative errno value; also where C and C++ did not have long long yet. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wlong-long"
typedef long long seep_long;
#pragma GCC diagnostic pop

/* Filled in by libseep.so; call the functions without the underscore below. A program that is linked without
 * PIE would have its linker write a null for them, for good, were they not looked up in the table that the
 * dynamic linker fills in. */
#if defined(__x86_64__) && !defined(__PIC__)
#define SEEP_FILLED_IN(function)                                                                   \
	__extension__({                                                                            \
		__typeof__(&function) seep_filled_in;                                              \
		__asm__(".weak " #function "\n\t{movq " #function "@GOTPCREL(%%rip), %0|mov %0, "  \
			"QWORD PTR " #function "@GOTPCREL[rip]}"                                   \
			: "=r"(seep_filled_in));                                                   \
		seep_filled_in;                                                                    \
	})
#else
#define SEEP_FILLED_IN(function) (&function)
#endif
/* Whatever is said about visibility where this is included: what is hidden nobody can fill in. */
#define SEEP_WEAK __attribute__((weak, visibility("default")))
extern int seep_snapshot_(const char *label) SEEP_WEAK;
extern int seep_mark_(const char *label) SEEP_WEAK;
extern int seep_scan_(const char *label) SEEP_WEAK;
extern seep_long seep_check_(void) SEEP_WEAK;
extern seep_long seep_moment_(void) SEEP_WEAK;
extern seep_long seep_check_since_(seep_long moment) SEEP_WEAK;
extern const char *seep_findings_(void) SEEP_WEAK;
extern void seep_end_scope_(const char *name, seep_long moment) SEEP_WEAK;
extern void *seep_begin_rounds_(int rounds, seep_long *error) SEEP_WEAK;
extern seep_long seep_end_round_(void *rounds) SEEP_WEAK;
extern seep_long seep_end_rounds_(void *rounds) SEEP_WEAK;
extern void seep_ignore_(const void *ptr) SEEP_WEAK;
extern void seep_disable_(void) SEEP_WEAK;
extern void seep_enable_(void) SEEP_WEAK;
extern void seep_register_root_region_(const void *start, size_t bytes) SEEP_WEAK;
extern void seep_unregister_root_region_(const void *start, size_t bytes) SEEP_WEAK;

/* Not 0 when this process is being watched. */
static __inline__ int seep_is_watching(void)
{
	return SEEP_FILLED_IN(seep_snapshot_) != 0;
}

/* Takes a snapshot now and returns when it is in the file. `label` is shown by `seep snapshots` and
 * can be used as FILE@LABEL; null means none, longer than 127 bytes is cut.
 * Where the file is full, old ones go: of those with a label every second, once there are more of them
 * than of those without.
 * Returns 0, also when nobody is watching, or a positive errno value when it could not be written. */
static __inline__ int seep_snapshot(const char *label)
{
	return SEEP_FILLED_IN(seep_snapshot_) ? SEEP_FILLED_IN(seep_snapshot_)(label) : 0;
}

/* Says that the program is in a state to which it comes back again and again, such as between two
 * jobs or with all sessions closed, and takes a snapshot of it. `label` names the state; the same
 * label means the same state, so what grows from one mark to the next of its kind is not given back:
 * nothing tells a leak sooner. Returns when the snapshot is in the file, which takes some
 * milliseconds: a mark for each round of work, not for each of a thousand requests a second. After
 * 262,143 snapshots of any kind the ages of blocks cannot be told apart any more.
 * Results as of seep_snapshot; EINVAL for a label that is null or empty, EFBIG when the file is full
 * and no older mark is left to make room. */
static __inline__ int seep_mark(const char *label)
{
	return SEEP_FILLED_IN(seep_mark_) ? SEEP_FILLED_IN(seep_mark_)(label) : 0;
}

/* Takes a snapshot and looks which blocks can still be reached in this moment, and by whom they are held;
 * returns when that is in the file, which takes as long as reading the whole heap, about a second for each
 * GiB. All threads stand still for some 25 ms for each GiB. Where something is lost, both twice.
 * Results as of seep_snapshot; ENOTSUP when it was not possible to look: the file says why. */
static __inline__ int seep_scan(const char *label)
{
	return SEEP_FILLED_IN(seep_scan_) ? SEEP_FILLED_IN(seep_scan_)(label) : 0;
}

/* Looks as seep_scan does, and returns how many blocks are lost, definitely or indirectly: 0 when there are
 * none or nobody is watching, a negative errno value when nobody could look. */
static __inline__ seep_long seep_check(void)
{
	return SEEP_FILLED_IN(seep_check_) ? SEEP_FILLED_IN(seep_check_)() : 0;
}

/*
 * Checks of a part of a run, such as one test. They need no helper of the test framework's: a test takes a moment
 * when it begins, asks at its end, and fails with what seep_findings says:
 *
 *     seep_long moment = seep_moment();
 *     ...
 *     if (seep_check_since(moment) != 0)
 *             fail(seep_findings());
 */

/* The moment now, to be handed to seep_check_since in this process or in one that is forked from it. Blocks that
 * are allocated from now on, by whichever thread, are allocated since. Takes nanoseconds and writes nothing; but
 * it is a new period of births, of which there are 262,143 in a process, as it is with each snapshot and each
 * check. 0 when nobody is watching, a negative errno value when there is none any more. */
static __inline__ seep_long seep_moment(void)
{
	return SEEP_FILLED_IN(seep_moment_) ? SEEP_FILLED_IN(seep_moment_)() : 0;
}

/* Looks which blocks are lost now that were allocated since, and returns how many, definitely or indirectly lost:
 * 0 when there are none or nobody is watching, a negative errno value when nobody could look (what
 * seep_findings says then is why). Moment 0 is the start of the process; a negative one is returned.
 * What was lost before the moment does not count, nor what still can be reached, whoever holds it. A pointer
 * that is left over on the stack or in a register holds a block, too; those of a thread that was just joined
 * do for a moment more.
 * Writes nothing into the file. Takes less than a millisecond where nothing is left that was allocated since;
 * otherwise as long as it takes to read the heap, once, and twice when something seems lost. Where the process
 * has several threads the second look is a tenth of a second later. */
static __inline__ seep_long seep_check_since(seep_long moment)
{
	return SEEP_FILLED_IN(seep_check_since_) ? SEEP_FILLED_IN(seep_check_since_)(moment) : 0;
}

/* What the last check of this thread has found (seep_check_since, seep_require_no_growth), for a person: of each
 * site the blocks and bytes that count and the stack that allocated them. Lines that end with a newline, made
 * to be printed where a test says why it failed. Empty when nothing was found. Valid until the thread's next
 * check; never null. */
static __inline__ const char *seep_findings(void)
{
	return SEEP_FILLED_IN(seep_findings_) ? SEEP_FILLED_IN(seep_findings_)() : "";
}

struct seep_rounds {
	void (*body)(void *data);
	void *data, *growth;
	seep_long error;
	int left;
};

/* Ends what seep_require_no_growth has begun, also when the body has thrown. */
static __inline__ void seep_drop_rounds(struct seep_rounds *rounds)
{
	if (rounds->growth)
		SEEP_FILLED_IN(seep_end_rounds_)(rounds->growth);
}

/* A function of its own, and the whole of the loop: a compiler makes copies of a loop's body where there is more to
 * it, and blocks that are allocated in one copy or another have different stacks. */
static __attribute__((noinline, unused)) int seep_run_round(struct seep_rounds *rounds)
{
	rounds->body(rounds->data);
	if (rounds->growth && rounds->error == 0)
		rounds->error = SEEP_FILLED_IN(seep_end_round_)(rounds->growth);
	return --rounds->left > 0;
}

/* Runs body(data) so many times, 2 at least, and returns how many sites keep growing; which, says seep_findings.
 * A round must be the same work each time and leave the program in the same state. The first quarter of the
 * rounds is not judged: statics, lazy initialisation. After it a site keeps growing that has more bytes after
 * every round than after the one before. From 16 rounds on also one of which ever more blocks grow old: the least
 * number of those that have outlived a fifth of the rounds rises all the time, whatever comes and goes
 * beside it. So a cache that fills seems to grow until it is full; take as many rounds as fill it in less than
 * half of them (20 are a good number), or make it small for the test.
 * 0 when none grows or nobody is watching (the body runs all the same), a negative errno value when nobody could
 * look: EINVAL for fewer than two rounds. A body that jumps out of it, or ends its thread, ends the rounds. Each round costs a walk over all live blocks, some 10 ms for two
 * million. Blocks count whoever has allocated them, and whether or not they can be reached. */
static __inline__ seep_long seep_require_no_growth(int rounds, void (*body)(void *data), void *data)
{
	struct seep_rounds all __attribute__((cleanup(seep_drop_rounds)));
	seep_long result;

	all.body = body;
	all.data = data;
	all.growth = 0;
	all.error = 0;
	all.left = rounds;
	if (SEEP_FILLED_IN(seep_begin_rounds_))
		all.growth = SEEP_FILLED_IN(seep_begin_rounds_)(rounds, &all.error);
	if (rounds > 0)
		while (seep_run_round(&all))
			;
	if (!all.growth)
		return all.error;
	result = SEEP_FILLED_IN(seep_end_rounds_)(all.growth);
	all.growth = 0;
	return all.error != 0 ? all.error : result;
}

/*
 * A scope in the code. Where it ends, whichever way, what is lost of what was allocated since it began, by any
 * thread, is said on stderr with its stacks. That is all that happens there; that the program fails is up to
 * `seep check`, to which it is lost at the end as well.
 *
 *     SEEP_SCOPE("parse");         in C, up to the end of the block
 *     seep::scope scope("parse");  in C++
 */
struct seep_scope {
	const char *name;
	seep_long moment;
};

static __inline__ struct seep_scope seep_begin_scope(const char *name)
{
	struct seep_scope scope;

	scope.name = name;
	scope.moment = seep_moment();
	return scope;
}

static __inline__ void seep_end_scope(struct seep_scope *scope)
{
	if (SEEP_FILLED_IN(seep_end_scope_))
		SEEP_FILLED_IN(seep_end_scope_)(scope->name, scope->moment);
}

#define SEEP_SCOPE_NAMED(variable, name)                                                           \
	struct seep_scope variable __attribute__((cleanup(seep_end_scope), unused)) =              \
		seep_begin_scope(name)
#define SEEP_SCOPE_NUMBERED(number, name) SEEP_SCOPE_NAMED(seep_scope_##number, name)
#define SEEP_SCOPE_EXPANDED(number, name) SEEP_SCOPE_NUMBERED(number, name)
#define SEEP_SCOPE(name) SEEP_SCOPE_EXPANDED(__COUNTER__, name)

/*
 * What is no leak although it looks like one. All of this has the meaning that LeakSanitizer gives it
 * (sanitizer/lsan_interface.h), whose functions do the same in a program that is watched.
 */

/* The block that `ptr` points to or into is no leak, nor is what it leads to. */
static __inline__ void seep_ignore(const void *ptr)
{
	if (SEEP_FILLED_IN(seep_ignore_))
		SEEP_FILLED_IN(seep_ignore_)(ptr);
}

/* What this thread allocates between seep_disable and seep_enable is none either. Pairs may be nested. */
static __inline__ void seep_disable(void)
{
	if (SEEP_FILLED_IN(seep_disable_))
		SEEP_FILLED_IN(seep_disable_)();
}

static __inline__ void seep_enable(void)
{
	if (SEEP_FILLED_IN(seep_enable_))
		SEEP_FILLED_IN(seep_enable_)();
}

/* What the words of this memory point to is reachable, wherever the memory lies. To take it back, the same
 * start and length. */
static __inline__ void seep_register_root_region(const void *start, size_t bytes)
{
	if (SEEP_FILLED_IN(seep_register_root_region_))
		SEEP_FILLED_IN(seep_register_root_region_)(start, bytes);
}

static __inline__ void seep_unregister_root_region(const void *start, size_t bytes)
{
	if (SEEP_FILLED_IN(seep_unregister_root_region_))
		SEEP_FILLED_IN(seep_unregister_root_region_)(start, bytes);
}

#ifdef __cplusplus
}

namespace seep
{
class scope
{
      public:
	explicit scope(const char *name) : begun(seep_begin_scope(name))
	{
	}
	~scope()
	{
		seep_end_scope(&begun);
	}

      private:
	scope(const scope &);
	scope &operator=(const scope &);
	seep_scope begun;
};
} /* namespace seep */
#endif
#endif
