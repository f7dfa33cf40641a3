/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_doors: what the tests of a program ask through include/seep.h.
 *
 *   Runs in   the target, in any thread
 *   Locks     whoever asks for a check waits for it
 *   Memory    see control/checks.c
 *   Calls     life_moment and what follows it in base/life.h; write, for what a scope has found
 *   Failure   a negative errno value
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/base/life.h"
#include "lib/base/options.h"
#include "lib/base/stale_stack.h"
#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/interpose/doors.h"

#include "lib/base/poison.h"

DOOR long long seep_moment_(void);
DOOR long long seep_check_since_(long long moment);
DOOR const char *seep_findings_(void);
DOOR void *seep_begin_rounds_(int rounds, long long *error);
DOOR long long seep_end_round_(void *rounds);
DOOR long long seep_end_rounds_(void *rounds);
DOOR void seep_end_scope_(const char *name, long long moment);

long long seep_moment_(void)
{
	return life_moment();
}

long long seep_check_since_(long long moment)
{
	/* Whoever has switched them off looks at what is lost at the end. */
	if (!options.has_loss_checks)
		return 0;
	stale_stack_wipe();
	return life_check_since(moment);
}

const char *seep_findings_(void)
{
	return life_findings();
}

void *seep_begin_rounds_(int rounds, long long *error)
{
	int64_t result;
	void *growth = life_begin_rounds(rounds, (uint64_t)__builtin_frame_address(0), &result);

	*error = result;
	return growth;
}

long long seep_end_round_(void *rounds)
{
	return life_end_round(rounds);
}

long long seep_end_rounds_(void *rounds)
{
	return life_end_rounds(rounds);
}

#define SCOPE_NAME_BYTES 160u /* of a longer name the rest is left out */

/* The findings in one write, so that what other threads say does not come in between their lines. */
void seep_end_scope_(const char *name, long long moment)
{
	if (!options.has_loss_checks)
		return;
	stale_stack_wipe();

	int64_t lost = life_check_since(moment);
	const char *findings = life_findings();
	size_t name_bytes = name == NULL ? 0 : text_bytes(name);
	char line[256];
	struct text text = TEXT_IN(line);

	if (lost == 0)
		return;
	text_add(&text, "seep: scope ");
	text_add_bytes(&text, name, name_bytes < SCOPE_NAME_BYTES ? name_bytes : SCOPE_NAME_BYTES);
	text_add(&text, lost < 0 ? ": could not be checked\n" : ": lost what it has allocated\n");
	sys_write_all(2, line, text.bytes);
	sys_write_all(2, findings, text_bytes(findings));
}
