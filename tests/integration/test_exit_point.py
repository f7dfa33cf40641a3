# SPDX-License-Identifier: Apache-2.0
"""test_exit_point: what the last scan finds lost of a program that calls exit or returns from main.

The stack below the caller of exit is stale, and all above it counts, with the registers that a call
keeps. Each program has one block that is lost, and one that is held.
"""

import functools

from sandbox import expect, expect_equal, site_of

HEAD = """\
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define APART __attribute__((noipa))
APART void *make_lost(void) { return malloc(100); }
APART void *make_kept(void) { return malloc(200); }
/* Its frame lies where those of exit will be, and is full of the pointer. */
APART void spread(void *block)
{
    void *volatile words[400];
    for (int i = 0; i < 400; i++)
        words[i] = block;
    block = NULL;
}
APART void wipe_registers(void)
{
    __asm__ volatile("xor %eax, %eax; xor %ecx, %ecx; xor %edx, %edx; xor %esi, %esi\\n\\t"
                     "xor %edi, %edi; xor %r8d, %r8d; xor %r9d, %r9d; xor %r10d, %r10d");
}
"""
ENDS = {
    "returns from main": "int main(void) { static void *kept; kept = make_kept(); lose();"
                         " return kept == NULL; }",
    "calls exit with a pointer on its stack": """
APART void end(void)
{
    void *volatile kept[50] = {NULL};
    kept[7] = make_kept();
    lose();
    exit(kept[7] == NULL);
}
int main(void) { end(); return 1; }
""",
    "calls exit with a pointer in rbx": """
static volatile unsigned long inverted;
APART void hide(void) { inverted = ~(unsigned long)make_kept(); }
int main(void)
{
    hide();
    lose();
    __asm__ volatile("mov %0, %%rbx; not %%rbx; xor %%edi, %%edi; call exit@PLT"
                     : : "m"(inverted) : "rbx", "rdi", "memory");
}
""",
    "calls exit with a pointer in r15, from a handler of a signal": """
#include <signal.h>
static volatile unsigned long inverted;
APART void hide(void) { inverted = ~(unsigned long)make_kept(); }
static void handle(int number)
{
    (void)number;
    lose();
    exit(0);
}
int main(void)
{
    signal(SIGUSR1, handle);
    hide();
    __asm__ volatile("mov %0, %%r15; not %%r15; mov %1, %%edi; mov %2, %%esi; mov $62, %%eax\\n\\t"
                     "syscall; ud2"
                     : : "m"(inverted), "r"(getpid()), "i"(SIGUSR1)
                     : "r15", "rdi", "rsi", "rax", "rcx", "r11", "memory");
}
""",
    "calls exit in another thread": """
static void *run(void *unused)
{
    void *volatile kept = make_kept();
    (void)unused;
    lose();
    exit(kept == NULL);
}
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, run, NULL);
    pthread_join(thread, NULL);
    return 1;
}
""",
    "has an exit of its own, which libc does not call": """
APART void exit(int status) { _exit(status); }
int main(void) { static void *kept; kept = make_kept(); lose(); return kept == NULL; }
""",
    "calls exit in a handler of exit": """
static void *volatile held;
static void again(void)
{
    void *volatile kept = make_kept();
    lose();
    exit(kept == NULL);
}
int main(void) { atexit(again); return 1; }
""",
}
LOSE = "APART void lose(void) { spread(make_lost()); wipe_registers(); }\n"


def tests():
    for name, end in ENDS.items():
        yield "a program that %s" % name, functools.partial(ends, end)


def ends(end, box):
    for level in ("-O0", "-O2"):
        source = box.write("ends.c", HEAD + LOSE + end)
        program = box.compile(source, level, "-pthread", "-fno-optimize-sibling-calls")
        # How the stack lies is another one each time.
        for _ in range(6):
            result = box.seep_run([program], "--scan=exit")
            expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
            report = box.report()
            kept = site_of(report, "make_kept")["reachability"]
            expect_equal(kept["reachable"], {"bytes": 200, "blocks": 1},
                         "what can be reached of the block that is held, with %s," % level)
            lost = site_of(report, "make_lost")["reachability"]["definitely_lost"]["blocks"]
            expect(lost == 1, "with %s the lost block seems held by %s"
                   % (level, site_of(report, "make_lost")["held_by"]))
