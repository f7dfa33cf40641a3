/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_life: the library in a test: recording is on, and nobody starts a helper or writes a file.
 */
#include "tests/support/lib_life.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/life.h"
#include "lib/base/options.h"
#include "lib/record/module_list.h"
#include "lib/record/recorder.h"

static volatile uint32_t life_switch = LIFE_ON;
volatile uint32_t *life_switch_word = &life_switch;
_Atomic(uint32_t) lib_life_ticks;

bool life_wake_slow(void)
{
	return *life_switch_word == LIFE_ON;
}

void life_tick_slow(void)
{
	atomic_fetch_add(&lib_life_ticks, 1);
}

void lib_life_start(void)
{
	static bool is_started;
	char complaint[256];

	options_parse(NULL, complaint, sizeof(complaint));
	if (!is_started && !recorder_start()) {
		fprintf(stderr, "lib_life: the recorder cannot start\n");
		abort();
	}
	is_started = true;
	module_list_refresh();
}

int lib_life_setup(void **state)
{
	(void)state;
	lib_life_start();
	return 0;
}
