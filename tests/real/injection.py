# SPDX-License-Identifier: Apache-2.0
"""injection: a leak put into a real program, and what seep says of it.

Control runs, without injection, show which sites there are, and which are flagged although nothing
is lost. A site is fit for an injection when its blocks are freed during most of the run. The run is
then repeated, the site is found by its stack, and one in N frees of its blocks is lost.
"""

import glob
import math
import os
import random
import struct

import snapshot_file
from recording import Preloaded
from sandbox import Failed, clip

START_SHARE = 0.15  # of a run, not looked at
STEADY_SHARE = 0.5  # of the periods after that see a free
SNAPSHOTS = 60  # of a run, where the program does not take as long as it likes
LEAST_SNAPSHOTS = 20
LEAST_FREES = 300
LEAST_LOST = 30
MOST_LOST = 400
MOST_ONE_IN = 300
# They miss one in four of the sites that are flagged in every fourth run.
CONTROLS = 5
COUNTS = struct.Struct("<QQQ")


class Site:
    """One that injections can choose."""

    def __init__(self, program, frames, frees, one_in=0):
        self.program, self.frames, self.frees = program, frames, frees
        self.one_in, self.seed = one_in, 0

    def settings(self, counts):
        return {"INJECT_SITE": ",".join("%x" % offset for _, offset in self.frames),
                "INJECT_ONE_IN": str(self.one_in), "INJECT_SEED": str(self.seed),
                "INJECT_COUNTS": counts}


def stack_of(entry):
    """The frames of a site or finding of a report as they are in the file, which knows none that
    were inlined."""
    return tuple((frame["module"], frame["offset"]) for frame in entry["stack"]
                 if not frame["inlined"])


def is_stack_of(entry, frames):
    """A report leaves out the innermost frames that only allocate for others."""
    stack = stack_of(entry)
    return bool(stack) and len(stack) <= len(frames) and frames[len(frames) - len(stack):] == stack


def frees_by_period(file):
    """Stack id to its frees so far, at each snapshot but the last, which sees the end."""
    current, series = {}, {}
    snapshots = file.snapshots[:-1]
    for number, snapshot in enumerate(snapshots):
        if snapshot.flags & snapshot_file.IS_KEYFRAME:
            current = {}
        current.update(snapshot.sites)
        for stack, (blocks, _, allocations, _, _) in current.items():
            series.setdefault(stack, [0] * number).append(allocations - blocks)
    return series, [snapshot.time_s for snapshot in snapshots]


def fit_sites(program, path):
    """The sites of a recording whose blocks are freed steadily."""
    file = snapshot_file.read(path)
    series, times = frees_by_period(file)
    if len(times) < LEAST_SNAPSHOTS:
        return
    first = next(i for i, time_s in enumerate(times) if time_s >= START_SHARE * times[-1])
    stacks = file.stacks()
    for stack, frees in series.items():
        frames = stacks[stack]
        steps = [later - sooner for sooner, later in zip(frees[first:], frees[first + 1:])]
        if (all(module for module, _ in frames) and frees[-1] - frees[first] >= LEAST_FREES
                and sum(step > 0 for step in steps) >= STEADY_SHARE * len(steps)):
            yield Site(program, frames, frees[-1])


class Control:
    """One run of the program without injection: its recordings, with their reports."""

    def __init__(self, program, recordings):
        self.snapshots = [report["snapshots"] for _, report in recordings]
        self.flagged = {stack_of(entry): entry for _, report in recordings
                        for entry in flagged_of(report)}
        self.sites = [site for path, _ in recordings for site in fit_sites(program, path)]


class Baseline:
    """What is known of the program without injection."""

    def __init__(self, program, controls, seed):
        self.program, self.controls = program, controls
        self.own = {stack: entry for control in controls
                    for stack, entry in control.flagged.items()}
        self.sites = [site for site in controls[0].sites if not self.is_own(site)]
        self.chance = random.Random("%s %s" % (program.name, seed))

    def flagged_in(self, stack):
        """In how many of the controls."""
        return sum(stack in control.flagged for control in self.controls)

    def is_own(self, site):
        """It is flagged without injection: that it is flagged with one says nothing."""
        return any(is_stack_of(entry, site.frames) for entry in self.own.values())

    def outcome(self, site, report, counts):
        return Outcome(site, report, counts, self.own, self.is_own(site))

    def draw(self, count):
        """Sites from the rarest to the busiest, each drawn among its neighbours, and for each one
        in how many frees is lost."""
        self.sites.sort(key=lambda site: (site.frees, site.frames))
        count = min(count, len(self.sites))
        drawn = []
        for number in range(count):
            low = number * len(self.sites) // count
            high = (number + 1) * len(self.sites) // count
            site = self.chance.choice(self.sites[low:high])
            most = min(MOST_LOST, site.frees / 2)
            lost = math.exp(self.chance.uniform(math.log(1.5 * LEAST_LOST), math.log(most)))
            site.one_in = min(MOST_ONE_IN, max(2, int(site.frees / lost)))
            site.seed = self.chance.randrange(1 << 30)
            drawn.append(site)
        return drawn


