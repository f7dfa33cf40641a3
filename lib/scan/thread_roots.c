/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread_roots: registers and stacks of the program's threads, and what libc keeps of each.
 *
 * Of a stack counts what lies above its pointer, and the red zone below it. What is further down has
 * been left and is full of stale pointers. That can be said only where the stack is known to be all
 * that lies there: of the process's first one, and of one that libc has made, with a guard below and
 * the thread's descriptor at its upper end. Any other mapping that a stack pointer points into may
 * hold many stacks, as coroutines have, and is read as a whole. Of a thread that has called exit, what lies
 * below the caller of that has been left, too.
 *
 * libc keeps the stacks of threads that have ended for the next ones. Those are left out, but for the
 * descriptor of a thread that somebody has yet to join: the thread's result is there. In a forked
 * child the threads of its parent look as if they had ended, and what they pointed to is still there:
 * all stacks are read but for those of threads that had been joined.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    none of its own
 *   Calls     nothing else
 *   Failure   see root_list, span_list
 */
#include "lib/scan/thread_roots.h"

#include <stddef.h>
#include <string.h>

#include "lib/record/cfi_program.h"
#include "lib/record/recorder.h"
#include "lib/scan/page_flags.h"
#include "lib/scan/thread_locals.h"
#include "lib/scan/word_frame.h"

#include "lib/base/poison.h"

#define RED_ZONE_BYTES 128u /* x86-64 psABI, 3.2.2 */
/* struct pthread of glibc: nptl/descr.h, and tcbhead_t in sysdeps/x86_64/nptl/tls.h. Its place in them has
 * been the same since 2.4. */
#define DESCRIPTOR_REACH 16384u /* it lies within so many bytes below the end of the stack */
#define DESCRIPTOR_ALIGNMENT 64u
#define DESCRIPTOR_SELF 16u /* tcbhead_t.self, and its first word is the same */
#define DESCRIPTOR_TID 720u
#define DESCRIPTOR_BYTES 2304u /* about; a detached thread's has its own address in it once more */

static bool lies_in(const struct laid_mapping *mapping, uint64_t addr)
{
	return addr >= mapping->start && addr < mapping->end;
}

static const struct memory_spans no_holes;

static void add_pages(struct root_list *roots, struct scan_memory *memory, enum seep_root_kind kind,
		      uint32_t thread, uint64_t start, uint64_t end)
{
	struct root root = {
		.start = start, .end = end, .kind = kind, .thread = thread, .module = ROOT_OF_NONE};

	if (start < end)
		root_list_add_pages(roots, memory, &root, true, &no_holes);
}

static void add_registers(struct root_list *roots, struct scan_memory *memory,
			  const struct stopped_thread *thread, uint32_t index)
{
	uint64_t words = (uint64_t)thread->words;

	if (thread->word_count == 0)
		return;
	root_list_add(roots, memory,
		      &(struct root){.start = words,
				     .end = words + thread->word_count * sizeof(uint64_t),
				     .kind = SEEP_ROOT_REGISTER,
				     .thread = index,
				     .module = ROOT_OF_NONE});
}

/* The thread whose stack the whole mapping is; -1: none, or it is not certain. */
static int64_t owner_of(const struct laid_mapping *mapping, const struct stopped_threads *threads)
{
	int64_t owner = -1;

	for (uint32_t i = 0; i < threads->count; i++) {
		const struct stopped_thread *thread = &threads->threads[i];

		if (!lies_in(mapping, thread->sp))
			continue;
		if (owner >= 0)
			return -1;
		if (mapping->is_main_stack ||
		    (mapping->follows_guard && lies_in(mapping, thread->fs_base) &&
		     thread->fs_base > thread->sp))
			owner = i;
		else
			return -1;
	}
	return owner;
}

static bool is_anybodys(const struct laid_mapping *mapping, const struct stopped_threads *threads)
{
	for (uint32_t i = 0; i < threads->count; i++)
		if (lies_in(mapping, threads->threads[i].sp) ||
		    lies_in(mapping, threads->threads[i].fs_base))
			return true;
	return false;
}

static uint64_t word_at(uint64_t addr)
{
	return *(const uint64_t *)addr;
}

