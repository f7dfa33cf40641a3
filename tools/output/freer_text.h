/* SPDX-License-Identifier: Apache-2.0 */
/*
 * freer_text: who frees the blocks of a site, in a few words.
 *
 *     session_close server.c:120
 *     Server::close server.cc:40 (~Session)
 */
#ifndef SEEP_OUTPUT_FREER_TEXT_H
#define SEEP_OUTPUT_FREER_TEXT_H

#include <stddef.h>

struct report_site;

#define FREER_TEXT_BYTES 320
#define FREER_TEXT_MAX 2

struct freer_text {
	char text[FREER_TEXT_BYTES]; /* the program's own function and where it frees */
	double share;		     /* of the frees that were samples */
};

/* Names the one function that frees most of the blocks, or the two that do; returns how many. 0 where
 * there were too few samples to say, or too many functions. */
size_t freer_text_of(const struct report_site *site, struct freer_text texts[FREER_TEXT_MAX]);

#endif