def flagged_of(report):
    """Flagged sites, and flagged findings none of whose sites is flagged."""
    sites = [site for site in report["sites"] if site["flagged"]]
    ids = {site["id"] for site in sites}
    return sites + [finding for finding in report["findings"]
                    if finding["flagged"] and not ids & set(finding["sites"])]


class Outcome:
    """What a report says of a run in which `site` lost frees. `own` are the stacks of what is
    flagged without injection, too: the program's own."""

    def __init__(self, site, report, counts, own=(), site_is_own=False):
        self.site, self.report, self.counts = site, report, counts
        self.followed, self.freed, self.lost = counts
        self.sites = [entry for entry in report["sites"] if is_stack_of(entry, site.frames)]
        ids = {entry["id"] for entry in self.sites}
        ours = [finding for finding in report["findings"] if ids & set(finding["sites"])]
        flagged = [finding for finding in report["findings"] if finding["flagged"]]
        self.is_found = any(entry["flagged"] for entry in self.sites + ours)
        self.is_first = self.is_found and flagged[0] in ours
        wrong = [entry for entry in flagged_of(report)
                 if not any(entry is other for other in self.sites + ours)]
        self.wrong = [entry for entry in wrong if stack_of(entry) not in own]
        self.own = [entry for entry in wrong if stack_of(entry) in own]
        own_ids = {entry["id"] for entry in self.own}
        wrong_ids = {entry["id"] for entry in self.wrong}
        new = [finding for finding in flagged if finding in ours
               or wrong_ids & set(finding["sites"])
               or stack_of(finding) not in own and not own_ids & set(finding["sites"])]
        self.is_first_new = self.is_found and new[0] in ours
        self.site_is_own = site_is_own
        self.is_valid = self.lost >= LEAST_LOST and not site_is_own

    def why_not(self):
        """Why it does not count."""
        return ("the site is flagged without injection, too" if self.site_is_own
                else "fewer than %d lost" % LEAST_LOST)

    def at_last(self):
        """(bytes, blocks) of the site before the program ends."""
        return tuple(sum(entry["series"][what][-2:][0] for entry in self.sites)
                     for what in ("live_bytes", "live_blocks"))

    def word(self):
        return max((entry["verdict"] for entry in self.sites), default="no site",
                   key=lambda word: word == "leak")


def spread(among, others):
    """Both in their order, the others in equal distances among the first: a machine that is busy
    for a while is so for both."""
    places = [(place / (len(some) + 1), item) for some in (among, others)
              for place, item in enumerate(some, 1)]
    return [item for _, item in sorted(places, key=lambda entry: entry[0])]


def record(box, program, seconds, seed, site=None):
    """Plays the program once; the recordings and their reports, those with the most first."""
    folder = box.path("recordings")
    os.makedirs(folder)
    under = Preloaded(folder, program.interval_ms or 1000 * seconds / SNAPSHOTS,
                      site.settings(box.path("counts")) if site else None)
    program.play(box, under, seconds, seed)
    files = under.files(box)
    if not files:
        raise Failed("%s was not recorded" % program.name)
    return [(path, box.report(path)) for path in files]


def counts_of(box):
    """Process id to (blocks followed, freed, lost)."""
    found = {}
    for path in glob.glob(box.path("counts.*")):
        with open(path, "rb") as file:
            found[int(path.rsplit(".", 1)[1])] = COUNTS.unpack(file.read())
    return found


def inject(box, site, seconds, seed):
    """One injection: (recording, report, counts), of the process that lost the most."""
    recordings = record(box, site.program, seconds, seed, site)
    counts = counts_of(box)
    if not counts:
        raise Failed("no block of the site was seen: %s" % clip(site.frames))
    pid = max(counts, key=lambda pid: counts[pid][2])
    for path, report in recordings:
        if report["process"]["pid"] == pid:
            return path, report, counts[pid]
    raise Failed("no recording of process %d" % pid)
