/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_address_text: lines in which addresses may stand, as the library sends them to `seep symbolize`.
 */
#include <string.h>

#include "tests/fuzz/demand.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/hostile_file.h"
#include "tools/symbols/address_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct address_text *text = address_text_new("");
	char *line = hostile_text(data, size), *written = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&written, &bytes);

	DEMAND(text && out, "no memory");
	DEMAND(address_text_write_line(text, out, line), "no memory");
	fclose(out);
	/* Whatever it names, the line is not lost. */
	DEMAND(bytes > 0 || *line == '\0', "%zu bytes of %zu", bytes, strlen(line));
	free(written);
	free(line);
	address_text_free(text);
	return 0;
}
