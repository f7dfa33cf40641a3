/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_text: how one line of a stack is called and where it is.
 */
#ifndef SEEP_OUTPUT_FRAME_TEXT_H
#define SEEP_OUTPUT_FRAME_TEXT_H

#include <stdio.h>

#include "tools/model/report.h"

/* "open_session"; "libfoo.so.1+0x4660" where no function is known, "0x7f12345678" where no module
 * is. Valid as long as the frame or `buffer`. */
#define FRAME_NAME_BYTES 320
const char *frame_name(const struct frame *frame, char *buffer);

/* "server.c:88", "gmem.c:100 (libglib-2.0.so.0)", "(libc.so.6)", or "" where nothing is known
 * beyond the name. Files are base names, with their folder where the stack holds two of that name
 * or the name says nothing (mod.rs). */
#define FRAME_PLACE_BYTES 640
const char *frame_place(const struct report_site *site, const struct frame *frame, char *buffer);
/* The same, and "inlined" behind it where the frame is: for a line of a stack. */
const char *frame_place_in_stack(const struct report_site *site, const struct frame *frame,
				 char *buffer);

#endif
