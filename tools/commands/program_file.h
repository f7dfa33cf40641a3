/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program_file: what an ELF file says about the program in it, before anybody runs it.
 *
 * Read with libelf, from a file that nobody vouches for: what is damaged is left out.
 */
#ifndef SEEP_COMMANDS_PROGRAM_FILE_H
#define SEEP_COMMANDS_PROGRAM_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct program_file {
	char path[PATH_MAX]; /* of this very file; a script's is that of its interpreter */

	int class;	 /* ELFCLASS32, ELFCLASS64 */
	int machine;	 /* EM_X86_64 … */
	int type;	 /* ET_EXEC, ET_DYN … */
	bool is_loader;	 /* the dynamic linker itself, run as a program */
	bool is_library; /* has a dynamic section, but nothing says that it is a program */
	char interpreter[PATH_MAX]; /* "" where there is none */
	unsigned needed_glibc;	    /* minor version of the newest GLIBC_2.N that it asks for */

	/* Names of libraries that it asks for itself, or "". */
	char sanitizer[64]; /* replaces malloc */
	char allocator[64]; /* a general allocator in a library of its own */

	bool has_own_malloc; /* defines malloc, where the dynamic linker finds it before ours */
	const char *
		own_allocator; /* the allocator that is linked into it, as people call it; or null */
	/* of its functions, as "je_", where they are not called malloc */
	char allocator_prefix[32];
	const char *foreign_call; /* what it calls of an allocator that nobody follows, or null */
	bool is_go, is_python, is_java, is_javascript, is_php; /* what it is the run-time system of */

	bool has_frame_info; /* .eh_frame, with which stacks are walked */
	bool has_lines;	     /* debug information in the file itself */
	char build_id[41];   /* hexadecimal, or "" */
};

/* Reads the file behind `fd`. False where it is no ELF file or is broken. */
bool program_file_read(int fd, const char *path, struct program_file *file);

/* What people call the allocator in a library of this file name, or null where it is none. */
const char *program_file_allocator_of(const char *library);

/* "x86-64", for a message. Overwritten by the next call. */
const char *program_file_machine(const struct program_file *file);

#endif
