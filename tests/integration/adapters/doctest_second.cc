/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctest_second: another source of the same program includes the adapter, too. That reports nothing twice.
 */
#include <seep/doctest.h>

#include "block.h"

TEST_CASE("leaks in the second source")
{
	lose_block(201);
	CHECK(true);
}
