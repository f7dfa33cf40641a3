/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a process, with a child in the role of a process under seep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/profile_writer.h"
#include "tests/unit/tools/captured_text.h"
#include "tools/commands/command.h"
#include "tools/commands/target.h"
#include "tools/model/error.h"
#include "tools/model/process_stat.h"

static struct error error;
static struct seep_control_answer answer;

/* How a child answers. */
struct manner {
	bool is_deaf;	/* has no socket */
	bool is_silent; /* takes the request and says nothing */
	bool hangs_up;
	bool is_headless; /* its first thread has gone by pthread_exit, and another one answers */
	int ready_fd;	  /* private */
	size_t answer_bytes; /* 0: all */
	struct seep_control_answer answer;
};

static int listen_as_target(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct process_stat stat;

	if (!process_stat_read(getpid(), &stat))
		_exit(1);
	int length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
			      SEEP_CONTROL_NAME_FORMAT, (unsigned)getpid(),
			      (unsigned long long)stat.start_ticks);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (bind(fd, (struct sockaddr *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)) != 0 ||
	    listen(fd, 4) != 0)
		_exit(1);
	return fd;
}

static _Noreturn void serve(const struct manner *manner)
{
	int listener = manner->is_deaf ? -1 : listen_as_target();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "fake target");
	if (write(manner->ready_fd, "", 1) != 1)
		_exit(1);
	while (manner->is_deaf)
		pause();
	for (;;) {
		struct seep_control_request request;
		struct seep_control_answer reply = manner->answer;
		int fd = accept(listener, NULL, NULL);
		if (!manner->hangs_up &&
		    recv(fd, &request, sizeof(request), 0) == sizeof(request)) {
			/* So that the test sees what was asked. */
			if (request.verb == SEEP_CONTROL_SNAPSHOT ||
			    request.verb == SEEP_CONTROL_MARK ||
			    request.verb == SEEP_CONTROL_SCAN) {
				reply.snapshot += request.verb - SEEP_CONTROL_STATUS;
				snprintf(reply.path + strlen(reply.path), 200, "%s", request.label);
			}
			if (!manner->is_silent)
				send(fd, &reply,
				     manner->answer_bytes ? manner->answer_bytes : sizeof(reply),
				     0);
			else
				pause();
		}
		close(fd);
	}
}

static void *serve_beside(void *context)
{
	const struct manner *manner = context;

	serve(manner);
}

static _Noreturn void go_on_without_first_thread(const struct manner *manner)
{
	static struct manner kept;
	pthread_t thread;

	kept = *manner;
	pthread_create(&thread, NULL, serve_beside, &kept);
	pthread_exit(NULL);
}

