/* SPDX-License-Identifier: Apache-2.0 */
/*
 * freeing_frames: which frames of a stack that frees say nothing about who frees.
 *
 * free is called by operator delete, that by std::default_delete, that by ~unique_ptr: what a reader
 * wants to see is the function of the program that closed the session.
 */
#ifndef SEEP_SYMBOLS_FREEING_FRAMES_H
#define SEEP_SYMBOLS_FREEING_FRAMES_H

#include <stdbool.h>
#include <stddef.h>

struct frame;

/* Sets is_wrapper and is_destructor of a stack's innermost frames; beyond the first one that is
 * neither, nothing is either. Of a stack of wrappers alone the outermost is none. */
void freeing_frames_mark(struct frame *frames, size_t count);

/* Whether a function, named as it is shown, frees for somebody else. */
bool freeing_frames_is_wrapper(const char *function);
/* Whether it ends an object: ~Session, or Rust's drop. */
bool freeing_frames_is_destructor(const char *function);

#endif
