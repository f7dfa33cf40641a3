# SPDX-License-Identifier: Apache-2.0
"""test_selfcheck: stacks captured in real programs are libunwind's, compared inside of them.

Every capture, or one in N where that takes long. A difference is a mistake of ours, or one of
libunwind's that is named in LIBUNWIND_IS_WRONG with the reason.
"""

import functools
import glob
import os
import shutil
import subprocess

import case_program
import report_schema
import snapshot_file
from sandbox import CASES, SEEP, Failed, Skipped, expect, expect_equal
from test_real_programs import PYTHON, SQL, need, same_with_and_without

# Case program: how many captures differ, and why it is not seep that is wrong.
LIBUNWIND_IS_WRONG = {
    # It believes every function that its unwind data calls a signal frame, and so takes the address
    # to which such a function returns for an instruction that was interrupted.
    "claims_to_be_a_signal_frame": 1,
}
# Case program: captures that seep marks as cut and libunwind follows further, by a guess.
CUT = {
    # The frame pointer of code without unwind data holds data, which looks like a frame.
    "keeps_data_in_frame_pointer": 1,
    # The same, and what looks like a return address is where nothing is.
    "keeps_address_of_nothing": 1,
    # A coroutine of boost ends in code without unwind data; how many frees are asked is chance.
    "runs_boost_coroutines": None,
}
# Cases that show a way of unwinding, with the least number of captures in them.
SHAPES = {
    "jumps_out_of_frames": 200, "throws_through_frames": 3000, "swaps_contexts": 100,
    "allocates_in_signal_handler": 1, "interrupts_operator_new": 100,
    "runs_on_small_thread_stack": 2, "calls_deep_chain": 1, "opens_plugin_by_name": 5,
    "unloads_leaking_plugin": 5, "sorts_a_large_array": 2, "allocates_first_in_vfork_child": 60,
    "calls_every_operator_new": 16, "tracks_mappings": 5, "uses_another_malloc": 3,
    "allocates_in_generated_code": 1000,
    "keeps_data_in_frame_pointer": 2, "claims_to_be_a_signal_frame": 2,
}
# All others are checked together, but these, which only repeat one allocation.
TOO_MANY = ("packs_small_blocks", "builds_a_tree")


def tests():
    yield "sqlite3's stacks are libunwind's", sqlite
    yield "python3's stacks are libunwind's", python
    yield "cc1's stacks are libunwind's", cc1
    yield "perl's stacks are libunwind's", perl
    yield "redis-server's stacks are libunwind's", redis
    yield "stacks of a plug-in that is opened 200 times are libunwind's", reopened_plugin
    yield "a plug-in at the place of another that went unseen is noticed", unseen_unload
    yield "threads that fork are checked, and their children never hang", threads
    for case in case_program.all_cases():
        if case.name in SHAPES:
            yield "what %s says holds under --selfcheck" % case.name, functools.partial(shape, case)
    yield "what all other cases say holds under --selfcheck", other_cases
    yield "a difference is in the summary, the report and the JSON", difference
    yield "a program is as ever under --selfcheck", transparency
    yield "without libunwind nothing is checked, and everybody is told once", no_libunwind
    yield "about one in N is compared", share


def checks_of(box, files):
    """The sum of the counts in these files, after all that must hold in each of them."""
    total = {}
    for file in files:
        report = box.report(file, "--no-symbols", "--top=1")
        wrong = report_schema.check(report)
        expect(not wrong, "; ".join(wrong[:5]))
        check, raw = report["selfcheck"], snapshot_file.read(file).self_check()
        expect(check is not None, "no self-check in " + os.path.basename(file))
        names = ("compared", "different", "libunwind_gave_up", "cut", "skipped")
        for name in names:
            expect_equal(check[name], raw[name], "%s in the report, beside the file's" % name)
            total[name] = total.get(name, 0) + check[name]
        expect_equal(sum(difference["count"] for difference in check["differences"]),
                     check["different"], "captures of the differences that are listed")
    return total


def expect_equal_stacks(box, least, file="out.seep", different=0, cut=0):
    """In the program's own file: enough was compared, and nothing differs that is not expected."""
    found = checks_of(box, [box.path(file)])
    box.note("%(compared)d captures compared, %(different)d different, %(cut)d cut by seep, "
             "%(libunwind_gave_up)d given up by libunwind, %(skipped)d skipped" % found)
    if found["different"] != different:
        text = box.seep("report", "--top=1", box.path(file)).stdout.decode()
        raise Failed("%d captures differ, expected %d:\n%s"
                     % (found["different"], different, text[text.find("Self-check:"):]))
    expect(found["compared"] >= least, "only %d captures were compared" % found["compared"])
    cut = found["cut"] if cut is None else cut
    expect_equal((found["cut"], found["libunwind_gave_up"], found["skipped"]), (cut, 0, 0),
                 "(cut, given up by libunwind, skipped)")