static pid_t start(struct manner manner)
{
	int ready[2];
	char byte;

	if (!manner.answer.version)
		manner.answer.version = SEEP_CONTROL_VERSION;
	assert_int_equal(pipe(ready), 0);
	manner.ready_fd = ready[1];
	pid_t pid = fork();
	if (pid == 0 && manner.is_headless)
		go_on_without_first_thread(&manner);
	if (pid == 0)
		serve(&manner);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static struct manner polite(void)
{
	return (struct manner){
		.answer = {.snapshot = 16,
			   .live_bytes = 3355443,
			   .live_blocks = 12345,
			   .path = "/tmp/seep.fake.1.seep"},
	};
}

static void assert_fails(int result, const char *why)
{
	assert_true(result < 0);
	if (!strstr(error.text, why))
		fail_msg("'%s' says not '%s'", error.text, why);
}

static void asks_and_hears(void **state)
{
	pid_t pid = start(polite());

	(void)state;
	assert_int_equal(target_status(pid, &answer, &error), 0);
	assert_int_equal(answer.snapshot, 16);
	assert_int_equal(answer.live_bytes, 3355443);
	assert_string_equal(answer.path, "/tmp/seep.fake.1.seep");
	assert_int_equal(target_snapshot(pid, "/label", &answer, &error), 0);
	assert_int_equal(answer.snapshot, 17);
	assert_string_equal(answer.path, "/tmp/seep.fake.1.seep/label");
	assert_int_equal(target_mark(pid, "/idle", &answer, &error), 0);
	assert_int_equal(answer.snapshot, 18);
	assert_string_equal(answer.path, "/tmp/seep.fake.1.seep/idle");
	assert_int_equal(target_scan(pid, "/before", &answer, &error), 0);
	assert_int_equal(answer.snapshot, 19);
	assert_string_equal(answer.path, "/tmp/seep.fake.1.seep/before");
	stop(pid);
}

/* The kernel calls such a process a zombie, as if it had ended. */
static void asks_a_process_that_goes_on_without_its_first_thread(void **state)
{
	struct process_stat stat = {0};
	struct manner manner = polite();

	(void)state;
	manner.is_headless = true;
	pid_t pid = start(manner);
	for (int i = 0; i < 5000 && stat.state != 'Z'; i++) {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		assert_true(process_stat_read(pid, &stat));
	}
	assert_int_equal(stat.state, 'Z');
	assert_int_equal(target_status(pid, &answer, &error), 0);
	assert_int_equal(answer.snapshot, 16);
	stop(pid);
}

static void finds_the_file_of_a_process(void **state)
{
	struct manner manner = polite();
	char path[TARGET_PATH_BYTES], file[] = "/tmp/seep_target.XXXXXX";

	(void)state;
	close(mkstemp(file));
	strcpy(manner.answer.path, file);
	pid_t pid = start(manner);
	assert_int_equal(target_find_file(pid, path, &error), 0);
	assert_string_equal(path, file);
	unlink(file);
	assert_fails(target_find_file(pid, path, &error), "cannot read /tmp/seep_target.");
	stop(pid);
}

static void tells_a_pid_from_a_file(void **state)
{
	char folder[] = "/tmp/seep_target.XXXXXX", before[4096];
	pid_t pid;

	(void)state;
	assert_true(target_is_pid("4711"));
	assert_false(target_is_pid("4711.seep"));
	assert_false(target_is_pid(""));
	assert_non_null(getcwd(before, sizeof(before)));
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	fclose(fopen("4711", "w"));
	assert_false(target_is_pid("4711"));
	unlink("4711");
	assert_int_equal(chdir(before), 0);
	rmdir(folder);

	assert_int_equal(target_parse_pid("4711", &pid, &error), 0);
	assert_int_equal(pid, 4711);
	static const char *const wrong[] = {"", "0", "-1", "12x", "99999999999", "4294967297"};
	for (size_t i = 0; i < 6; i++)
		assert_fails(target_parse_pid(wrong[i], &pid, &error),
			     "is not the number of a process");
}

static void says_why_nobody_can_be_asked(void **state)
{
	(void)state;
	assert_fails(target_status(0x3fffffff, &answer, &error), "there is no process 1073741823");

	pid_t deaf = start((struct manner){.is_deaf = true});
	assert_fails(target_status(deaf, &answer, &error),
		     "(fake target) is not under seep; start it with: seep run");
	kill(deaf, SIGKILL);
	siginfo_t info;
	waitid(P_PID, (id_t)deaf, &info, WEXITED | WNOWAIT);
	assert_fails(target_status(deaf, &answer, &error), "has ended already");
	waitpid(deaf, NULL, 0);

	char label[SEEP_CONTROL_LABEL_BYTES + 1];
	memset(label, 'x', sizeof(label) - 1);
	label[sizeof(label) - 1] = '\0';
	assert_fails(target_snapshot(getpid(), label, &answer, &error), "longer than 127 bytes");
	assert_fails(target_mark(getpid(), label, &answer, &error), "longer than 127 bytes");
}

static void says_when_a_process_belongs_to_somebody_else(void **state)
{
	struct manner manner = polite();

	(void)state;
	manner.answer.result = SEEP_CONTROL_REFUSED;
	pid_t refusing = start(manner);
	assert_fails(target_status(refusing, &answer, &error), "belongs to user");
	stop(refusing);

	if (geteuid() != 0) {
		print_message("only root can become somebody else\n");
		return;
	}
	/* The library hangs up on others. */
	const struct manner manners[] = {{.is_deaf = true}, {.hangs_up = true}};
	for (size_t i = 0; i < 2; i++) {
		pid_t unwilling = start(manners[i]), asker = fork();
		if (asker == 0) {
			if (setuid(65534) != 0 || target_status(unwilling, &answer, &error) == 0)
				_exit(1);
			_exit(strstr(error.text, "belongs to user root; ask as that user") ? 0 : 2);
		}
		int status;
		waitpid(asker, &status, 0);
		assert_int_equal(status, 0);
		stop(unwilling);
	}
}

/* Somebody else's process listens under the name of ours. */
static void does_not_believe_a_stranger(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("only root can become somebody else\n");
		skip();
	}
	/* Asked by user 1, about a process of user 1, the answer comes from user 65534. */
	pid_t asker = fork();
	if (asker == 0) {
		int ready[2];
		char byte;
		if (pipe(ready) != 0)
			_exit(3);
		pid_t pid = fork();
		if (pid == 0) {
			/* listen() fixes what SO_PEERCRED says. */
			if (seteuid(65534) != 0)
				_exit(3);
			int fd = listen_as_target();
			if (seteuid(0) != 0 || setuid(1) != 0 || write(ready[1], "", 1) != 1)
				_exit(3);
			accept(fd, NULL, NULL);
			pause();
		}
		if (read(ready[0], &byte, 1) != 1 || setuid(1) != 0)
			_exit(3);
		int result = target_ask(pid, &(struct seep_control_request){.version = 1}, 1000,
					&answer, &error);
		kill(pid, SIGKILL);
		_exit(result < 0 && strstr(error.text, "user 65534 answers in the place of") ? 0
											     : 2);
	}
	int status;
	waitpid(asker, &status, 0);
	assert_int_equal(status, 0);
}

