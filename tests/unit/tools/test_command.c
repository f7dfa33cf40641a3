/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for the command line as a whole: parsing, and that table, --help, man page and
 * completion say the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <errno.h>
#include <glob.h>

#include "seep/settings.h"
#include "tests/unit/tools/captured_text.h"
#include "tools/commands/command.h"
#include "tools/commands/completion_script.h"
#include "tools/commands/help_text.h"
#include "tools/commands/man_page.h"

/* ---- parsing ---- */

static const struct command_option sample_options[] = {
	{.name = "stack_depth", .letter = 'd', .argument = "N", .help = "a number."},
	{.name = "quiet", .letter = 'q', .help = "a switch."},
	{.name = "check",
	 .argument = "1/N",
	 .is_argument_optional = true,
	 .help = "perhaps a share."},
	{0},
};
static const struct command sample = {
	.name = "sample",
	.summary = "a sample",
	.arguments = "[OPTIONS] FILE",
	.description = "A sample.",
	.options = sample_options,
};

static char taken[256];

static int take(const struct command_option *option, const char *value, void *context)
{
	(void)context;
	sprintf(taken + strlen(taken), "%s=%s;", option->name, value ? value : "-");
	return value && strcmp(value, "bad") == 0 ? -EINVAL : 0;
}

#define PARSE(stop, ...)                                                                           \
	parse((const char *[]){"sample", __VA_ARGS__, NULL}, stop, &status, &message, operands)

static char operands[256];

static int parse(const char **words, int stop_at_operand, int *status, char **message,
		 char *operand_text)
{
	int argc = 0;
	char *argv[16];

	for (; words[argc]; argc++)
		argv[argc] = (char *)words[argc];
	argv[argc] = NULL;
	*taken = *operand_text = '\0';
	struct captured_text captured = captured_text_begin(STDERR_FILENO);
	int operand = command_parse(&sample, argc, argv, stop_at_operand, take, NULL, status);
	*message = captured_text_end(&captured);
	for (int i = operand; operand > 0 && i < argc; i++)
		sprintf(operand_text + strlen(operand_text), "%s ", argv[i]);
	return operand;
}

static void reads_options_in_all_spellings(void **state)
{
	static const char *const spellings[][2] = {
		{"--stack-depth=7", "-q"},	{"-d7", "-q"}, {"-q", "-d7"}, {"-qd7", NULL},
		{"--stack-depth=7", "--quiet"},
	};
	char *message;
	int status;

	(void)state;
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		const char *words[] = {"sample", spellings[i][0], spellings[i][1], NULL};
		assert_true(parse(words, 0, &status, &message, operands) > 0);
		assert_non_null(strstr(taken, "stack_depth=7;"));
		assert_non_null(strstr(taken, "quiet=-;"));
		assert_string_equal(message, "");
		free(message);
	}
	PARSE(0, "--stack-depth", "8", "file");
	assert_string_equal(taken, "stack_depth=8;");
	assert_string_equal(operands, "file ");
	free(message);
}

static void takes_options_after_operands_unless_a_program_follows(void **state)
{
	char *message;
	int status;

	(void)state;
	assert_int_equal(PARSE(0, "file", "-q"), 2);
	assert_string_equal(taken, "quiet=-;");
	free(message);
	assert_int_equal(PARSE(1, "-d", "3", "program", "-q"), 3);
	assert_string_equal(taken, "stack_depth=3;");
	assert_string_equal(operands, "program -q ");
	free(message);
	PARSE(1, "--", "-q");
	assert_string_equal(operands, "-q ");
	free(message);
}

static void reads_an_option_with_and_without_its_value(void **state)
{
	char *message, name[COMMAND_OPTION_BYTES];
	int status;

	(void)state;
	PARSE(1, "--check", "program");
	assert_string_equal(taken, "check=-;");
	assert_string_equal(operands, "program ");
	free(message);
	PARSE(1, "--check=1/7", "-q", "program");
	assert_string_equal(taken, "check=1/7;quiet=-;");
	assert_string_equal(operands, "program ");
	free(message);
	assert_string_equal(command_option_text(&sample_options[2], 1, name), "--check[=1/N]");
}

