"""The section of the index on changes: a chart a metric, a line a change, and a source for every number."""

import re

import pytest

from reports import index_page
from reports.history_section import HEADING
from reports.page_parts import Kind, parts_of
from tests.histories import factors, name_of, record_history
from tests.reports.page_reader import page_text
from workbench.arms import BURST_50, TUNED

HOSTILE = "<b onload=x>\x1b[31m"


@pytest.fixture
def index(builder, tmp_path, monkeypatch):
    """The HTML of the section, empty where there is none."""
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    (tmp_path / "html").mkdir()

    def section():
        html = index_page.write(tmp_path / "html").read_text()
        return html.partition(f">{HEADING}</h2>")[2].partition("<h2")[0]

    return section


def test_a_change_has_a_line_with_both_experiments_and_a_chart(builder, index):
    record_history(builder, factors((8, 1.0), (6, 1.5)))
    html = index()
    text = page_text(html)
    assert re.search(r"regression tuned burst-50 duration: \S+ s → \S+ s \(\+\d+ %, \d+ to \d+ %\) between", text)
    assert f"between {name_of(7)} (0123456789) and {name_of(8)} (0123456789), the same commit; worse, p" in text
    assert html.count('<svg class="history"') == 1
    assert html.count('class="change worse"') == 1
    assert html.count('class="level"') == 2
    assert html.count('class="value"') == 14


def test_a_fence_is_drawn_and_named(builder, index):
    record_history(builder, factors((4, 1.0), (4, 1.5)), {4: {"python": "3.12.1"}})
    html = index()
    assert html.count('class="boundary"') == 1
    assert f"{name_of(3)} to {name_of(4)}: Python 3.11.7 → 3.12.1" in page_text(html)
    assert 'class="change ' not in html


def test_without_two_experiments_of_one_arm_there_is_no_section(builder, index):
    record_history(builder, [1.0])
    assert index() == ""


def test_what_is_left_out_and_what_is_too_short_is_said(builder, index):
    record_history(builder, [1.0, 1.1])
    builder.experiment(builder.run(TUNED, BURST_50).invalid(), name="20260110-invalid")
    text = page_text(index())
    assert "No change is known." in text
    assert "6 more" in text
    assert "Left out of all series: 1 without a valid run." in text


def test_every_number_of_the_section_names_its_source(builder, index):
    record_history(builder, factors((8, 1.0), (6, 1.5)), {2: {"python": "3.12.1"}})
    numbers = [part for part in parts_of(index()).parts if part.kind is Kind.NUMBER]
    assert len(numbers) > 5
    assert [part.text for part in numbers if not part.place] == []


def test_names_of_others_are_text(builder, index):
    record_history(builder, factors((2, 1.0)), {0: {"cpu_model": HOSTILE}, 1: {"python": HOSTILE}})
    html = index()
    assert "<b onload" not in html
    assert "\x1b" not in html
    assert "<b onload=x>" in page_text(html)
