"""The page of arms says with what requests failed, in which phase, and which valid run has no success."""

import re
from html import unescape

import pytest

from analysis.conclusions import conclusions
from reports.sections import Report
from reports.sections.times import times
from tests.analysis.compared import compared
from workbench.request_schema import MEASURE, START

SECRET = "https://user:correct-horse@host/"


@pytest.fixture
def text_of(builder, monkeypatch):
    """The text of the section on a comparison in which each run was changed before it was written."""

    def make(change):
        made = builder.run
        monkeypatch.setattr(builder, "run", lambda *values, **more: change(made(*values, **more)))
        experiment = compared(builder, {"base": 1.0, "head": 1.0}, blocks=1)
        return unescape(re.sub(r"<[^>]+>", "", str(times(Report(experiment, list(conclusions(experiment)))))))

    return make


def _failing(errors, phase=MEASURE):
    """A change of a run: its first requests fail so."""

    def change(run):
        for row, error in zip(run.rows, errors, strict=False):
            row |= {"error": error, "ok": False, "phase": phase}
        return run

    return change


def test_below_the_table_stand_the_kinds_of_failures_of_each_arm(text_of):
    text = text_of(_failing(["status 401"] * 3 + ["status 500"]))
    assert "Failed with: base 6 × status 401, 2 × status 500; head 3 × status 401, 1 × status 500." in text
    assert "not counted above" not in text


def test_beyond_five_kinds_they_are_counted_and_secrets_are_left_out(text_of):
    text = text_of(_failing([SECRET] * 2 + [f"kind {letter}" for letter in "abcdefg"]))
    assert "kind d and 3 kinds more;" in text
    assert "correct-horse" not in text


def test_failures_outside_of_the_measured_requests_are_named_apart(text_of):
    text = text_of(_failing(["status 403"] * 2, START))
    assert "Failed before the load, in on_start, and not counted above: base 4 × status 403; head 2 × " in text
    assert "Failed with" not in text


def test_valid_runs_without_a_success_are_named(text_of):
    text = text_of(_failing(["status 500"] * 10_000))
    assert re.search(r"No request of these 3 valid runs succeeded: 1-01-base-burst-50, ", text)


def test_where_nothing_failed_nothing_is_said(text_of):
    text = text_of(lambda run: run)
    assert "Failed" not in text
    assert "No request of" not in text