# ---- real programs -----------------------------------------------------------------------------


def sqlite(box):
    need("sqlite3")
    same_with_and_without(box, ["sqlite3", ":memory:"], stdin=SQL.encode(),
                          options=["--selfcheck=1/10"])
    expect_equal_stacks(box, 2000)


def python(box):
    need("/usr/bin/python3")
    environment = {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}
    same_with_and_without(box, ["/usr/bin/python3", "-S", "-E", "-c", PYTHON], environment,
                          options=["--selfcheck=1/10"])
    expect_equal_stacks(box, 5000)


def cc1(box):
    compiler = subprocess.run(["gcc", "-print-prog-name=cc1"], capture_output=True, text=True)
    program = compiler.stdout.strip()
    if not os.path.isabs(program):
        raise Skipped("gcc has no cc1")
    source = os.path.join(CASES, "calls_libc_that_allocates.c")
    box.write("input.i", box.run(["gcc", "-E", "-D_GNU_SOURCE", source]).stdout)
    result = box.seep_run([program, "-fpreprocessed", "input.i", "-quiet", "-O2", "-o", "out.s"],
                          "--selfcheck")
    expect_equal(result.returncode, 0, "the exit status of cc1")
    expect_equal_stacks(box, 10000)


def perl(box):
    need("perl")
    script = ('my %h; $h{$_ * 7919 % 10007} .= "x$_" for 1..4000; my @l = map { "$_=$h{$_}" } '
              'sort { $a <=> $b } keys %h; eval { die "out" }; s/x(\\d)/<$1>/g for @l; print "@l"')
    same_with_and_without(box, ["perl", "-e", script], options=["--selfcheck"])
    expect_equal_stacks(box, 15000)


