/* SPDX-License-Identifier: Apache-2.0 */
/*
 * switches_locale: setlocale, iconv and the wide characters load tables and modules (with dlopen).
 *
 * valgrind: equal
 */
#include <iconv.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

int main(void)
{
	char from[] = "gr\xfc\xdf", to[64], *in = from, *out = to;
	size_t in_bytes = sizeof(from), out_bytes = sizeof(to);
	locale_t locale;
	iconv_t converter;

	setlocale(LC_ALL, "C.UTF-8");
	converter = iconv_open("UTF-8", "ISO-8859-15");
	if (converter == (iconv_t)-1 || iconv(converter, &in, &in_bytes, &out, &out_bytes))
		abort();
	iconv_close(converter);
	locale = newlocale(LC_ALL_MASK, "C.UTF-8", NULL);
	uselocale(locale);
	if (strcmp(nl_langinfo(CODESET), "UTF-8") || wcslen(L"wide") != 4)
		abort();
	uselocale(LC_GLOBAL_LOCALE);
	freelocale(locale);
	setlocale(LC_ALL, "C");
	return 0;
}
