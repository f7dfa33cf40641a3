/* SPDX-License-Identifier: Apache-2.0 */
/* die_sibling: from one entry of debug information to the next on its level. */
#ifndef SEEP_SYMBOLS_DIE_SIBLING_H
#define SEEP_SYMBOLS_DIE_SIBLING_H

#include <elfutils/libdw.h>
#include <stdbool.h>

/* Moves to the next one; false behind the last. In damaged debug information an entry may name one before
 * it as the next, and that would go on for ever. */
static inline bool die_sibling_next(Dwarf_Die *die)
{
	Dwarf_Die next;

	if (dwarf_siblingof(die, &next) != 0 || (char *)next.addr <= (char *)die->addr)
		return false;
	*die = next;
	return true;
}

#endif