def redis(box):
    need("redis-server", "redis-benchmark", "redis-cli")
    path = box.path("redis.sock")
    server = box.start([SEEP, "run", "-q", "-o", box.path("out.seep"), "--selfcheck=1/10", "--",
                        shutil.which("redis-server"), "--port", "0", "--unixsocket", path,
                        "--save", "", "--dir", box.folder, "--loglevel", "warning"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    cli = ["redis-cli", "-s", path]
    box.wait_until(lambda: box.run(cli + ["ping"]).stdout == b"PONG\n", "redis's answer")
    load = box.run(["redis-benchmark", "-s", path, "-q", "-n", "3000", "-c", "10", "-r", "500",
                    "-t", "set,get,lpush,lrange_100,sadd,hset,zadd", "-d", "64"])
    expect_equal(load.returncode, 0, "the status of redis-benchmark")
    box.run(cli + ["eval", "return {1, 'two', {3}}", "0"])
    box.run(cli + ["shutdown", "nosave"])
    expect_equal(server.wait(20), 0, "the exit status of redis-server")
    expect_equal_stacks(box, 2000)


# ---- code that comes and goes --------------------------------------------------------------------


def plugin(box, source, *flags, output):
    box.compile(source, "-shared", "-fPIC", *flags, output=output)


def reopened_plugin(box):
    plugin(box, "plugin_that_leaks.c", output="plugin_that_leaks.so")
    result = box.seep_run([box.compile("reopens_a_plugin.c", "-O1")], "--selfcheck")
    expect_equal(result.returncode, 0, "the exit status")
    expect_equal_stacks(box, 1000)


def unseen_unload(box):
    plugin(box, "plugin_with_large_frame.c", "-DFRAME=0x20008", output="large.so")
    plugin(box, "plugin_with_large_frame.c", "-DFRAME=0x10008", output="small.so")
    result = box.seep_run([box.compile("replaces_a_plugin_unseen.c", "-O1")], "--selfcheck")
    expect_equal(result.returncode, 0, "the exit status")
    expect_equal_stacks(box, 10)


def threads(box):
    program = box.compile("tortures_allocator.c", "-O1", "-pthread")
    result = box.seep_run([program, "4000", "20"], "--selfcheck")
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    expect_equal_stacks(box, 10000)
    children = glob.glob(box.path("*.children", "*.seep"))
    box.note("%d children" % len(children))
    expect(children, "no child has a file")
    expect_equal(checks_of(box, children)["different"], 0, "differences in children")


# ---- cases ---------------------------------------------------------------------------------------


def check_case(box, case, flags, least):
    case.settings["options"] = (case.settings.get("options", "") + " --selfcheck").strip()
    case.check(box, flags)
    expect_equal_stacks(box, least, different=LIBUNWIND_IS_WRONG.get(case.name, 0),
                        cut=CUT.get(case.name, 0))


def shape(case, box):
    check_case(box, case, case.variants()[0], SHAPES[case.name])


def other_cases(box):
    for case in case_program.all_cases():
        if case.name in SHAPES or case.name in TOO_MANY:
            continue
        with_folder = type(box)(box.is_full)
        try:
            check_case(with_folder, case, case.variants()[0], 0)
        except Failed as reason:
            raise Failed("%s: %s" % (case.name, reason))
        finally:
            box.note("%s: %s" % (case.name, "; ".join(with_folder.notes)))
            with_folder.close()


# ---- what is said about it -----------------------------------------------------------------------


def difference(box):
    program = box.compile("claims_to_be_a_signal_frame.c", "-O0")
    result = box.seep("run", "-o", box.path("out.seep"), "--selfcheck", "--", program)
    summary = [line for line in result.stderr.decode().splitlines() if "self-check" in line]
    expect_equal(summary, ["seep: self-check: 1 difference in 2 captures compared with libunwind: "
                           "seep report out.seep"], "the summary's lines about it")
    check = box.report()["selfcheck"]
    expect_equal((check["one_in"], check["works"], check["compared"], check["different"],
                  len(check["differences"])), (1, True, 2, 1, 1), "the counts")
    ours, libunwind = ([frame["function"] for frame in check["differences"][0][whose]]
                       for whose in ("ours", "libunwind"))
    expect_equal(libunwind, ours[:1] + ["[signal]"] + ours[1:], "libunwind's stack")
    text = box.seep("report", box.path("out.seep")).stdout.decode()
    expect("\nSelf-check: 2 captures compared, 1 of them differs\n" in text, "no line in the text")
    lines = text[text.find("Self-check:"):].splitlines()
    for begin in ("    both       ", "    seep       main ", "    libunwind  [signal]"):
        expect(any(line.startswith(begin) for line in lines), "no line %r in %r" % (begin, lines))
    # Another run of it without the option says nothing at all.
    box.seep("run", "-o", box.path("plain.seep"), "--", program)
    expect_equal(box.report("plain.seep")["selfcheck"], None, "the self-check of another run")
    expect("elf-check" not in box.seep("report", box.path("plain.seep")).stdout.decode(),
           "the report of another run speaks of it")


def transparency(box):
    program = box.compile("shows_its_process.c", "-O1")
    plain = box.run([program])
    watched = box.run([program], box.preload(output=box.path("out.seep"), selfcheck="1"))
    expect_equal((watched.returncode, watched.stderr), (plain.returncode, plain.stderr),
                 "(status, stderr)")
    wrong = [pair for pair in zip(plain.stdout.splitlines(), watched.stdout.splitlines())
             if pair[0] != pair[1]]
    expect(not wrong, "other lines: %r" % wrong[:5])
    box.wait_for_end()
    expect_equal_stacks(box, 2)


def no_libunwind(box):
    os.mkdir(box.path("none"))
    with open(box.path("none", "libunwind-x86_64.so.8"), "w") as file:
        file.write("no library")
    program = box.compile("starts_children.c", "-O1")
    plain = box.run([program])
    environment = {"LD_LIBRARY_PATH": box.path("none")}
    result = box.seep("run", "-o", box.path("out.seep"), "--selfcheck", "--", program,
                      environment=environment)
    expect_equal((result.returncode, result.stdout), (plain.returncode, plain.stdout),
                 "(status, stdout)")
    told = [line for line in result.stderr.decode().splitlines() if "self-check" in line]
    expect(len(told) == 1 and "libunwind8" in told[0], "what is said: %r" % told)
    report = box.report()
    check = report["selfcheck"]
    expect_equal((check["works"], check["compared"], check["differences"]), (False, 0, []),
                 "(works, compared, differences)")
    expect(check["skipped"] > 0, "no capture was skipped")
    text = box.seep("report", box.path("out.seep")).stdout.decode()
    expect("Self-check: nothing was checked: libunwind could not be loaded" in text,
           "the report does not say so")
    # The same program, with everything else as it is, counts the same.
    box.seep_run([program], output="plain.seep")
    expect_equal(report["totals"]["allocations"], box.report("plain.seep")["totals"]["allocations"],
                 "allocations without a self-check")


def share(box):
    program = box.compile("builds_a_tree.c", "-O1")
    box.seep_run([program], "--selfcheck=1/20")
    check = box.report("out.seep", "--no-symbols")
    allocations = check["totals"]["allocations"]
    expect_equal(check["selfcheck"]["one_in"], 20, "one_in")
    box.note("%d of %d" % (check["selfcheck"]["compared"], allocations))
    expect(allocations / 40 < check["selfcheck"]["compared"] < allocations / 10, "another share")
    settings = box.preload(output=box.path("bad.seep"), selfcheck="often")
    told = box.run([program], settings).stderr.decode()
    expect("'selfcheck=often'" in told, "a wrong share is accepted: %r" % told)