static void refuses_in_one_line_that_names_the_option(void **state)
{
	static const struct {
		const char *words[4];
		const char *message;
	} cases[] = {
		{{"--fo"}, "unknown option '--fo'"},
		{{"--fo=3"}, "unknown option '--fo'"},
		{{"-x"}, "unknown option '-x'"},
		{{"-qx"}, "unknown option '-x'"},
		{{"--stack=3"}, "unknown option '--stack', did you mean '--stack-depth'?"},
		{{"--stack", "3"}, "unknown option '--stack', did you mean '--stack-depth'?"},
		{{"--stack_depth=3"}, "unknown option '--stack_depth', did you mean '--stack-depth'?"},
		{{"--qui"}, "unknown option '--qui', did you mean '--quiet'?"},
		{{"--uqiet=3"}, "unknown option '--uqiet', did you mean '--quiet'?"},
		{{"--frobnicate"}, "unknown option '--frobnicate'"},
		{{"--stack-depth"}, "a value is missing after option '--stack-depth'"},
		{{"-d"}, "a value is missing after option '-d'"},
		{{"--quiet=yes"}, "no value can follow option '--quiet'"},
		{{"--chec=1"}, "unknown option '--chec', did you mean '--check'?"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *words[6] = {"sample", cases[i].words[0], cases[i].words[1]};
		char expected[256], *message;
		int status;
		assert_int_equal(parse(words, 0, &status, &message, operands), -1);
		assert_int_equal(status, EXIT_CANNOT);
		/* A guess ends the sentence. */
		snprintf(expected, sizeof(expected), "seep: sample: %s%s see 'seep sample --help'\n",
			 cases[i].message, strchr(cases[i].message, '?') ? "" : ";");
		assert_string_equal(message, expected);
		free(message);
	}
}

static void stops_where_a_value_is_refused(void **state)
{
	char *message;
	int status;

	(void)state;
	assert_int_equal(PARSE(0, "-d", "bad", "-q"), -1);
	assert_int_equal(status, EXIT_CANNOT);
	assert_string_equal(taken, "stack_depth=bad;");
	free(message);
}

static void shows_help_and_is_content(void **state)
{
	char *message;
	int status;

	(void)state;
	struct captured_text captured = captured_text_begin(STDOUT_FILENO);
	int operand = PARSE(0, "-q", "--help");
	char *help = captured_text_end(&captured);
	assert_int_equal(operand, -1);
	assert_int_equal(status, EXIT_CLEAN);
	assert_non_null(strstr(help, "Usage: seep sample [OPTIONS] FILE"));
	free(help);
	free(message);
}

static void suggests_the_nearest_command(void **state)
{
	(void)state;
	assert_ptr_equal(command_suggest("raport"), &command_report);
	assert_ptr_equal(command_suggest("erport"), &command_report);
	assert_ptr_equal(command_suggest("snapshts"), &command_snapshots);
	assert_ptr_equal(command_suggest("rn"), &command_run);
	assert_ptr_equal(command_suggest("exp"), &command_export);
	assert_null(command_suggest("frobnicate"));
	assert_null(command_suggest("x"));
	assert_null(command_suggest("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

/* ---- table, help, man page, completion ---- */

static char *written(void (*write)(FILE *out, const struct command *command),
		     const struct command *command)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	write(out, command);
	fclose(out);
	return text;
}

/* Without the escapes of roff and with every run of white space as one blank. */
static void flatten(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (from[0] == '\\' && (from[1] == '-' || from[1] == 'e')) {
			*to++ = *++from == 'e' ? '\\' : '-';
		} else if (from[0] == '\\' && from[1] == '&') {
			from++;
		} else if (from[0] == '\\' && from[1] == 'f') {
			from += 2;
		} else if (isspace((unsigned char)*from)) {
			if (to > text && to[-1] != ' ')
				*to++ = ' ';
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

static void assert_says(const char *where, const struct command *command, const char *text,
			const char *wanted)
{
	char *flat = strdup(wanted);

	flatten(flat);
	if (!strstr(text, flat))
		fail_msg("%s of seep %s does not say: %s", where, command->name, wanted);
	free(flat);
}

static void every_command_is_described_completely(void **state)
{
	(void)state;
	for (const struct command *const *at = command_table; *at; at++) {
		const struct command *command = *at;
		assert_ptr_equal(command_find(command->name), command);
		assert_true(command->summary && command->arguments && command->description);
		assert_non_null(command->run);
		assert_true(islower((unsigned char)command->summary[0]));
		assert_true(strlen(command->summary) <= 66);
		for (const struct command_option *option = command->options; option && option->name;
		     option++) {
			char name[COMMAND_OPTION_BYTES];
			assert_non_null(option->help);
			command_option_text(option, 0, name);
			assert_null(strchr(name, '_'));
			assert_string_not_equal(name, "--help");
			for (const struct command_option *other = command->options; other != option;
			     other++) {
				assert_string_not_equal(other->name, option->name);
				assert_true(!option->letter || other->letter != option->letter);
			}
		}
	}
}

static void help_and_man_page_say_what_the_table_says(void **state)
{
	(void)state;
	for (const struct command *const *at = command_table; *at; at++) {
		char *help = written(help_text_write, *at), *page = written(man_page_write, *at);
		flatten(help);
		flatten(page);
		assert_says("man page", *at, page, (*at)->summary);
		assert_says("help", *at, help, (*at)->arguments);
		assert_says("man page", *at, page, (*at)->arguments);
		assert_says("help", *at, help, (*at)->description);
		for (const struct command_option *option = (*at)->options; option && option->name;
		     option++) {
			char text[COMMAND_OPTION_BYTES], letter[8];
			command_option_text(option, 1, text);
			assert_says("help", *at, help, text);
			assert_says("man page", *at, page, text);
			assert_says("help", *at, help, option->help);
			assert_says("man page", *at, page, option->help);
			snprintf(letter, sizeof(letter), "-%c, ", option->letter);
			if (option->letter) {
				assert_says("help", *at, help, letter);
				assert_says("man page", *at, page, letter);
			}
		}
		free(help);
		free(page);
	}
}

static void help_fits_into_80_columns_of_ascii(void **state)
{
	(void)state;
	for (const struct command *const *at = command_table; *at; at++) {
		char *help = written(help_text_write, *at);
		for (char *line = help; *line;) {
			size_t length = strcspn(line, "\n");
			if (length > 80)
				fail_msg("seep %s --help: %zu columns: %.*s", (*at)->name, length,
					 (int)length, line);
			for (size_t i = 0; i < length; i++)
				assert_in_range(line[i], 0x20, 0x7e);
			assert_true(length == 0 || line[length - 1] != ' ');
			line += length + 1;
		}
		free(help);
	}
}

static void lint_man_page(const struct command *command)
{
	FILE *lint = popen("mandoc -T lint", "w");

	assert_non_null(lint);
	man_page_write(lint, command);
	assert_int_equal(pclose(lint), 0);
}

static void man_pages_are_sound_roff(void **state)
{
	(void)state;
	if (system("command -v mandoc >/dev/null") != 0) {
		print_message("mandoc is not installed\n");
		skip();
	}
	for (const struct command *const *at = command_table; *at; at++)
		lint_man_page(*at);
	lint_man_page(&command_seep);
}

static void every_setting_is_an_option_of_run(void **state)
{
	static const char *const keys[] = {
#define KEY(key, letter, type, values, initial, help) #key,
		SEEP_SETTINGS(KEY)};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct command_option *option = command_run.options;
		while (option->name && strcmp(option->name, keys[i]) != 0)
			option++;
		assert_non_null(option->name);
	}
}

static void completion_knows_every_command_and_option(void **state)
{
	static const char *const shells[] = {"bash", "fish"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char *text = NULL;
		size_t bytes;
		FILE *out = open_memstream(&text, &bytes);
		assert_int_equal(completion_script_write(out, shells[i]), 0);
		fclose(out);
		for (const struct command *const *at = command_table; *at; at++) {
			assert_non_null(strstr(text, (*at)->name));
			for (const struct command_option *option = (*at)->options;
			     option && option->name; option++) {
				char name[COMMAND_OPTION_BYTES];
				command_option_text(option, 0, name);
				assert_non_null(strstr(text, name + 2));
			}
		}
		free(text);
	}
	assert_int_equal(completion_script_write(stdout, "csh"), -EINVAL);
}

/* What bash would offer after `words`, of which the last is being typed. */
static char *complete(const char *words)
{
	char command[512];
	char *text = NULL;
	size_t bytes;
	char path[] = "/tmp/seep_completion.XXXXXX";
	FILE *script = fdopen(mkstemp(path), "w");

	assert_non_null(script);
	completion_script_write(script, "bash");
	fclose(script);
	snprintf(command, sizeof(command),
		 "bash -c 'source %s; COMP_WORDS=(\"$@\"); "
		 "COMP_CWORD=$(($#-1)); compopt() { :; }; _seep; echo \"${COMPREPLY[*]}\"' _ %s",
		 path, words);
	FILE *bash = popen(command, "r");
	FILE *copy = open_memstream(&text, &bytes);
	for (int c; (c = fgetc(bash)) != EOF;)
		fputc(c, copy);
	fclose(copy);
	assert_int_equal(pclose(bash), 0);
	unlink(path);
	return text;
}

static void bash_completes_what_can_be_typed(void **state)
{
	static const char *const cases[][2] = {
		{"seep ru", "run\n"},
		{"seep run --stack", "--stack-depth=\n"},
		{"seep run --snapshots-by = th", "thread\n"},
		{"seep run --command-line =", "on off\n"},
		{"seep export --value = live_bl", "live_blocks\n"},
		{"seep run -q /etc/passw", "/etc/passwd"},
		{"seep run -- cat /etc/passw", "/etc/passwd"},
		{"seep run -o x cat /etc/passw", "/etc/passwd"},
		{"seep help snapshots", "snapshots\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = complete(cases[i][0]);
		if (!strstr(text, cases[i][1]))
			fail_msg("%s: %s", cases[i][0], text);
		free(text);
	}
}

static void the_readme_has_one_line_for_every_file(void **state)
{
	char readme[1 << 16] = "", wanted[256];
	glob_t files;

	(void)state;
	FILE *file = fopen("tools/README.md", "r");
	if (!file) {
		print_message("not started in the project's folder\n");
		skip();
	}
	size_t bytes = fread(readme, 1, sizeof(readme) - 1, file);
	fclose(file);
	readme[bytes] = '\0';

	size_t line_count = 0, file_count = 1; /* main.c */
	for (const char *line = readme; (line = strstr(line, "\n| `")); line++)
		line_count +=
			strstr(line, ".c` |") && strstr(line, ".c` |") < strchr(line + 1, '\n');
	assert_int_equal(glob("tools/*/*.c", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++, file_count++) {
		snprintf(wanted, sizeof(wanted), "\n| `%s` |", strrchr(files.gl_pathv[i], '/') + 1);
		if (!strstr(readme, wanted))
			fail_msg("tools/README.md has no line for %s", files.gl_pathv[i]);
	}
	globfree(&files);
	assert_int_equal(line_count, file_count);
}

static void says_nothing_that_a_terminal_obeys(void **state)
{
	const char *harmful = "a\x1b[2J\xc2\x9b\xff\xe2\x80\xae\n";

	(void)state;
	struct captured_text captured = captured_text_begin(STDERR_FILENO);
	assert_int_equal(command_fail("sample: %s", harmful), EXIT_CANNOT);
	char *text = captured_text_end(&captured);
	assert_string_equal(text, "seep: sample: a?[2J?\xef\xbf\xbd??\n");
	free(text);

	captured = captured_text_begin(STDOUT_FILENO);
	command_say("%s of %d", harmful, 7);
	text = captured_text_end(&captured);
	assert_string_equal(text, "a?[2J?\xef\xbf\xbd?? of 7\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_options_in_all_spellings),
		cmocka_unit_test(reads_an_option_with_and_without_its_value),
		cmocka_unit_test(takes_options_after_operands_unless_a_program_follows),
		cmocka_unit_test(refuses_in_one_line_that_names_the_option),
		cmocka_unit_test(stops_where_a_value_is_refused),
		cmocka_unit_test(shows_help_and_is_content),
		cmocka_unit_test(says_nothing_that_a_terminal_obeys),
		cmocka_unit_test(suggests_the_nearest_command),
		cmocka_unit_test(every_command_is_described_completely),
		cmocka_unit_test(help_and_man_page_say_what_the_table_says),
		cmocka_unit_test(help_fits_into_80_columns_of_ascii),
		cmocka_unit_test(man_pages_are_sound_roff),
		cmocka_unit_test(every_setting_is_an_option_of_run),
		cmocka_unit_test(completion_knows_every_command_and_option),
		cmocka_unit_test(bash_completes_what_can_be_typed),
		cmocka_unit_test(the_readme_has_one_line_for_every_file),
	};

	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
