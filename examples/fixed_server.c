/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixed_server: the shop of leaky_server.c with its leak mended, to compare the two reports.
 */
#define CLEARS_BASKET_ON_HANGUP true
#include "leaky_server.c"
