/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_doubt: where our stack and libunwind's may differ, each place with its evidence.
 */
#include "tests/unit/lib/stack_doubt.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include "lib/record/cfi_program.h"
#include "seep/snapshot_format.h"

const char *const stack_doubt_texts[] = {"none",
#define X(name, text) text,
					 STACK_DOUBTS(X)
#undef X
};

/*
 * Where libunwind gives up, and the shadow alone is the judge.
 *
 * A function of the other calling convention saves vector registers, DWARF's numbers 23 to 32, and says
 * so in its unwind data. libunwind 1.6.2 knows the registers up to 16: "Invalid register number" in
 * src/dwarf/Gparser.c, UNW_EBADREG from unw_step. What it has found up to that frame must be right.
 */
static bool has_given_up(const struct stack_list *ours, const struct stack_list *theirs)
{
	return theirs->status == -UNW_EBADREG && theirs->count < ours->count &&
	       memcmp(ours->frames, theirs->frames, theirs->count * sizeof(uint64_t)) == 0;
}

/*
 * Before longjmp goes to its target, libc says of it that rsp is in r8 and the CFA in rdi
 * (`readelf --debug-dump=frames`: DW_CFA_register: r7 (rsp) in r8). libunwind 1.6.2 takes the CFA for rsp,
 * whatever its rule (apply_reg_state in src/dwarf/Gparser.c), and is lost behind the first caller.
 * The shadow says where the jump leads.
 */
static bool is_jumping(const struct stack_list *ours, const struct stack_list *theirs,
		       const struct stack_shadow *shadow)
{
	/* The handler's return, the mark of the signal, the instruction, the caller. */
	return ours->count > 4 && theirs->count >= 4 && ours->frames[1] == SEEP_PC_SIGNAL &&
	       cfi_rule(ours->frames[2]).kind == UNWIND_ODD &&
	       memcmp(ours->frames, theirs->frames, 4 * sizeof(uint64_t)) == 0 && shadow != NULL &&
	       stack_shadow_ends(shadow, ours->frames, ours->count, shadow->count);
}

/* libgcc's functions that end in the handler of an exception instead of in their caller. */
static struct {
	uint64_t start, end;
} installers[4];

void stack_doubt_start(void)
{
	static const char *const names[] = {"_Unwind_RaiseException", "_Unwind_Resume",
					    "_Unwind_Resume_or_Rethrow", "_Unwind_ForcedUnwind"};
	void *libgcc = dlopen("libgcc_s.so.1", RTLD_NOW);

	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const ElfW(Sym) * symbol;
		Dl_info info;

		if (libgcc == NULL ||
		    dladdr1(dlsym(libgcc, names[i]), &info, (void **)&symbol, RTLD_DL_SYMENT) == 0)
			abort();
		installers[i].start = (uint64_t)info.dli_saddr;
		installers[i].end = installers[i].start + symbol->st_size;
	}
}

/*
 * Before it goes to a handler, libgcc copies the registers that the handler's frame will find into where
 * its own frame has saved its caller's, the return address among them, and then writes the address of
 * the handler over a return address further out (uw_install_context_1 and eh_return of
 * libgcc/unwind-dw2.c). From there to its last instruction its frame is not what its unwind data says:
 * what is outside of it is read from words that mean something else by now, and nobody is right.
 */
static bool is_installing(const struct stack_list *ours, const struct stack_list *theirs)
{
	for (uint32_t i = 0; i < ours->count && i < theirs->count; i++) {
		if (ours->frames[i] != theirs->frames[i])
			return false;
		for (uint32_t n = 0; n < sizeof(installers) / sizeof(installers[0]); n++)
			if (ours->frames[i] >= installers[n].start &&
			    ours->frames[i] < installers[n].end)
				return true;
	}
	return false;
}

/* Where the bytes are in the code of swapcontext; 0: nowhere. */
static uint64_t in_swapcontext(const char *bytes, size_t count)
{
	return (uint64_t)memmem((const void *)swapcontext, 256, bytes, count);
}