/* Where at the end of the mapping a thread's descriptor lies; 0: nowhere. */
static uint64_t descriptor_in(const struct laid_mapping *mapping)
{
	uint64_t least = mapping->end - mapping->start > DESCRIPTOR_REACH
				 ? mapping->end - DESCRIPTOR_REACH
				 : mapping->start;

	for (uint64_t addr = (mapping->end - DESCRIPTOR_TID - 8) & ~(DESCRIPTOR_ALIGNMENT - 1ull);
	     addr >= least && addr < mapping->end; addr -= DESCRIPTOR_ALIGNMENT)
		if (word_at(addr) == addr && word_at(addr + DESCRIPTOR_SELF) == addr)
			return addr;
	return 0;
}

static bool is_detached(uint64_t descriptor, uint64_t end)
{
	uint64_t last = descriptor + DESCRIPTOR_BYTES < end ? descriptor + DESCRIPTOR_BYTES : end;

	for (uint64_t addr = descriptor + DESCRIPTOR_SELF + 8; addr + 8 <= last; addr += 8)
		if (word_at(addr) == descriptor)
			return true;
	return false;
}

/* Returns whether it is the stack of a thread that a forked child has not taken along. */
static bool add_ended(const struct laid_mapping *mapping, struct scan_memory *memory,
		      struct span_list *holes, struct root_list *roots)
{
	uint64_t descriptor = descriptor_in(mapping);
	int32_t tid;

	if (descriptor == 0)
		return false;
	tid = *(const int32_t *)(descriptor + DESCRIPTOR_TID);
	/* fork has made those that ran look as if they had ended: it stays a root as a whole. */
	if (recorder_inherited_epoch != 0 && tid == 0)
		return true;
	if (tid > 0)
		return false; /* just being started, or it could not be listed */
	span_list_add(holes, memory, mapping->start, mapping->end);
	/* -1: joined. 0: ended, as the kernel leaves it. */
	if (tid == 0 && !is_detached(descriptor, mapping->end))
		add_pages(roots, memory, SEEP_ROOT_THREAD, ROOT_OF_NONE, descriptor, mapping->end);
	return false;
}

static void add_thread_locals(struct root_list *roots, struct scan_memory *memory, uint32_t thread,
			      const struct thread_local_data *data)
{
	root_list_add(roots, memory,
		      &(struct root){.start = data->start,
				     .end = data->end,
				     .kind = SEEP_ROOT_TLS,
				     .thread = thread,
				     .module = data->module,
				     .offset = data->offset});
}

static bool is_of_loader(const struct root_list *roots, uint64_t block)
{
	for (uint32_t i = 0; i < roots->count; i++)
		if (roots->roots[i].kind == SEEP_ROOT_LOADER && roots->roots[i].start == block &&
		    roots->roots[i].end == block)
			return true;
	return false;
}

/* The thread-local data of plug-ins. The block is a root by itself; but they have a name. */
static void add_in_blocks(struct root_list *roots, struct scan_memory *memory, uint32_t thread,
			  const struct thread_locals *locals)
{
	for (uint32_t i = 0; i < locals->block_count; i++)
		if (is_of_loader(roots, locals->in_blocks[i].block))
			add_thread_locals(roots, memory, thread, &locals->in_blocks[i]);
}

/* A stack, and the thread-local data at its upper end. */
static void add_stack(struct root_list *roots, struct scan_memory *memory, uint32_t thread,
		      uint64_t start, uint64_t end, const struct thread_locals *locals)
{
	for (uint32_t i = 0; i < locals->count; i++) {
		const struct thread_local_data *data = &locals->data[i];

		if (data->start < start || data->end > end)
			continue;
		add_pages(roots, memory, SEEP_ROOT_STACK, thread, start, data->start);
		add_thread_locals(roots, memory, thread, data);
		start = data->end;
	}
	add_pages(roots, memory, SEEP_ROOT_STACK, thread, start, end);
}

/* Of a thread whose descriptor lies in no stack, as that of the first one does: in memory that the dynamic
 * linker got for it. */
static void add_apart(const struct memory_layout *layout, struct scan_memory *memory,
		      const struct stopped_threads *threads, uint32_t thread,
		      struct span_list *holes, struct root_list *roots)
{
	uint64_t fs_base = threads->threads[thread].fs_base;
	const struct laid_mapping *mapping = memory_layout_find(layout, fs_base);
	struct thread_locals locals;

	if (mapping == NULL || !mapping->is_anonymous || owner_of(mapping, threads) >= 0)
		return;
	thread_locals_find(layout, fs_base, &locals);
	add_in_blocks(roots, memory, thread, &locals);
	for (uint32_t i = 0; i < locals.count; i++) {
		add_thread_locals(roots, memory, thread, &locals.data[i]);
		span_list_add(holes, memory, locals.data[i].start, locals.data[i].end);
	}
	/* As no other libc has it. */
	if (locals.count > 0) {
		uint64_t end = fs_base + DESCRIPTOR_BYTES < mapping->end
				       ? fs_base + DESCRIPTOR_BYTES
				       : mapping->end;

		add_pages(roots, memory, SEEP_ROOT_THREAD, thread, fs_base, end);
		span_list_add(holes, memory, fs_base, end);
	}
}

