/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_lines: a stack as lines of text, each frame as module and offset.
 *
 * What a function is called the library does not know: that takes debug information, and time.
 * A return address lies behind its call, often on the next line; so it is the byte before that is named.
 *
 *   Runs in   the helper; where there is none, a thread of the program
 *   Locks     none
 *   Memory    the buffer
 *   Calls     none
 *   Failure   buffer.is_failed; an address without a module stands alone
 */
#include "lib/control/stack_lines.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "lib/base/text.h"
#include "lib/record/call_tree.h"
#include "lib/record/module_list.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

void stack_lines_add_text(struct buffer *text, const char *part)
{
	buffer_add(text, part, text_bytes(part));
}

void stack_lines_add_number(struct buffer *text, uint64_t number)
{
	char digits[24];
	struct text words = TEXT_IN(digits);

	text_add_number(&words, number);
	buffer_add(text, digits, words.bytes);
}

static void add_hex(struct buffer *text, uint64_t number)
{
	char digits[19] = "0x";
	size_t bytes = 2;
	int shift = 60;

	while (shift > 0 && number >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		digits[bytes++] = "0123456789abcdef"[number >> shift & 15];
	buffer_add(text, digits, bytes);
}

/* The newest at the address, of those that a frame of the generation can lie in. */
static const struct loaded_module *module_of(const struct call_node *node)
{
	for (uint32_t i = module_list_count(); i > 0; i--) {
		const struct loaded_module *module = module_list_at(i - 1);

		if (node->pc >= module->start && node->pc < module->end &&
		    module->generation == node->generation)
			return module;
	}
	return NULL;
}

/* A file; without one it is a name, such as the kernel's linux-vdso.so.1. One that a program opens by a path
 * from where it stands is called by that path. */
static bool has_slash(const char *path)
{
	while (*path != 0 && *path != '/')
		path++;
	return *path == '/';
}

/* One line, and nothing that a terminal would obey. */
static void add_path(struct buffer *text, const char *path)
{
	for (; *path != 0; path++) {
		bool is_shown = (unsigned char)*path >= 0x20 && *path != 0x7f;

		buffer_add(text, is_shown ? path : "?", 1);
	}
}

static void add_frame(struct buffer *text, const struct call_node *node, bool is_exact)
{
	const struct loaded_module *module = module_of(node);
	bool has_path = module != NULL && module->path != NULL && has_slash(module->path);

	if (module != NULL && (module->flags & SEEP_MODULE_IS_LIBSEEP) != 0)
		return;
	stack_lines_add_text(text, "    ");
	if (node->pc < SEEP_PC_LIMIT) {
		stack_lines_add_text(text, seep_pseudo_pc_text(node->pc));
	} else {
		add_path(text, has_path ? module->path : "");
		stack_lines_add_text(text, has_path ? "+" : "");
		add_hex(text, node->pc - (has_path ? module->load_bias : 0) - !is_exact);
	}
	stack_lines_add_text(text, "\n");
}

struct frames {
	struct call_node nodes[STACK_LINES_MAX]; /* innermost first */
	uint32_t count;
	bool has_more; /* outer ones */
};

static void collect(uint32_t stack, struct frames *frames)
{
	frames->count = 0;
	for (; stack != CALL_TREE_ROOT && frames->count < STACK_LINES_MAX;
	     stack = frames->nodes[frames->count++].parent)
		frames->nodes[frames->count] = call_tree_node(stack);
	frames->has_more = stack != CALL_TREE_ROOT;
}

static bool is_of_libc(const struct call_node *node)
{
	const struct loaded_module *module = module_of(node);
	uint64_t addr = (uint64_t)on_exit;

	return module != NULL && addr >= module->start && addr < module->end;
}

/* How many are left without what lies outside of main or a thread's first function: libc's, and then one
 * of the program's, _start. */
static uint32_t count_of_program(const struct frames *frames)
{
	uint32_t count = frames->count;

	if (frames->has_more)
		return count;
	if (count > 1 && is_of_libc(&frames->nodes[count - 2]))
		count--;
	while (count > 0 && is_of_libc(&frames->nodes[count - 1]))
		count--;
	return count > 0 ? count : frames->count;
}

void stack_lines_add(struct buffer *text, uint32_t stack)
{
	struct frames frames;
	uint32_t count;

	if (stack < CALL_TREE_FIRST) {
		stack_lines_add_text(text, "    [no stack]\n");
		return;
	}
	collect(stack, &frames);
	count = count_of_program(&frames);
	for (uint32_t i = 0; i < count; i++)
		add_frame(text, &frames.nodes[i],
			  i > 0 && frames.nodes[i - 1].pc == SEEP_PC_SIGNAL);
	if (frames.has_more)
		stack_lines_add_text(text, "    [outer frames left out]\n");
}
