"""`summary.md` and `junit.xml` stay what they are, whatever stands in a finding."""

import xml.etree.ElementTree as ET

from analysis.findings.finding import Finding
from reports import views

HOSTILE = "a | b\n| --- | `x` <b>&amp; \x1b[31m\x00\ufffe\ud800 @team token=hunter2"


FINDING = Finding("hostile", "objective", HOSTILE, "fail", HOSTILE, effect=None, n=1, runs=("run",), command="")


def test_a_hostile_finding_is_one_row_of_the_summary(tmp_path):
    views.write("made", [FINDING], tmp_path)
    *_, head, rule, row = (tmp_path / "summary.md").read_text(encoding="utf-8").splitlines()
    assert (head, rule) == ("| claim | verdict | evidence |", "| --- | --- | --- |")
    assert row.replace("\\|", "").count("|") == 4
    assert not any(part in row for part in ("\x1b", "\x00", "<b>", "hunter2"))
    assert r"&#64;team token=\*\*\*" in row


def test_a_hostile_finding_is_one_case_of_valid_xml(tmp_path):
    views.write("made\x00", [FINDING], tmp_path)
    suite = ET.parse(tmp_path / "junit.xml").getroot()
    (case,) = suite
    (failure,) = case
    assert suite.get("name") == "tracetrack made�"
    assert "`x` <b>&amp; ��� @team token=***" in failure.get("message")
