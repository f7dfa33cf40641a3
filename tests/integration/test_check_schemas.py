# SPDX-License-Identifier: Apache-2.0
"""test_check_schemas: what seep check writes for machines is what their published schemas say.

The schemas are those of tests/integration/schemas; see README.md there.
"""

import json
import os
import shutil

import report_schema
from sandbox import Skipped, expect, expect_equal
from test_check_formats import build, output

SCHEMAS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schemas")

# https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
GITLAB = {
    "required": ["description", "check_name", "fingerprint", "severity", "location"],
    "properties": {
        "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
        "location": {
            "required": ["path", "lines"],
            "properties": {
                "path": {"pattern": "^[^.]"},
                "lines": {"required": ["begin"], "properties": {"begin": {"minimum": 1}}}}}}}


def tests():
    yield "SARIF is what the schema of OASIS says", sarif
    yield "JUnit's XML is what the schemas of Jenkins and of Ant say", junit
    yield "a code quality report is what GitLab says", gitlab
    yield "JSON is what seep.check/1 says", own
    yield "each schema refuses what is wrong", refusals


def schema(name):
    with open(os.path.join(SCHEMAS, name)) as file:
        return json.load(file)


def faults(document, rules):
    try:
        import jsonschema
    except ImportError:
        raise Skipped("this python3 has no jsonschema (Debian: python3-jsonschema)")
    kind = jsonschema.validators.validator_for(rules, jsonschema.Draft7Validator)
    return ["%s: %s" % ("/".join(map(str, fault.absolute_path)), fault.message[:200])
            for fault in kind(rules).iter_errors(document)]


def xml_faults(box, text, name):
    path = box.path("document.xml")
    with open(path, "w", errors="surrogateescape") as file:
        file.write(text)
    result = box.run(["xmllint", "--noout", "--nonet", "--schema", os.path.join(SCHEMAS, name),
                      path])
    return result.stderr.decode() if result.returncode else ""


def documents(box, form):
    """Of runs that are as different as they can be, each with its name."""
    program = build(box)
    yield "a finding", output(box, form, program, status=1)
    yield "none", output(box, form, "true", status=0)
    yield "thresholds", output(box, form, "sh", "-c", "%s; true" % program, status=1,
                               options=("--max-live=1", "--max-site-live=1"))
    two = "%s a & %s 'b c' & wait; exit 0" % (program, program)
    yield "processes", output(box, form, "sh", "-c", two, status=1)
    known = box.write("known.supp", "leak:nowhere\n# seep: expires=2001-01-01\nleak:make\n")
    yield "suppressions", output(box, form, program, status=1,
                                 options=("--suppressions=" + known, "--fail-on=lost"))
    strange = box.path('lo<s>&"es\n::error::x')
    shutil.copy(program, strange)
    yield "names that are no text", output(
        box, form, strange, "<&\"'>", os.fsdecode(b"\x01\x1b[31m\xff\xfe"), "", status=1)
    box.run(["strip", program])
    yield "no symbols", output(box, form, program, status=1)
    broken = box.write("broken.seep", "no snapshots\n")
    box.seep("check", "--format=" + form, "-o", box.path("result." + form), broken)
    with open(box.path("result." + form)) as file:
        yield "a file that cannot be read", file.read()


def sarif(box):
    rules = schema("sarif-2.1.0.json")
    for name, text in documents(box, "sarif"):
        expect_equal(faults(json.loads(text), rules), [], "what is wrong with " + name)


def junit(box):
    if not shutil.which("xmllint"):
        raise Skipped("there is no xmllint (Debian: libxml2-utils)")
    for name, text in documents(box, "junit"):
        for file in ("junit-jenkins.xsd", "junit-ant.xsd"):
            expect_equal(xml_faults(box, text, file), "", "what %s says of %s" % (file, name))


def gitlab(box):
    published = schema("gitlab-code-quality.json")
    for name, text in documents(box, "gitlab"):
        entries = json.loads(text)
        expect(isinstance(entries, list), "the report of %s is no list" % name)
        for entry in entries:
            expect_equal(faults(entry, published) + faults(entry, GITLAB), [],
                         "what is wrong with " + name)
        prints = [entry["fingerprint"] for entry in entries]
        expect_equal(len(set(prints)), len(prints), "fingerprints of " + name)


def own(box):
    for name, text in documents(box, "json"):
        expect_equal(report_schema.check(json.loads(text), report_schema.CHECK, "check"), [],
                     "what is wrong with " + name)


def refusals(box):
    """A schema that takes everything would show nothing."""
    document = json.loads(output(box, "sarif", build(box), status=1))
    document["runs"][0]["results"][0]["level"] = "bad"
    expect_equal(len(faults(document, schema("sarif-2.1.0.json"))), 1, "faults of SARIF")
    (entry,) = json.loads(output(box, "gitlab", build(box), status=1))
    del entry["fingerprint"]
    expect(faults(entry, schema("gitlab-code-quality.json")), "GitLab takes no fingerprint")
    entry["severity"] = "low"
    expect_equal(len(faults(entry, GITLAB)), 2, "faults of a code quality entry")
    text = output(box, "junit", build(box), status=1).replace("<testcase", "<test", 1)
    for file in ("junit-jenkins.xsd", "junit-ant.xsd"):
        expect(xml_faults(box, text, file), file + " takes what it does not know")
    check = json.loads(output(box, "json", build(box), status=1))
    check["more"] = 1
    expect_equal(report_schema.check(check, report_schema.CHECK, "check"),
                 ["check.more is not in the contract"], "faults of seep.check/1")
