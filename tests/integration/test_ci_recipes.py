# SPDX-License-Identifier: Apache-2.0
"""test_ci_recipes: what examples/ci has for continuous integration is what these services read.

The files are read as YAML, and the commands that build a project and check its tests are run as
they stand: for a project that leaks, and for its mended twin.
"""

import functools
import html
import json
import os
import re
import shutil
import xml.etree.ElementTree

from sandbox import BUILD, ROOT, Skipped, expect, expect_equal

RECIPES = os.path.join(ROOT, "examples", "ci")
MAKEFILE = """all: test_server
test_server: %s
\t$(CC) -D_GNU_SOURCE $(CFLAGS) -pthread -o $@ $<
check: all
\t./test_server 1
"""


def tests():
    for source, status in (("leaky_server.c", 1), ("fixed_server.c", 0)):
        yield "the recipe for GitHub ends %s with %d" % (source, status), functools.partial(
            github, source, status)
        yield "the recipe for GitLab ends %s with %d" % (source, status), functools.partial(
            gitlab, source, status)
    yield "every recipe installs what seep is built with", packages
    yield "examples/README.md names every recipe", all_named


def recipe(name):
    try:
        import yaml
    except ImportError:
        raise Skipped("python3-yaml is not installed") from None
    with open(os.path.join(RECIPES, name)) as file:
        return yaml.safe_load(file)


def project(box, source):
    # The twin is a line that includes the other.
    for name in {source, "leaky_server.c"}:
        shutil.copy(os.path.join(ROOT, "examples", name), box.folder)
    box.write("Makefile", MAKEFILE % source)


def run_script(box, lines, **environment):
    """As both services do: the first command that fails ends it."""
    return box.run(["bash", "-eo", "pipefail", "-c", "\n".join(lines)], {
        "PATH": BUILD + ":" + os.environ["PATH"], "TMPDIR": box.folder, **environment})


def steps_of_github():
    workflow = recipe("github.yml")
    job, = workflow["jobs"].values()
    # YAML 1.1 reads the key "on" as a truth value.
    expect(workflow.get("on", workflow.get(True)), "nothing starts the workflow")
    expect(job["runs-on"], "it does not say where it runs")
    for step in job["steps"]:
        expect(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step.get("uses", "a/b@v1")),
               "a step uses %s" % step.get("uses"))
        expect(("uses" in step) != ("run" in step), "a step does nothing, or two things")
    return job["steps"]


def github(source, status, box):
    steps = {step.get("name"): step for step in steps_of_github()}
    project(box, source)
    built = run_script(box, [steps["Build"]["run"]])
    expect_equal(built.returncode, 0, "the status of the build (%r)" % built.stderr)
    result = run_script(box, [steps["Tests under seep"]["run"]],
                        GITHUB_STEP_SUMMARY=box.path("summary.md"))
    expect_equal(result.returncode, status, "the status (%r)" % result.stderr[-600:])
    errors = re.findall(r"^::error file=(\S+?),line=\d+,title=", result.stderr.decode(), re.M)
    expect_equal(errors, [source] * status, "the files of annotations")
    with open(box.path("summary.md")) as file:
        text = html.unescape(file.read())
    expect_equal("session_open" in text, bool(status), "the leak in the summary")
    kept = steps["Keep the snapshots of a failure"]["with"]["path"]
    expect(os.listdir(box.path(kept)), "no snapshots are kept")


def gitlab(source, status, box):
    job = recipe("gitlab.yml")["leaks"]
    project(box, source)
    built = run_script(box, [job["before_script"][-1]])
    expect_equal(built.returncode, 0, "the status of the build (%r)" % built.stderr)
    result = run_script(box, job["script"])
    expect_equal(result.returncode, status, "the status (%r)" % result.stderr[-600:])
    reports = job["artifacts"]["reports"]
    suites = xml.etree.ElementTree.parse(box.path(reports["junit"])).getroot()
    expect_equal(len(suites.findall(".//failure")), status, "the failed tests")
    with open(box.path(reports["codequality"])) as file:
        quality = json.load(file)
    expect_equal([entry["location"]["path"] for entry in quality], [source] * status,
                 "the files of code quality")
    for path in job["artifacts"]["paths"]:
        expect(os.listdir(box.path(path)), "no snapshots are kept")


def packages(box):
    with open(os.path.join(ROOT, "Makefile")) as file:
        needed = re.search(r"^BUILD_DEPS := (.*?[^\\])\n", file.read(), re.M | re.S)[1]
    needed = set(needed.replace("\\", " ").split())
    expect(len(needed) > 5, "BUILD_DEPS is read wrongly")
    installed = {
        "github.yml": next(step["run"] for step in steps_of_github()
                           if step.get("name") == "Install seep"),
        "gitlab.yml": " ".join(recipe("gitlab.yml")["leaks"]["before_script"]),
    }
    for name, script in installed.items():
        # A machine of GitHub's has the C library's headers.
        missing = needed - set(script.split()) - {"libc6-dev"}
        expect_equal(sorted(missing), [], "the packages that %s does not install" % name)


def all_named(box):
    with open(os.path.join(ROOT, "examples", "README.md")) as file:
        text = file.read()
    for name in os.listdir(RECIPES):
        expect("`ci/%s`" % name in text, "examples/README.md does not name ci/" + name)
