# SPDX-License-Identifier: Apache-2.0
"""test_install: what `make install` puts somewhere works from there."""

import os
import re
import subprocess

import report_schema
from sandbox import BUILD, ROOT, expect, expect_equal


def tests():
    yield "an installed seep uses the installed library", install
    yield "each command has a man page that says what its --help says", man_pages


def installed(box):
    prefix = box.path("usr")
    result = box.run(["make", "-s", "-C", ROOT, "install", "BUILD=" + BUILD, "PREFIX=/usr",
                      "DESTDIR=" + box.folder])
    expect_equal(result.returncode, 0, "make install: %r" % result.stderr[-300:])
    return prefix


def install(box):
    prefix = installed(box)
    seep = os.path.join(prefix, "bin", "seep")
    result = box.run([seep, "run", "-q", "-o", box.path("out.seep"), "--", "/bin/echo", "hello"])
    expect_equal((result.returncode, result.stdout), (0, b"hello\n"), "(status, stdout)")
    report = box.report()
    expect(not report_schema.check(report), "the report is not as the contract says")
    modules = {frame["module"] for site in report["sites"] for frame in site["stack"]}
    expect(not any(BUILD in (module or "") for module in modules), "the library is the built one")
    found = subprocess.run(["pkg-config", "--modversion", "seep"], capture_output=True, env={
        **os.environ, "PKG_CONFIG_PATH": ":".join(
            os.path.join(root, "pkgconfig") for root in (prefix + "/lib", prefix + "/share",
                                                         prefix + "/lib/x86_64-linux-gnu"))})
    expect_equal(found.returncode, 0, "pkg-config seep")
    plugin = os.path.join(prefix, "share", "seep", "python", "seep_pytest.py")
    expect(os.path.exists(plugin), "no plugin of pytest")
    headers = {os.path.relpath(os.path.join(folder, name), os.path.join(prefix, "include"))
               for folder, _, names in os.walk(os.path.join(prefix, "include")) for name in names}
    # What the library and the tool say to each other is nothing for programs.
    internal = {"seep/control_protocol.h", "seep/file_lending.h", "seep/settings.h",
                "seep/snapshot_format.h"}
    every = {os.path.relpath(os.path.join(folder, name), os.path.join(ROOT, "include"))
             for folder, _, names in os.walk(os.path.join(ROOT, "include")) for name in names}
    expect_equal(sorted(headers), sorted(every - internal), "the installed headers")
    result = box.run(["make", "-s", "-C", ROOT, "uninstall", "BUILD=" + BUILD, "PREFIX=/usr",
                      "DESTDIR=" + box.folder])
    expect_equal(result.returncode, 0, "make uninstall: %r" % result.stderr[-300:])
    left = [name for _, _, names in os.walk(prefix) for name in names]
    expect_equal(left, [], "what make uninstall leaves")


def man_pages(box):
    prefix = installed(box)
    helped = box.seep("--help").stdout.decode()
    for command in ("run", "report", "diff", "snapshots", "snapshot", "export"):
        expect(command in helped, "seep --help does not name %s" % command)
        page = os.path.join(prefix, "share", "man", "man1", "seep-%s.1" % command)
        if not os.path.exists(page):
            page += ".gz"
        expect(os.path.exists(page), "no man page for seep %s" % command)
        text = box.run(["man", "-l", page] if os.path.exists("/usr/bin/man") else
                       ["mandoc", "-Tutf8", page]).stdout.decode()
        text = re.sub(".\b", "", text)
        options = re.findall(r"--[a-z][a-z-]+", box.seep(command, "--help")
                                           .stdout.decode().split("Examples")[0])
        expect(options, "seep %s --help shows no options" % command)
        flat = text.replace("‐", "-").replace("−", "-")
        missing = [option for option in set(options) if option not in flat]
        expect(not missing, "the page of seep %s lacks %s" % (command, ", ".join(missing)))