uint32_t thread_roots_find(const struct memory_layout *layout,
			   const struct stopped_threads *threads, struct scan_memory *memory,
			   struct span_list *holes, struct root_list *roots)
{
	uint32_t left_behind = 0;

	for (uint32_t i = 0; i < threads->count; i++) {
		add_registers(roots, memory, &threads->threads[i], i);
		add_apart(layout, memory, threads, i, holes, roots);
	}
	for (uint32_t i = 0; i < layout->count; i++) {
		const struct laid_mapping *mapping = &layout->mappings[i];
		const struct stopped_thread *thread;
		uint64_t stack_end = mapping->end, stack_start;
		struct thread_locals locals = {.count = 0, .block_count = 0};
		int64_t owner;

		if (!mapping->is_anonymous || !mapping->is_readable || !mapping->is_writable ||
		    mapping->is_break)
			continue;
		owner = owner_of(mapping, threads);
		if (owner < 0) {
			if (mapping->follows_guard && !is_anybodys(mapping, threads))
				left_behind += add_ended(mapping, memory, holes, roots);
			else if (mapping->is_main_stack && recorder_inherited_epoch != 0)
				left_behind++;
			continue;
		}
		thread = &threads->threads[owner];
		stack_start = thread->sp - RED_ZONE_BYTES;
		if (stack_start < mapping->start)
			stack_start = mapping->start;
		if (thread->exit_sp > thread->sp && thread->exit_sp < stack_end)
			stack_start = thread->exit_sp;
		if (!mapping->is_main_stack) {
			stack_end = thread->fs_base;
			thread_locals_find(layout, thread->fs_base, &locals);
		}
		add_in_blocks(roots, memory, (uint32_t)owner, &locals);
		add_stack(roots, memory, (uint32_t)owner, stack_start, stack_end, &locals);
		add_pages(roots, memory, SEEP_ROOT_THREAD, (uint32_t)owner, stack_end,
			  mapping->end);
		span_list_add(holes, memory, mapping->start, mapping->end);
	}
	return left_behind;
}

/* Of registers the number in DWARF: 0 to 16, then xmm0 from 17 on, two words each. */
static uint64_t register_number(uint64_t word)
{
	return word < STOPPED_GENERAL_WORDS
		       ? word
		       : STOPPED_GENERAL_WORDS + (word - STOPPED_GENERAL_WORDS) / 2 % 16;
}

/* All of a thread's stack that is in the list: pages that were never written to are not, but can be read. */
static struct word_frame_thread stack_of(const struct root_list *list, const struct root *root,
					 const struct stopped_thread *thread)
{
	struct word_frame_thread stack = {
		.pc = thread->pc,
		.sp = thread->sp,
		.bp = thread->word_count > CFI_RBP ? thread->words[CFI_RBP] : 0,
		.start = UINT64_MAX,
	};

	for (uint32_t i = 0; i < list->count; i++) {
		const struct root *other = &list->roots[i];

		if (other->kind != SEEP_ROOT_STACK || other->thread != root->thread)
			continue;
		stack.start = other->start < stack.start ? other->start : stack.start;
		stack.end = other->end > stack.end ? other->end : stack.end;
	}
	return stack;
}

void thread_roots_describe(const struct root_list *list, const struct root *root, uint64_t addr,
			   struct seep_root *described, const char **name)
{
	const struct stopped_threads *threads = list->context;
	const struct stopped_thread *thread;

	if (root->thread == ROOT_OF_NONE || root->thread >= threads->count)
		return;
	thread = &threads->threads[root->thread];
	described->thread = thread->tid;
	*name = thread->name;
	if (root->kind == SEEP_ROOT_REGISTER)
		described->address = register_number((addr - root->start) / sizeof(uint64_t));
	if (root->kind == SEEP_ROOT_STACK || root->kind == SEEP_ROOT_REGISTER) {
		struct word_frame_thread stack = stack_of(list, root, thread);

		/* What a register keeps is mostly of the function of the program that waits. */
		described->pc = word_frame_pc(
			&stack, root->kind == SEEP_ROOT_STACK ? addr : thread->sp - 8);
	}
}
