# SPDX-License-Identifier: Apache-2.0
"""epochs: the memory of the library in a process that goes on and on. It must not grow with the
number of snapshots, by what the kernel says and by what the library itself says; nor may the file.
"""

import os
import re
import subprocess
import time

import snapshot_file
from sandbox import expect, expect_equal

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lives_through_epochs.c")
DAY_S = 24 * 3600
INTERVAL_S = 5  # shorter than any that is chosen when a user chooses none, but for the beginning
EPOCHS = DAY_S // INTERVAL_S
LOOKS = 12
WARM_UP = 4  # after a part of this of all looks the oldest blocks are as old as they get
# Tables grow where the program's heap still does, by fragments. A page for each snapshot is found
# by the short form, and what is ten bytes for each by the long one.
MAY_GROW_BYTES = 128 << 10
FILE_LIMIT_BYTES = 64 << 20
# While a snapshot is written it needs memory, and a bit longer, for the next one may follow soon.
READINGS, PAUSE_S = 5, 0.03
MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$")


def anonymous_bytes(pid):
    """Resident or swapped, of mappings that are no file's, but for the heap at the program break
    and the first stack."""
    found, counts = 0, False
    with open("/proc/%d/smaps" % pid) as smaps:
        for line in smaps:
            mapping = MAPPING.match(line)
            if mapping:
                name = mapping[1]
                counts = not name or name.startswith("[anon")
            elif counts and line.startswith(("Rss:", "Swap:")):
                found += int(line.split()[1]) << 10
    return found


def quiet_bytes(pid):
    """The program waits meanwhile."""
    readings = []
    for _ in range(READINGS):
        readings.append(anonymous_bytes(pid))
        time.sleep(PAUSE_S)
    return min(readings)


class Look:
    def __init__(self, epoch, pid, path):
        self.epoch = epoch
        self.smaps_bytes = quiet_bytes(pid)
        self.file_bytes = os.path.getsize(path)
        file = snapshot_file.read(path)
        last = file.snapshots[-1]
        self.own_bytes = last.totals["own_bytes"]
        self.live_blocks = last.totals["live_blocks"]
        self.cohorts = max(len(site[4]) for site in file.final_sites().values())


def looks_at(box, epochs, looks):
    """In equal distances."""
    step = epochs // looks
    program = box.compile(PROGRAM, "-O1", "-pthread")
    process = box.start([program, str(step * looks), str(step)], box.preload(
        output=box.path("out.seep"), quiet="on", interval="1h"), stdin=subprocess.PIPE)
    for number in range(1, looks + 1):
        line = process.stdout.readline()
        expect_equal(line, b"%d\n" % (number * step), "what the program says")
        yield Look(number * step, process.pid, box.path("out.seep"))
        process.stdin.write(b"\n")
        process.stdin.flush()
    expect_equal(process.wait(60), 0, "the program's status")


def play(box, epochs=EPOCHS, look_count=LOOKS, say=lambda text: None):
    looks = []
    for look in looks_at(box, epochs, look_count):
        looks.append(look)
        say("epoch %6d: %5d KiB in smaps, %5d KiB of its own, %6d blocks live, up to %d cohorts "
            "in a site, file %6d KiB" % (look.epoch, look.smaps_bytes >> 10, look.own_bytes >> 10,
                                         look.live_blocks, look.cohorts, look.file_bytes >> 10))
    warm_up = look_count // WARM_UP
    warm, last = looks[warm_up - 1], looks[-1]
    # On a busy machine now and then one look finds what a snapshot has not given back yet: what
    # grows is above the bound at both of the last ones.
    for what in ("smaps_bytes", "own_bytes"):
        before, now = getattr(warm, what), min(getattr(look, what) for look in looks[-2:])
        expect(now <= before + MAY_GROW_BYTES, "%s were %d after %d epochs, and %d after %d"
               % (what, before, warm.epoch, now, last.epoch))
    largest = max(look.file_bytes for look in looks)
    expect(largest <= FILE_LIMIT_BYTES, "the file has %d bytes" % largest)
    box.note("%d epochs: %d KiB after %d, %d KiB at last; the file has %d KiB" % (
        last.epoch, warm.smaps_bytes >> 10, warm.epoch, last.smaps_bytes >> 10,
        last.file_bytes >> 10))
