/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_driver: is a process of a checked run one that runs the tests, and none of them?
 *
 * Make, ctest and shells keep something of each program that they have started, until they end. Around a long
 * suite that grows as any leak does, and whoever checks the suite can do nothing about it. So what such a
 * program keeps is known, see suppressions_add_drivers; what it loses counts, as of any other.
 */
#ifndef SEEP_COMMANDS_TEST_DRIVER_H
#define SEEP_COMMANDS_TEST_DRIVER_H

#include <stdbool.h>

struct profile;

/* Of a process that has started others which were looked at, too. `children` is the value of the setting,
 * resolved: who names the program there wants to have it checked. Who names only folders in which the
 * program of the run (`is_program`) does not lie means what lies in them. */
bool test_driver_is(const struct profile *profile, const char *children, bool is_program);

#endif
