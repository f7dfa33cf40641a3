/* SPDX-License-Identifier: Apache-2.0 */
/* completion_script: what a shell must know to complete seep's command line. */
#ifndef SEEP_COMMANDS_COMPLETION_SCRIPT_H
#define SEEP_COMMANDS_COMPLETION_SCRIPT_H

#include <stdio.h>

/* Writes the script for `shell` ("bash" or "fish"); -EINVAL for another one. */
int completion_script_write(FILE *out, const char *shell);

#endif
