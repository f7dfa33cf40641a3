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