static void does_not_wait_for_ever(void **state)
{
	const struct seep_control_request request = {SEEP_CONTROL_VERSION, SEEP_CONTROL_STATUS, ""};
	struct manner manner = polite();

	(void)state;
	manner.is_silent = true;
	pid_t pid = start(manner);
	assert_fails(target_ask(pid, &request, 50, &answer, &error),
		     "runs under seep but does not answer: nothing came for 1 s");
	kill(pid, SIGSTOP);
	int status;
	waitpid(pid, &status, WUNTRACED);
	assert_fails(target_ask(pid, &request, 50, &answer, &error), "it is stopped");
	stop(pid);
}

static void survives_every_wrong_answer(void **state)
{
	struct manner manner = polite();

	(void)state;
	manner.hangs_up = true;
	pid_t pid = start(manner);
	assert_fails(target_status(pid, &answer, &error), "does not answer: it hung up");
	stop(pid);

	for (size_t bytes = 1; bytes <= offsetof(struct seep_control_answer, path); bytes += 7) {
		manner = polite();
		manner.answer_bytes = bytes;
		pid = start(manner);
		assert_fails(target_status(pid, &answer, &error), "makes no sense");
		stop(pid);
	}

	manner = polite();
	memset(manner.answer.path, 'x', sizeof(manner.answer.path));
	pid = start(manner);
	assert_fails(target_status(pid, &answer, &error), "makes no sense");
	stop(pid);

	manner = polite();
	manner.answer.version = SEEP_CONTROL_VERSION + 1;
	pid = start(manner);
	assert_fails(target_status(pid, &answer, &error), "under another version of libseep.so");
	stop(pid);

	manner = polite();
	manner.answer.result = SEEP_CONTROL_WRITE_FAILED;
	manner.answer.error = ENOSPC;
	pid = start(manner);
	assert_fails(target_status(pid, &answer, &error), "No space left on device");
	stop(pid);

	manner = polite();
	manner.answer.result = 77;
	pid = start(manner);
	assert_fails(target_status(pid, &answer, &error), "did not understand the request");
	stop(pid);
}

