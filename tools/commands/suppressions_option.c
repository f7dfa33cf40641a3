/* SPDX-License-Identifier: Apache-2.0 */
/* suppressions_option: --suppressions=FILE, read while the command line is: a mistake ends the command. */
#include "tools/commands/suppressions_option.h"

#include "tools/commands/command.h"
#include "tools/model/error.h"
#include "tools/model/suppression.h"

int suppressions_option_take(const struct command *command, struct suppressions *suppressions,
			     const char *path)
{
	struct error error;
	int result = suppressions_read(suppressions, path, &error);

	if (result < 0)
		command_fail("%s: %s", command->name, error.text);
	return result;
}
