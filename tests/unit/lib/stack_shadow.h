/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_shadow: the stack as the functions on it say themselves.
 *
 * Each function notes its own return address when it is entered and takes it back before it returns.
 * So the list is what is on the stack by construction: nobody has unwound anything for it. What lies
 * between two functions of the test and belongs to libc or libstdc++ is a gap of known kind.
 *
 * An exception or a jump takes nothing back; the function in which it ends says that whatever was
 * inside of it is gone (stack_shadow_back).
 */
#ifndef TESTS_UNIT_LIB_STACK_SHADOW_H
#define TESTS_UNIT_LIB_STACK_SHADOW_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What makes a stack hard to follow: a frame that is on it, or what has happened just before. */
#define STACK_FEATURES(X)                                                                          \
	X(CALL, "plain calls")                                                                     \
	X(ALLOCA, "a frame with alloca")                                                           \
	X(VARIABLE_ARRAY, "a frame with an array of variable length")                              \
	X(ALIGNED_32, "a frame aligned to 32, with alloca")                                        \
	X(ALIGNED_64, "a frame aligned to 64, with arguments on the stack")                        \
	X(ALIGNED_4096, "a frame aligned to 4096")                                                 \
	X(LARGE, "a frame of 20,000 bytes")                                                        \
	X(ALL_REGISTERS, "a frame that saves all registers")                                       \
	X(MANY_ARGUMENTS, "a call with pushed and variable arguments")                             \
	X(OTHER_CONVENTION, "a function of another calling convention")                            \
	X(VIRTUAL_CALL, "a virtual call")                                                          \
	X(TAIL_CALL, "a call in tail position")                                                    \
	X(MUST_TAIL, "a call that must be a jump")                                                 \
	X(OTHER_BUILD, "a call into another build")                                                \
	X(LIBC_CALLBACK, "a callback from libc")                                                   \
	X(CATCHES, "a frame that catches")                                                         \
	X(CAUGHT, "after an exception was caught")                                                 \
	X(UNWINDING, "in a destructor while an exception passes")                                  \
	X(IN_CATCH, "in a handler of an exception")                                                \
	X(THROWN_AGAIN, "an exception is thrown again")                                            \
	X(REPLACED, "an exception is replaced by another one")                                     \
	X(EXCEPTION_ENDS, "in the destructor of an exception")                                     \
	X(THROWN_IN_DESTRUCTOR, "exceptions while an exception passes")                            \
	X(JUMPED, "after longjmp")                                                                 \
	X(JUMPED_FROM_HANDLER, "after longjmp out of a signal handler")                            \
	X(HANDLER, "a signal handler")                                                             \
	X(HANDLER_ELSEWHERE, "a signal handler on another stack")                                  \
	X(HANDLER_IN_HANDLER, "a signal handler inside a signal handler")                          \
	X(TRAP, "a signal at an instruction of our own")                                           \
	X(THROWN_FROM_HANDLER, "an exception out of a signal handler")                             \
	X(COROUTINE, "a coroutine")                                                                \
	X(COROUTINE_AGAIN, "a coroutine that goes on")                                             \
	X(COROUTINE_INSIDE, "a coroutine resumed by a coroutine")                                  \
	X(COROUTINE_REMAPPED, "a coroutine whose stack was unmapped and mapped again")             \
	X(COROUTINE_COPIED, "a coroutine whose stack is copied in and out")                        \
	X(COROUTINE_MOVED, "a coroutine that goes on in another thread")                           \
	X(THREAD, "a thread")                                                                      \
	X(THREAD_EXIT, "while pthread_exit unwinds")                                               \
	X(THREAD_CANCEL, "while pthread_cancel unwinds")                                           \
	X(THREAD_DATA, "in the destructor of a thread's data")                                     \
	X(DEEP, "a recursion of up to 10,000 frames")                                              \
	X(CUT, "cut at a small depth")                                                             \
	X(RELOADED, "a module where another one was")

enum stack_feature {
#define X(name, text) STACK_##name,
	STACK_FEATURES(X)
#undef X
		STACK_FEATURE_COUNT
};

#define STACK_SHADOW_ROOM 16384u
#define STACK_SHADOW_BASE_ROOM 48u
#define STACK_SHADOW_JUMPS 32u