static void snapshot_prints_one_line(void **state)
{
	pid_t pid = start(polite());
	char number[16], expected[256];
	char *argv[] = {"snapshot", number, "--label=x", NULL};

	(void)state;
	snprintf(number, sizeof(number), "%d", (int)pid);
	struct captured_text captured = captured_text_begin(STDOUT_FILENO);
	int status = command_snapshot.run(&command_snapshot, 3, argv);
	char *text = captured_text_end(&captured);
	assert_int_equal(status, EXIT_CLEAN);
	snprintf(expected, sizeof(expected),
		 "snapshot 17 of fake target (%d): 3.20 MiB in 12,345 blocks → "
		 "/tmp/seep.fake.1.seepx\n",
		 (int)pid);
	assert_string_equal(text, expected);
	free(text);
	stop(pid);
}

/* Its name and its path are what the process likes them to be. */
static void a_hostile_answer_moves_no_terminal(void **state)
{
	struct manner manner = polite();
	char number[16];
	char *argv[] = {"snapshot", number, NULL};

	(void)state;
	strcpy(manner.answer.path, "/tmp/\x1b]0;x\a\xff\nseep: all is well");
	pid_t pid = start(manner);
	snprintf(number, sizeof(number), "%d", (int)pid);
	struct captured_text captured = captured_text_begin(STDOUT_FILENO);
	int status = command_snapshot.run(&command_snapshot, 2, argv);
	char *text = captured_text_end(&captured);
	assert_int_equal(status, EXIT_CLEAN);
	assert_non_null(strstr(text, "→ /tmp/?]0;x?\xef\xbf\xbd?seep: all is well\n"));
	free(text);
	stop(pid);
}

/* A file with snapshot 19, as the child answers, and a scan of it. */
static void write_scanned(const char *path, uint32_t snapshot, uint16_t outcome)
{
	struct profile_writer writer;

	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	profile_writer_module(&writer, 0, 0, 0x10000, 0x20000, "/no/such/server");
	for (uint32_t stack = 1; stack <= 7; stack++)
		profile_writer_node(&writer, stack, 0, 0x10000 + 0x100 * stack, 0);
	profile_writer_snapshot(&writer, 19, 1, SEEP_SNAPSHOT_IS_KEYFRAME, SEEP_REASON_REQUEST, "");
	for (uint32_t stack = 1; stack <= 7; stack++) {
		profile_writer_entry(&writer, stack, 10, 1000 * stack, 10, 1);
		profile_writer_cohort(&writer, 1, 10, 1000 * stack);
	}
	profile_writer_snapshot_done(&writer);
	struct profile_writer_scanned sites[7] = {{.stack = 0}};
	for (uint32_t i = 0; outcome == SEEP_SCAN_DONE && i < 7; i++)
		sites[i] = (struct profile_writer_scanned){
			.stack = i + 1,
			.sums = {{i ? 2 : 0, 100 * i}, {0, 0}, {0, 0}, {8, 800}, {0, 0}}};
	sites[2].sums[4][0] = 1; /* what is below it makes this one the worst */
	sites[2].sums[4][1] = 4096;
	profile_writer_scan(&writer,
			    (struct seep_scan){.snapshot = snapshot,
					       .outcome = outcome,
					       .reason = SEEP_REASON_REQUEST,
					       .flags = SEEP_SCAN_IS_STOPPED,
					       .pause_ns = 3000000},
			    sites, outcome == SEEP_SCAN_DONE ? 7 : 0);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	fwrite(writer.file.bytes, 1, writer.file.size, file);
	fclose(file);
	profile_writer_free(&writer);
}

