/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_style: what the reader's terminal can show: colours, characters, columns.
 *
 * Only the eight basic colours are used: they follow the user's theme, and are readable on dark
 * and light ground. Colour never is the only carrier of a meaning.
 */
#include "tools/output/text_style.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool locale_is_utf8(void)
{
	/* A locale object of our own: setlocale would change how the whole tool prints numbers. */
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool is_utf8;

	if (!locale)
		return false;
	is_utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
	freelocale(locale);
	return is_utf8;
}

static int terminal_width(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return TEXT_WIDTH_DEFAULT;
	if (size.ws_col < TEXT_WIDTH_MIN)
		return TEXT_WIDTH_MIN;
	return size.ws_col > TEXT_WIDTH_MAX ? TEXT_WIDTH_MAX : size.ws_col;
}

struct text_style text_style_of(int fd)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	bool is_terminal = isatty(fd);

	return (struct text_style){
		.has_colour = is_terminal && !(no_color && *no_color) && term &&
			      strcmp(term, "dumb") != 0,
		.is_utf8 = locale_is_utf8(),
		.width = is_terminal ? terminal_width(fd) : TEXT_WIDTH_DEFAULT,
	};
}

const char *text_style_ink(const struct text_style *style, enum ink ink)
{
	static const char *const sequences[] = {
		[INK_PLAIN] = "",	  [INK_TITLE] = "\033[1m",    [INK_DIM] = "\033[2m",
		[INK_PLACE] = "\033[36m", [INK_ALARM] = "\033[1;31m", [INK_WATCH] = "\033[33m",
		[INK_CALM] = "\033[32m",  [INK_NOTE] = "\033[35m",
	};

	return style->has_colour ? sequences[ink] : "";
}

const char *text_style_reset(const struct text_style *style)
{
	return style->has_colour ? "\033[0m" : "";
}
