/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict_text: how a verdict looks to a person.
 */
#ifndef SEEP_OUTPUT_VERDICT_TEXT_H
#define SEEP_OUTPUT_VERDICT_TEXT_H

#include "tools/model/verdict.h"
#include "tools/output/text_style.h"

/* "LEAK", "LOST", else as in JSON: the flagged ones are found without colour too. */
const char *verdict_word(enum verdict verdict);
enum ink verdict_ink(enum verdict verdict);
/* In four words, for who does not know the vocabulary. */
const char *verdict_meaning(enum verdict verdict);

#endif