/* What `seep scan` of a child whose file is this one prints, for free(); else what it complains of. */
static char *scan_of(const char *path, char *option, int *status)
{
	struct manner manner = polite();
	char number[16];
	char *argv[] = {"scan", option, number, NULL};

	strcpy(manner.answer.path, path);
	pid_t pid = start(manner);
	snprintf(number, sizeof(number), "%d", (int)pid);
	struct captured_text errors = captured_text_begin(STDERR_FILENO);
	struct captured_text captured = captured_text_begin(STDOUT_FILENO);
	*status = command_scan.run(&command_scan, 3, argv);
	char *text = captured_text_end(&captured), *complaint = captured_text_end(&errors);
	stop(pid);
	bool is_silent = !*text;
	free(is_silent ? text : complaint);
	return is_silent ? complaint : text;
}

static void scan_prints_who_has_lost_most(void **state)
{
	char path[] = "/tmp/seep_scanned.XXXXXX", expected[1024];
	int status;

	(void)state;
	close(mkstemp(path));
	write_scanned(path, 19, SEEP_SCAN_DONE);
	char *text = scan_of(path, "--format=text", &status);
	assert_int_equal(status, EXIT_CLEAN);
	snprintf(expected, sizeof(expected),
		 "scan of server (4711): 12 blocks (2.05 KiB) definitely lost; the program stood\n"
		 "      still for 3 ms\n"
		 "    200 B in 2 blocks, with 4.00 KiB in 1 block that only they hold\n"
		 "      server+0x300\n"
		 "    600 B in 2 blocks\n"
		 "      server+0x700\n"
		 "    500 B in 2 blocks\n"
		 "      server+0x600\n"
		 "    400 B in 2 blocks\n"
		 "      server+0x500\n"
		 "    300 B in 2 blocks\n"
		 "      server+0x400\n"
		 "1 more site; more: seep report %s@19\n",
		 path);
	assert_string_equal(text, expected);
	free(text);

	text = scan_of(path, "--format=json", &status);
	assert_int_equal(status, EXIT_CLEAN);
	assert_non_null(strstr(text, "\"schema\":\"seep.report/1\""));
	assert_non_null(strstr(text, "\"verdict\":\"lost\""));
	assert_null(strstr(text, "\"verdict\":\"unfreed\""));
	free(text);
	unlink(path);
}

static void scan_says_why_it_could_not(void **state)
{
	char path[] = "/tmp/seep_scanned.XXXXXX";
	int status;

	(void)state;
	close(mkstemp(path));
	write_scanned(path, 19, SEEP_SCAN_NO_COPY);
	char *text = scan_of(path, "--format=text", &status);
	assert_int_equal(status, EXIT_CANNOT);
	assert_ptr_equal(strstr(text, "scan of server (4711): what is lost is not known: "), text);
	free(text);

	/* That of an earlier snapshot is not what was asked for. */
	write_scanned(path, 18, SEEP_SCAN_DONE);
	text = scan_of(path, "--format=text", &status);
	assert_int_equal(status, EXIT_CANNOT);
	assert_non_null(strstr(text, "has answered, but there is no scan in"));
	free(text);
	unlink(path);

	struct manner manner = polite();
	manner.answer.result = SEEP_CONTROL_BAD_REQUEST;
	pid_t pid = start(manner);
	assert_fails(target_scan(pid, NULL, &answer, &error),
		     "under a libseep.so that cannot scan");
	stop(pid);
	assert_fails(target_scan(0x3fffffff, NULL, &answer, &error), "there is no process");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_and_hears),
		cmocka_unit_test(asks_a_process_that_goes_on_without_its_first_thread),
		cmocka_unit_test(finds_the_file_of_a_process),
		cmocka_unit_test(tells_a_pid_from_a_file),
		cmocka_unit_test(says_why_nobody_can_be_asked),
		cmocka_unit_test(says_when_a_process_belongs_to_somebody_else),
		cmocka_unit_test(does_not_believe_a_stranger),
		cmocka_unit_test(does_not_wait_for_ever),
		cmocka_unit_test(survives_every_wrong_answer),
		cmocka_unit_test(snapshot_prints_one_line),
		cmocka_unit_test(a_hostile_answer_moves_no_terminal),
		cmocka_unit_test(scan_prints_who_has_lost_most),
		cmocka_unit_test(scan_says_why_it_could_not),
	};

	return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
