# SPDX-License-Identifier: Apache-2.0
"""process_list: which processes run a program. The helper of one shares its memory, and so its
executable.
"""

import os


def processes_of(program):
    """`program` is a real path."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink("/proc/%s/exe" % name) == program:
                found.append(int(name))
        except OSError:
            pass
    return found


def helper_of(pid, kind):
    """The folder in /proc of the process, or of the thread, that takes the snapshots of another."""
    if kind == "process":
        found = [other for other in processes_of(os.readlink("/proc/%d/exe" % pid))
                 if name_of(other).startswith("seep:")]
    else:
        found = [int(tid) for tid in os.listdir("/proc/%d/task" % pid) if int(tid) != pid]
    where = "/proc/%d" if kind == "process" else "/proc/%d/task/%%d" % pid
    return found and where % found[0]


def name_of(pid):
    """Who makes the helper has no name of seep's, and is gone at once."""
    try:
        with open("/proc/%d/comm" % pid, errors="replace") as file:
            return file.read()
    except OSError:
        return ""