enum stack_shadow_kind {
	STACK_SHADOW_RETURN, /* this return address */
	STACK_SHADOW_LIBC, /* some of shared libraries, then one in the function that called them */
	STACK_SHADOW_SIGNAL, /* the mark of a signal, then the same */
	STACK_SHADOW_TRAP,   /* the mark of a signal, then this instruction */
};

struct stack_shadow_frame {
	uint64_t pc;
	uint64_t features; /* of this and all frames outside of it, a bit each */
	enum stack_feature feature;
	enum stack_shadow_kind kind;
	uint32_t together; /* how many came with it and go with it: those that were to jump */
};

/* One stack, of a thread or of a coroutine. */
struct stack_shadow {
	struct stack_shadow_frame frames[STACK_SHADOW_ROOM]; /* frames[0] is the outermost one */
	uint32_t count;
	/* Outside of frames[0], innermost first. */
	uint64_t base[STACK_SHADOW_BASE_ROOM];
	uint32_t base_count;
	/* Functions that are going to jump, or to call, in tail position. */
	uint64_t leaving[8];
	uint32_t leaving_count;

	uintptr_t lowest;  /* address that may be used on the stack itself */
	uint64_t features; /* of the whole stack */

	/* Where to jump back to on this stack. */
	struct {
		jmp_buf buffer;
	} jumps[STACK_SHADOW_JUMPS];
	uint32_t jump_count;
	uint32_t destructors; /* that are running: what leaves one ends the program */
	bool is_ending;	      /* its thread is being unwound: no jump may stop that */
};

/* What libstdc++ keeps for each thread about exceptions in flight (__cxa_eh_globals of the Itanium C++
 * ABI, 2.2.2). It belongs to the stack: who switches to another one, or jumps, puts it right. */
struct stack_exceptions {
	void *caught; /* and not ended yet */
	unsigned int uncaught;
};
struct stack_exceptions *stack_shadow_exceptions(void);

/* The shadow of the stack that the calling code is on; null: it has none. The thread may change while
 * a coroutine waits, so nobody remembers an address of its thread's data over a switch. */
struct stack_shadow *stack_shadow_here(void);
void stack_shadow_use(struct stack_shadow *shadow);

/* Memory for one, empty. Never given back: a test has a few dozen. */
struct stack_shadow *stack_shadow_make(void);
void stack_shadow_clear(struct stack_shadow *shadow);

/* The calling function has been entered; `pc` is its own return address. Returns its mark. */
uint32_t stack_shadow_enter(const void *pc, enum stack_feature feature);

/* The calling function, entered from here, ends in a call that may be a jump. */
void stack_shadow_jump(const void *pc);

/* Between the function last entered and the next one to be lies this. Returns a mark. */
uint32_t stack_shadow_gap(enum stack_shadow_kind kind, const void *pc, enum stack_feature feature);

/* In the function with this mark: what was inside of it is gone. */
void stack_shadow_back(uint32_t mark);

/* The function or gap with this mark is gone. */
void stack_shadow_leave(uint32_t mark);

/* The features on the stack, a bit each. */
uint64_t stack_shadow_features(void);

/* Whether these frames, innermost first, are the stack from `pc` outwards; `is_cut`: only its
 * innermost ones. With SEEP_PC_SIGNAL before a frame that was interrupted. */
bool stack_shadow_is(const struct stack_shadow *shadow, uint64_t pc, const uint64_t *frames,
		     uint32_t count, bool is_cut);

/* Of a thread stopped at an arbitrary instruction: whether these frames end with the shadow's, but for the
 * few that say nothing or have not yet said that they are there, and for at most `left_max` that have
 * been left without saying so. */
bool stack_shadow_ends(const struct stack_shadow *shadow, const uint64_t *frames, uint32_t count,
		       uint32_t left_max);

/* The feature of the function that frames[index - 1] is in, of a stack that is the shadow's: it returns
 * to frames[index]. STACK_FEATURE_COUNT where frames[index] is in a gap or outside. */
enum stack_feature stack_shadow_feature_at(const struct stack_shadow *shadow,
					   const uint64_t *frames, uint32_t count, uint32_t index);

void stack_shadow_show(const struct stack_shadow *shadow);

#ifdef __cplusplus
}
#endif

#endif
