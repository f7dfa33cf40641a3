/* SPDX-License-Identifier: Apache-2.0 */
/* near_word: which of the words that there are somebody may have meant. */
#ifndef SEEP_COMMANDS_NEAR_WORD_H
#define SEEP_COMMANDS_NEAR_WORD_H

#include <stdbool.h>

/* How far apart two words are; UINT32_MAX where one is too long for a name. */
unsigned near_word_distance(const char *typed, const char *word);

/* One slip in a short word, two or three in a long one. */
bool near_word_is_near(const char *typed, unsigned distance);

#endif
