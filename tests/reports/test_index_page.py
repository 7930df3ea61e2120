"""`index.html`: entries from stored facts, fences between them, and recordings that are gone or edited."""

import json
import re
from dataclasses import asdict

import pytest

from analysis.stats.confidence import Estimate
from reports import index_page, report_entry
from reports.page_names import REPORT_FACTS
from reports.report_entry import ReportEntry
from tests.reports.page_reader import page_text

FACTS = {"processor": "a processor", "number of cores": "2", "memory": "24.0 GiB", "Python": "3.11.7", "scale": "small",
         "fingerprint of the data": "1a5c", "commit": "0123456789", "local changes": "none"}  # fmt: skip
HOSTILE = "<b onload=x>\"'\n\x1b[31m" + "x" * 200


def inline_text(html):
    """The text of a page, with no space where an element within a sentence begins or ends."""
    return page_text(re.sub(r"</?(span|strong|a)\b[^>]*>", "", html))


def entry(day, name="quick", **changes):
    """An entry without a recording, of an experiment that started on this day of January."""
    durations_s = {"as-measured": Estimate(6.2, 4, 5.4, 7.1), "tuned": Estimate(0.37, 4, 0.3, 0.5)}
    known = {
        "experiment": f"202601{day:02d}-{name}", "digest": None, "started": f"2026-01-{day:02d}T06:17",
        "profile": "quick", "verdict": "The sentence of the report.", "runs": 42, "valid": 41, "objectives": 13,
        "failed": ("p95 of reads below 50 ms",), "not_measured": 1, "durations_s": durations_s, "facts": FACTS,
    }  # fmt: skip
    return ReportEntry(**known | changes)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of pages beside an empty folder of recordings."""
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    (tmp_path / "html").mkdir()
    return tmp_path / "html"


@pytest.fixture
def index(folder):
    """The text of the index and its HTML, once these entries are stored."""

    def index(*entries):
        page = folder / "optimization-results.html"
        for each in entries:
            page.write_text(f"<!DOCTYPE html><title>page of {each.profile}</title>")
            report_entry.write(each, page)
        html = index_page.write(folder).read_text()
        return inline_text(html.partition("<main")[2]), html

    return index


def test_reports_are_listed_newest_first_with_verdict_commit_and_machine(index, folder):
    text, html = index(entry(1), entry(3), entry(2))
    assert re.findall(r'<h3><a href="([^"]*)"', html) == [f"2026010{day}-quick.html" for day in (3, 2, 1)]
    assert (folder / "20260102-quick.html").read_text() == (folder / "optimization-results.html").read_text()
    for part in ("The sentence of the report.", "0123456789", "a processor, 2 cores, 24.0 GiB", "41 of 42 valid"):
        assert text.count(part) == 3
    assert "11 of 13 met, 1 not measured, failed: p95 of reads below 50 ms" in text


def test_a_fence_names_what_changed_and_ends_the_trend(index):
    newer = entry(3, facts=FACTS | {"number of cores": "4", "commit": "another"})
    text, html = index(entry(1), entry(2), newer)
    assert "Values above and below do not compare: number of cores 2 → 4" in re.sub(r"\s+", " ", text)
    assert html.count('class="fence"') == 1
    assert html.index("20260103-quick.html") < html.index('class="fence"') < html.index("20260102-quick.html")
    assert html.count('<svg class="spark tuned"') == 1
    assert "after 1 comparable report" in text


def test_a_fence_of_versions_says_what_a_difference_may_come_from(index):
    text, _ = index(entry(1), entry(2, facts=FACTS | {"Python": "3.12.1"}))
    assert "A difference across this line may come from: Python 3.11.7 → 3.12.1" in re.sub(r"\s+", " ", text)


def test_a_trend_goes_on_beyond_an_entry_of_another_machine(index):
    other = entry(2, facts=FACTS | {"processor": "another"})
    _, html = index(entry(1), other, entry(3))
    assert html.count('class="fence"') == 2
    assert html.count('<svg class="spark tuned"') == 1


def test_another_commit_is_no_fence(index):
    _, html = index(entry(1), entry(2, facts=FACTS | {"commit": "89abcdef01"}))
    assert 'class="fence"' not in html


def test_a_page_whose_recording_is_gone_says_so_and_is_still_linked(index):
    text, html = index(entry(1))
    assert "Its recording is gone" in text
    assert '<a href="20260101-quick.html">' in html


def test_a_recording_that_was_edited_is_named_and_enters_no_trend(index, builder):
    made = builder.experiment(builder.run("tuned", "single"), name="20260101-quick")
    record = made.directory / "experiment.json"
    entries = entry(1, digest=made.digest), entry(2)
    assert "was changed" not in index(*entries)[0]
    record.write_text(record.read_text().replace('"quick"', '"short"'))
    text, html = index(*entries)
    assert (
        "Its recording was changed after it was sealed: experiment.json is not the one that the page was made of"
        in text
    )
    assert '<svg class="spark' not in html


def test_a_run_that_was_edited_is_named(index, builder):
    made = builder.experiment(builder.run("tuned", "single"), name="20260101-quick")
    (made.runs[0].directory / "gunicorn.log").write_text("edited")
    text, _ = index(entry(1, digest=made.digest))
    assert "Its recording was changed after it was sealed: 1-01-tuned-single/gunicorn.log was changed (6 bytes" in text


def test_names_and_texts_of_others_are_escaped(index, folder):
    hostile = entry(1, experiment=HOSTILE, verdict=HOSTILE, failed=(HOSTILE,), facts=dict.fromkeys(FACTS, HOSTILE))
    text, html = index(hostile, entry(2))
    assert "<b onload" not in html
    assert "\x1b" not in html
    assert "<b onload=x>" in text
    (link,) = re.findall(r'<h3><a href="(b-onload[^"]*)"', html)
    assert (folder / link).exists()


@pytest.mark.parametrize(
    "content",
    [
        "{", "[]", "{}", "7", '{"experiment": 1}', *(json.dumps(asdict(entry(1)) | change) for change in (
            {"durations_s": {"tuned": {"value": "x"}}}, {"facts": {"commit": None}}, {"runs": True}, {"failed": 7},
        )),
    ],
)  # fmt: skip
def test_facts_of_another_shape_are_named_and_stop_nothing(index, folder, content):
    (folder / f"odd{REPORT_FACTS}").write_text(content)
    text, _ = index(entry(2))
    assert f"odd{REPORT_FACTS} holds no facts of a report" in text
    assert "20260102-quick" in text


def test_an_entry_reads_back_as_it_was_written(folder):
    page = folder / "optimization-results.html"
    page.write_text("page")
    stored = [entry(1), entry(2, digest="0" * 64, durations_s={"tuned": Estimate(0.3, 1)})]
    for each in stored:
        report_entry.write(each, page)
    assert report_entry.read_all(folder) == (stored[::-1], [])


def test_an_empty_index_says_what_to_do_and_has_no_empty_section(index):
    text, html = index()
    assert "There is no report of an experiment yet: make report measures and renders one." in text
    assert "<h2" not in html
    assert "<nav" not in html


def test_a_page_of_an_older_version_is_linked_without_facts(index, folder):
    (folder / "optimization-results.html").write_text("<title>old</title>")
    text, html = index()
    assert '<a href="optimization-results.html">' in html
    assert "make render adds them" in text


def test_an_experiment_without_a_report_is_listed_with_its_status(index, builder):
    builder.experiment(builder.run("tuned", "single").cut_off(), name="half", status="running")
    text, _ = index(entry(1))
    assert re.search(r"half\s+quick\s+small\s+1\s+running", text)
