"""A table in groups that fold: every text in full, and only the wanted group."""

import pandas as pd

from workbench.display import FoldedTable

LONG = "a claim " * 40
TABLE = pd.DataFrame({"claim": [LONG, "b <i>", "c"], "verdict": ["pass", "fail", "pass"]})


def test_no_text_is_cut_and_markup_is_text():
    html = FoldedTable(TABLE.replace("fail", "<b>"), "verdict")._repr_html_()
    assert LONG.strip() in html
    assert "b &lt;i&gt;" in html
    assert html.count("<details>") == 2
    assert "pass: 2" in html
    assert "<summary>&lt;b&gt;: 1</summary>" in html


def test_only_the_wanted_group_is_shown():
    shown = FoldedTable(TABLE, "verdict", wanted="fail")
    assert "pass: 2" not in shown._repr_html_()
    assert repr(shown).startswith("fail: 1")


def test_a_group_that_is_not_there_is_named_with_those_that_are():
    shown = FoldedTable(TABLE, "verdict", wanted="maybe")
    assert repr(shown) == "There is none; there are pass, fail."
    assert "pass, fail" in shown._repr_html_()
