/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict_text: how a verdict looks to a person.
 */
#include "tools/output/verdict_text.h"

const char *verdict_word(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_LEAK:
		return "LEAK";
	case VERDICT_LOST:
		return "LOST";
	default:
		return verdict_name(verdict);
	}
}

enum ink verdict_ink(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_LEAK:
	case VERDICT_LOST:
		return INK_ALARM;
	case VERDICT_GROWING:
		return INK_WATCH;
	case VERDICT_UNFREED:
	case VERDICT_SATURATING:
		return INK_NOTE;
	default:
		return INK_CALM;
	}
}

const char *verdict_meaning(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_LOST:
		return "nothing points to it any more";
	case VERDICT_LEAK:
		return "its old blocks grow in number";
	case VERDICT_GROWING:
		return "grows, not decided yet";
	case VERDICT_SATURATING:
		return "grows ever less";
	case VERDICT_PLATEAU:
		return "grew, then stopped";
	case VERDICT_PERIODIC:
		return "comes and goes";
	case VERDICT_UNFREED:
		return "live at the end";
	case VERDICT_STABLE:
	default:
		return "";
	}
}
