# SPDX-License-Identifier: Apache-2.0
"""machine: on what, when and with what the figures were measured."""

import datetime
import hashlib
import os
import platform
import subprocess

from sandbox import LIBRARY, ROOT


def output_of(*argv):
    try:
        return subprocess.run(argv, capture_output=True, text=True, cwd=ROOT).stdout.strip()
    except OSError:
        return ""


def field_of(path, name):
    try:
        with open(path) as file:
            return next((line.partition(":")[2].strip() for line in file
                         if line.startswith(name)), "")
    except OSError:
        return ""


def text_of(path):
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""


def commit():
    """Of the checkout, and whether what is measured has changed since."""
    name = output_of("git", "rev-parse", "--short", "HEAD") or "unknown"
    changed = output_of("git", "status", "--porcelain", "--", "lib", "include", "Makefile")
    return name + (" and changes" if changed else "")


def facts():
    with open(LIBRARY, "rb") as file:
        library = hashlib.sha256(file.read()).hexdigest()[:12]
    memory_kb = field_of("/proc/meminfo", "MemTotal").split(" ")[0]
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "commit": commit(),
        "library_sha256": library,
        "cpu": field_of("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory_kb or 0) / (1 << 20), 1),
        "kernel": platform.release(),
        "is_virtual": "hypervisor" in field_of("/proc/cpuinfo", "flags"),
        "glibc": os.confstr("CS_GNU_LIBC_VERSION").replace("glibc ", ""),
        "gcc": output_of("gcc", "-dumpfullversion"),
        "huge_pages": text_of("/sys/kernel/mm/transparent_hugepage/enabled"),
        "load_at_start": [round(value, 2) for value in os.getloadavg()],
    }


def lines(machine):
    """The same for people."""
    return [
        "%s, commit %s, load average at the start %.2f %.2f %.2f" % (
            machine["date"].replace("T", " "), machine["commit"], *machine["load_at_start"]),
        "%s, %d cores%s, %g GiB" % (machine["cpu"], machine["cores"], " of a virtual machine"
                                    if machine["is_virtual"] else "", machine["memory_gib"]),
        "Linux %s, glibc %s, gcc %s" % (machine["kernel"], machine["glibc"], machine["gcc"]),
    ]
