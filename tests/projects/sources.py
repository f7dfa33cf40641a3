# SPDX-License-Identifier: Apache-2.0
"""sources: source packages of the distribution, fetched with apt from where this machine gets its
packages.

Nothing of the machine's own apt is changed: the entries of its sources are written once more, as
deb-src, into a folder of ours, and apt is told to keep its lists there.
"""

import glob
import os
import re
import shutil
import subprocess

TIMEOUT_S = 120
ONE_LINE = re.compile(r"deb\s+(\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)")


class Unavailable(Exception):
    """Why there is no source."""


class Sources:
    def __init__(self, folder):
        self.folder = folder  # of everything that is fetched
        self.is_updated = False

    def tree(self, package):
        """The folder with the unpacked source of a package, patched as the distribution does."""
        wanted = os.path.join(self.folder, package)
        if os.path.isdir(wanted):
            return wanted
        for tool in ("apt-get", "dpkg-source"):
            if not shutil.which(tool):
                raise Unavailable(tool + " is not installed")
        self.update()
        place = os.path.join(self.folder, package + ".new")
        shutil.rmtree(place, ignore_errors=True)
        os.makedirs(place)
        self.apt("source", package, cwd=place)
        trees = [path for path in glob.glob(os.path.join(place, "*")) if os.path.isdir(path)]
        if len(trees) != 1:
            raise Unavailable("%d folders in the source of %s" % (len(trees), package))
        os.rename(trees[0], wanted)
        shutil.rmtree(place)
        return wanted

    # ---- apt -----------------------------------------------------------------------------------

    def update(self):
        if self.is_updated:
            return
        entries = source_entries()
        if not entries:
            raise Unavailable("apt has no source of this release's main packages")
        os.makedirs(os.path.join(self.folder, "apt", "sources"), exist_ok=True)
        for number, (suffix, text) in enumerate(entries):
            with open(os.path.join(self.folder, "apt", "sources",
                                   "entry%d%s" % (number, suffix)), "w") as file:
                file.write(text)
        for name in ("state/lists/partial", "cache/archives/partial"):
            os.makedirs(os.path.join(self.folder, "apt", name), exist_ok=True)
        self.apt("update")
        self.is_updated = True

    def apt(self, *words, cwd=None):
        place = os.path.join(self.folder, "apt")
        settings = {"Dir::Etc::sourcelist": "/dev/null",
                    "Dir::Etc::sourceparts": os.path.join(place, "sources"),
                    "Dir::State": os.path.join(place, "state"),
                    "Dir::State::status": "/var/lib/dpkg/status",
                    "Dir::Cache": os.path.join(place, "cache"),
                    "APT::Sandbox::User": "root",  # the folder need not be everybody's
                    "Acquire::Retries": "0", "Acquire::http::Timeout": "15"}
        options = [word for key, value in settings.items() for word in ("-o", key + "=" + value)]
        try:
            result = subprocess.run(["apt-get", "-qq", *options, *words], cwd=cwd, text=True,
                                    stdin=subprocess.DEVNULL, capture_output=True,
                                    timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise Unavailable("apt-get %s takes more than %d s" % (" ".join(words), TIMEOUT_S))
        if result.returncode != 0:
            lines = result.stderr.strip().splitlines() or ["status %d" % result.returncode]
            raise Unavailable("apt-get %s: %s" % (" ".join(words), lines[-1]))


def release():
    """What the sources of apt call the distribution's release."""
    try:
        with open("/etc/os-release") as file:
            found = re.search(r'^VERSION_CODENAME="?(\w+)"?$', file.read(), re.M)
    except OSError:
        found = None
    if not found:
        raise Unavailable("/etc/os-release does not say which release this is")
    return found[1]


def source_entries():
    """[(suffix of the file, text)]: those entries of the release itself that have its main part. A
    source package of an update may be gone where its binaries are not."""
    entries, suite = [], release()
    for path in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*"))]:
        if not path.endswith((".list", ".sources")) or not os.path.isfile(path):
            continue
        with open(path, errors="replace") as file:
            text = file.read()
        read = stanzas if path.endswith(".sources") else lines
        entries += [(path[path.rindex("."):], entry) for entry in read(text, suite)]
    return entries


def stanzas(text, suite):
    for stanza in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([\w-]+):[ \t]*(.*)$", stanza, re.M))
        if ("deb" in fields.get("Types", "").split() and suite in fields.get("Suites", "").split()
                and "main" in fields.get("Components", "").split()
                and fields.get("Enabled", "yes").lower() != "no"):
            stanza = re.sub(r"^Types:.*$", "Types: deb-src", stanza, flags=re.M)
            yield re.sub(r"^Suites:.*$", "Suites: " + suite, stanza, flags=re.M) + "\n"


def lines(text, suite):
    for line in text.splitlines():
        match = ONE_LINE.match(line.strip())
        if match and match[3] == suite and "main" in match[4].split():
            yield "deb-src %s%s %s %s\n" % (match[1] or "", match[2], match[3], match[4])