/* glibc says of all of swapcontext that the return address is on top of the stack. It is not between the
 * exchange of the stacks, mov 0xa0(%rdx),%rsp, and mov 0xa8(%rdx),%rcx; push %rcx: whoever believes it
 * there walks into the void. */
static bool is_switching(uint64_t pc)
{
	static const char exchange[] = "\x48\x8b\xa2\xa0\0\0",
			  push[] = "\x48\x8b\x8a\xa8\0\0\0\x51";
	static uint64_t first, last;

	if (first == 0) {
		first = in_swapcontext(exchange, 7) + 7;
		last = in_swapcontext(push, 8) + 7;
	}
	return first <= pc && pc <= last;
}

/* movaps, movups or the same with VEX, from a register to a displacement(%rsp): how many bytes it has;
 * 0: it is another instruction. */
static uint32_t bytes_of_vector_store(const uint8_t *code)
{
	uint32_t prefix = code[0] == 0x44 || (code[0] == 0xc5 && code[1] != 0x0f);

	code += prefix;
	if ((code[0] != 0x0f && prefix == 0) || (code[1] != 0x29 && code[1] != 0x11) ||
	    (code[2] & 7) != 4 || code[3] != 0x24)
		return 0;
	switch (code[2] >> 6) {
	case 0:
		return prefix + 4;
	case 1:
		return prefix + 5;
	case 2:
		return prefix + 8;
	default:
		return 0;
	}
}

/*
 * Where a function of the other calling convention saves vector registers, clang 14 tells of its "sub
 * $room, %rsp" only behind the last of them, so in between the return address is not where it says
 * (`readelf --debug-dump=frames`: DW_CFA_def_cfa_offset comes 74 bytes late). True between the two.
 */
static bool is_told_late(uint64_t pc)
{
	const uint8_t *here = (const uint8_t *)pc;

	for (uint32_t back = 7; back < 100; back++) {
		const uint8_t *code = here - back;

		if (code[0] != 0x48 || code[1] != 0x81 || code[2] != 0xec)
			continue;
		code += 7;
		while (code < here && bytes_of_vector_store(code) > 0)
			code += bytes_of_vector_store(code);
		if (code == here)
			return bytes_of_vector_store(code) > 0;
	}
	return false;
}

/*
 * Where gcc has realigned a frame by way of r10 (DRAP), the row of its epilogue has the caller's rbp at
 * where rbp points, also after "pop %rbp" (`readelf --debug-dump=frames-interp`: rbp stays "exp"). True at
 * the two instructions behind it: lea -8(%r10),%rsp and ret.
 */
static bool is_popped(uint64_t pc)
{
	static const uint8_t leaves[] = {0x49, 0x8d, 0x62, 0xf8, 0xc3};
	const uint8_t *here = (const uint8_t *)pc;

	return memcmp(here, leaves, sizeof(leaves)) == 0 ||
	       (*here == 0xc3 && memcmp(here - 4, leaves, sizeof(leaves)) == 0);
}

enum stack_doubt stack_doubt_at(uint64_t pc)
{
	return is_switching(pc)	  ? STACK_DOUBT_SWITCHING
	       : is_told_late(pc) ? STACK_DOUBT_TOLD_LATE
	       : is_popped(pc)	  ? STACK_DOUBT_POPPED
				  : STACK_DOUBT_NONE;
}

enum stack_doubt stack_doubt_about(const struct stack_list *ours, const struct stack_list *theirs,
				   const struct stack_shadow *shadow, bool is_confirmed,
				   bool is_anywhere)
{
	if ((is_confirmed || (is_anywhere && shadow == NULL)) && has_given_up(ours, theirs))
		return STACK_DOUBT_VECTOR_REGISTERS;
	if (is_anywhere && is_jumping(ours, theirs, shadow))
		return STACK_DOUBT_JUMPING;
	if (is_anywhere && is_installing(ours, theirs))
		return STACK_DOUBT_INSTALLING;
	return STACK_DOUBT_NONE;
}
