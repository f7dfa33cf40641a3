/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_values_in_a_list_of_a_library: a static list in a shared library has five hundred values.
 *
 * library: library_with_a_register.c
 * held register_value: entries.first (library_with_a_register.c, liblibrary_with_a_register.so) → … → this
 * held make_value: entries.first (library_with_a_register.c, liblibrary_with_a_register.so) → node of register_value library_with_a_register.c:* (liblibrary_with_a_register.so) (*×*) → this
 * bare make_value: entries (liblibrary_with_a_register.so) → node of register_value (liblibrary_with_a_register.so) (*×*) → this
 */
#include "scan_point.h"

void register_value(void *value);

APART static void *make_value(void)
{
	return calloc(1, 40);
}

APART static void fill(void)
{
	for (int i = 0; i < 500; i++)
		register_value(make_value());
}

int main(void)
{
	fill();
	scan_point();
}
