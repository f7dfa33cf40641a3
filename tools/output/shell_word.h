/* SPDX-License-Identifier: Apache-2.0 */
/* shell_word: a text as one word of a command that somebody will paste into a shell. */
#ifndef SEEP_OUTPUT_SHELL_WORD_H
#define SEEP_OUTPUT_SHELL_WORD_H

#include <limits.h>

/* Each byte of a path may become four ('\'' or \x1b), and there are quotes. */
#define SHELL_WORD_BYTES (4 * PATH_MAX + 4)

/* Writes `text` into `word`, in single quotes where a shell would read it as something else, and
 * returns `word`. What would harm a terminal, or is no UTF-8, stands there in the way of bash, zsh and POSIX
 * of 2024: $'x\x1b'. */
const char *shell_word(const char *text, char word[SHELL_WORD_BYTES]);

#endif
