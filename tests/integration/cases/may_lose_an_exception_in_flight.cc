/* SPDX-License-Identifier: Apache-2.0 */
/*
 * may_lose_an_exception_in_flight: libstdc++ knows the exception that is being handled by a pointer
 * into its block, and only that knows what was thrown.
 *
 * reach make: possibly_lost=40/1
 * reach fail: possibly_lost=any
 */
#include "scan_point.h"

APART static void *make()
{
	return malloc(40);
}

APART static void fail()
{
	throw make();
}

int main()
{
	try {
		fail();
	} catch (...) {
		scan_point();
	}
}
