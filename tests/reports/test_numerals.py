"""Numbers with their sources: texts, findings with and without an interval, sentences."""

from dataclasses import replace

import pytest

from analysis.findings.finding import Finding
from reports.markup import Html
from reports.numerals import MISSING, marked, number, of_finding, sentence, with_interval

SPEEDUP = Finding("step-a-to-b", "measurement", "a / b", "reported", "", effect=14.68, n=4, runs=("r",), command="",
                  interval=(13.21, 16.32), level=0.95)  # fmt: skip
HOSTILE = '<b onclick="x">1 & 2</b>'


def test_a_number_names_its_source():
    assert str(number("14.7 ×", "step-a-to-b")) == '<span class="n" data-source="step-a-to-b">14.7 ×</span>'


def test_text_and_source_of_a_number_are_escaped():
    html = str(number(HOSTILE, HOSTILE))
    assert html.count("<") == 2
    assert 'onclick="' not in html
    assert "1 &amp; 2" in html


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("no digit", []),
        ("50 users", ["50"]),
        ("1,234.5 ms, 7.", ["1,234.5", "7"]),
        ("p95 of 2^15", ["95", "2", "15"]),
        ("0.5–0.7", ["0.5", "0.7"]),
    ],
)
def test_each_number_of_a_text_is_marked_alone(text, numbers):
    html = str(marked(text, "published"))
    assert html.count('<span class="n" data-source="published">') == len(numbers)
    assert all(f">{each}</span>" in html for each in numbers)


def test_a_marked_text_is_escaped_around_its_numbers():
    html = str(marked(HOSTILE))
    assert "<b" not in html
    assert '&lt;b onclick=&quot;x&quot;&gt;<span class="n" data-source="setting">1</span> &amp; ' in html.replace(
        "&#34;", "&quot;"
    )


def test_a_secret_in_a_text_is_not_shown():
    assert "hunter2" not in str(marked("token=hunter2"))


def test_the_value_of_a_finding_has_its_id():
    assert str(of_finding(SPEEDUP, "{:.1f} ×")) == '<span class="n" data-source="step-a-to-b">14.7 ×</span>'
    assert ">29.4</span>" in str(of_finding(SPEEDUP, "{:.1f}", 2 * 14.68))


@pytest.mark.parametrize("finding", [None, replace(SPEEDUP, effect=None)])
def test_without_a_value_it_is_not_measured(finding):
    assert of_finding(finding, "{:.1f}") is MISSING
    assert with_interval(finding, "{:.1f}") is MISSING


def test_an_interval_stands_behind_its_value_where_there_is_one():
    assert ">14.7 (13.2–16.3)</span>" in str(with_interval(SPEEDUP, "{:.1f}"))
    assert ">14.7</span>" in str(with_interval(replace(SPEEDUP, interval=None), "{:.1f}"))


def test_a_zero_is_a_value():
    assert ">0</span>" in str(of_finding(replace(SPEEDUP, effect=0.0), "{:.0f}"))


def test_a_sentence_marks_its_own_numbers_as_settings_and_keeps_finished_pieces():
    html = str(sentence("{n} of 50 users, {name}", n=of_finding(SPEEDUP, "{:.0f}"), name="<i>3</i>"))
    assert html == (
        '<span class="n" data-source="step-a-to-b">15</span> of <span class="n" data-source="setting">50</span> users, '
        '&lt;i&gt;<span class="n" data-source="setting">3</span>&lt;/i&gt;'
    )


def test_a_sentence_without_a_value_for_a_field_is_refused():
    with pytest.raises(KeyError, match="missing"):
        sentence("{missing} users")


def test_a_finished_piece_is_shown_as_it_is():
    assert str(sentence("{piece}", piece=Html("<b>x</b>"))) == "<b>x</b>"
