/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_pool: each text once, for as long as the pool lives.
 *
 * Names and paths come back thousands of times; equal texts share one copy and one address.
 */
#ifndef SEEP_SYMBOLS_TEXT_POOL_H
#define SEEP_SYMBOLS_TEXT_POOL_H

struct text_pool;

struct text_pool *text_pool_new(void); /* null without memory */
void text_pool_free(struct text_pool *pool);

/* The pool's own copy of `text`; null when `text` is null or memory is short. Control characters,
 * which only a hostile file has in its names and which could drive a terminal, become '?'. */
const char *text_pool_put(struct text_pool *pool, const char *text);

#endif
