/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catch2_second: another source of the same program includes the adapter, too. That reports nothing twice.
 */
#include <seep/catch2.h>

#include "block.h"

TEST_CASE("leaks in the second source")
{
	lose_block(201);
	CHECK(true);
}
