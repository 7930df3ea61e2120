"""The whole report: its files, and the page compared with the rows."""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pandas as pd
import psutil
import pytest

from workbench.arms import BASELINE, LABELS
from workbench.paths import REPOSITORY


class Tables(HTMLParser):
    """The cells of every table, by its caption."""

    def __init__(self):
        super().__init__()
        self.tables, self._caption, self._cell = {}, None, None

    def handle_starttag(self, tag, attributes):
        if tag == "caption":
            self._caption = ""
        elif tag == "tr" and isinstance(self._caption, str):
            self.tables[self._caption].append([])
        elif tag in ("td", "th"):
            self._cell = ""

    def handle_endtag(self, tag):
        if tag == "caption":
            self.tables[self._caption] = []
        elif tag in ("td", "th") and self._cell is not None:
            self.tables[self._caption][-1].append(self._cell.strip())
            self._cell = None

    def handle_data(self, data):
        if self._cell is not None:
            self._cell += data
        elif self._caption is not None and self._caption not in self.tables:
            self._caption += data


@pytest.fixture(scope="module")
def page(built):
    return (built / "html" / "optimization-results.html").read_text()


def rows_of(built, deployment, scenario):
    (path,) = (built / "data" / "runs").glob(f"*/*-{deployment}-{scenario}/requests.parquet")
    return pd.read_parquet(path).query("phase == 'measure'")


def test_the_page_has_its_sections_in_their_order(page):
    headings = re.findall(r"<h2[^>]*>\s*([^<]+)", page)
    assert [heading.strip() for heading in headings] == [
        "Do this", "Why latency grows", "What each change is worth", "Is this the published system?",
        "How much load it sustains", "What happens when something fails", "Claims and objectives",
        "How far to trust this",
    ]  # fmt: skip
    assert re.search(r"<main[^>]*>\s*<p class=\"eyebrow\">.*?<h1>", page, re.DOTALL)


def test_the_page_stands_alone_and_shows_no_code(page):
    assert re.findall(r"<script\b([^>]*)>", page) == [' type="application/json" id="sources"', ""]
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", page)
    assert "sections.verdict" not in page


@pytest.mark.exhaustive
def test_the_numbers_of_the_page_are_computed_again_from_the_recording(built):
    page = built / "html" / "optimization-results.html"
    environ = {**os.environ, "TRACETRACK_DATA_DIR": str(built / "data")}
    command = [sys.executable, "-m", "reports", "verify", str(page)]
    done = subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\b(\d+) of \1 numbers agree with ", done.stdout)


def test_every_comparison_has_published_as_measured_and_tuned(page):
    parser = Tables()
    parser.feed(page)
    heads = {caption: rows[0] for caption, rows in parser.tables.items()}
    comparisons = {
        "The pool, declared and in use", "The caches, declared and in use", "The session, declared and measured",
        "Rows by table, scale small", "Single requests", "25 users at once: totals",
        "25 users at once: mean latency by endpoint", "50 users at once: totals",
        "50 users at once: mean latency by endpoint", "The configuration recommended for Replit",
    }  # fmt: skip
    assert comparisons <= set(heads)
    for caption in comparisons:
        columns = [name.split(" (")[0].removesuffix(" mean") for name in heads[caption]]
        # A column without a value is left out: caches have texts, and the published data another scale.
        order = ["published", LABELS[BASELINE], "measured / published"]
        assert columns[1 : columns.index("tuned")][:3] == [name for name in order if name in columns], caption
        assert LABELS[BASELINE] in columns, caption
        assert ("published" in columns) != caption.startswith("Rows by table"), caption
        assert "tuned" in columns, caption


@pytest.mark.parametrize(("deployment", "column"), [("as-measured", 2), ("tuned", 6)])
def test_the_latencies_of_50_users_agree_with_the_rows(built, page, deployment, column):
    parser = Tables()
    parser.feed(page)
    shown = {row[0]: row[column] for row in parser.tables["50 users at once: mean latency by endpoint"][1:]}
    means_ms = rows_of(built, deployment, "burst-50").groupby("endpoint")["latency_us"].mean() / 1000
    assert set(shown) == set(means_ms.index)
    for endpoint, text in shown.items():
        assert float(text.replace(",", "")) == pytest.approx(means_ms[endpoint], abs=0.51)


def test_the_speedup_in_the_findings_agrees_with_the_rows(built):
    def makespan_us(deployment):
        rows = rows_of(built, deployment, "burst-50")
        return (rows["start_us"] + rows["latency_us"]).max() - rows["start_us"].min()

    findings = json.loads((built / "html" / "findings.json").read_text())["findings"]
    (finding,) = (finding for finding in findings if finding["id"] == "tuned-burst")
    assert finding["effect"] == pytest.approx(makespan_us("as-measured") / makespan_us("tuned"), rel=1e-6)


def test_every_line_of_the_checklist_has_a_verdict_and_its_evidence(built):
    findings = json.loads((built / "html" / "findings.json").read_text())["findings"]
    checklist = [finding for finding in findings if finding["kind"] == "checklist"]
    assert len(checklist) == 10
    assert {finding["verdict"] for finding in checklist} <= {"pass", "fail", "not measured"}
    assert all(finding["evidence"] for finding in checklist)
    assert all(finding["runs"] for finding in checklist if finding["verdict"] != "not measured")


def test_summary_and_junit_are_views_of_the_findings(built):
    findings = json.loads((built / "html" / "findings.json").read_text())["findings"]
    suites = ElementTree.parse(built / "html" / "junit.xml").getroot()
    for kind in ("objective", "checklist"):
        (suite,) = (suite for suite in suites if suite.get("name") == kind)
        ids = [finding["id"] for finding in findings if finding["kind"] == kind]
        assert [case.get("name").split(": ")[0] for case in suite] == ids
    summary = (built / "html" / "summary.md").read_text()
    assert len(summary.encode()) < 6000
    missed = [each["claim"] for each in findings if each["kind"] == "objective" and each["verdict"] != "pass"]
    assert all(claim in summary for claim in missed)


def test_the_last_line_printed_is_the_page(built):
    last = (built / "printed").read_text().strip().split("\n")[-1]
    assert last == str(built / "html" / "optimization-results.html")


def test_nothing_is_left_running(built):
    data = str(built / "data")
    left = [process for process in psutil.process_iter() if _belongs(process, data)]
    assert left == []


def _belongs(process, data):
    try:
        return process.environ().get("TRACETRACK_DATA_DIR") == data
    except (psutil.Error, OSError):
        return False
