# SPDX-License-Identifier: Apache-2.0
"""kept_runs: recordings in a folder, each with what is known of it, to be judged again by another
build of seep.
"""

import glob
import json
import os
import shutil

from injection import Site


def keep(folder, what, path, program, seed, number, site=None, counts=None, control=0):
    """`what` is healthy, without or injected; `number` tells those of a program and seed apart, and
    for runs without injection those of one `control`."""
    if not folder:
        return
    os.makedirs(folder, exist_ok=True)
    name = "%s_%d_%s_%d" % (program.name, seed, what, number)
    name += ".%d" % control if control else ""
    base = os.path.join(folder, name.replace(" ", "_"))
    shutil.copy(path, base + ".seep")
    known = {"what": what, "program": program.name, "seed": seed, "number": number,
             "control": control}
    if site:
        known.update(frames=site.frames, frees=site.frees, one_in=site.one_in, counts=counts)
    with open(base + ".json", "w") as file:
        json.dump(known, file)


class KeptRun:
    def __init__(self, base, known, program):
        self.path, self.number = base + ".seep", known["number"]
        self.counts, self.site = known.get("counts"), None
        if self.counts:
            frames = tuple((module, offset) for module, offset in known["frames"])
            self.site = Site(program, frames, known["frees"], known["one_in"])


def read(folder, programs):
    """(program, seed) to ({control: runs without injection}, runs with one). `programs` are those
    that there are, by name; recordings of others are left alone."""
    found = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        with open(path) as file:
            known = json.load(file)
        program = programs.get(known["program"])
        if program and known["what"] != "healthy":
            run = KeptRun(path[:-len(".json")], known, program)
            controls, injected = found.setdefault((program, known["seed"]), ({}, []))
            if run.site:
                injected.append(run)
            else:
                # What was kept before there were several is one.
                controls.setdefault(known.get("control", 0), []).append(run)
    return found
