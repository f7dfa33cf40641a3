/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gtest_second: another source of the same program includes the adapter, too. That reports nothing twice.
 */
#include <seep/gtest.h>

#include "block.h"

TEST(Second, LeaksABlock)
{
	lose_block(201);
}
