"""File names of the pages of reports and comparisons: one for each, whatever the experiments are called."""

import pytest

from reports.page_names import comparison_stem, distinct_stem, report_stem


@pytest.mark.parametrize("name", ["20261128-061710-quick", "a.b_c"])
def test_an_id_is_its_own_file_name(name):
    assert report_stem(name) == name


@pytest.mark.parametrize("name", ["<b>x</b>", 'a"b', "a\nb", "..", "../../etc", "x" * 200, "läufe", " "])
def test_any_other_name_becomes_a_short_file_name_of_its_own(name):
    stem = report_stem(name)
    assert stem != report_stem(f"{name}y")
    assert stem.replace("-", "").replace("_", "").replace(".", "").isalnum()
    assert 0 < len(stem) <= 120
    assert not stem.startswith((".", "-"))


@pytest.mark.parametrize("name", ["index", "Index", "optimization-results", "compare-a-b", "peers", "peers-1"])
def test_no_report_takes_the_name_of_another_page(name):
    assert report_stem(name) == f"experiment-{name}"


def test_two_long_names_make_a_name_that_a_file_system_takes():
    stem = comparison_stem("a" * 128, "b" * 128)
    assert len(f"{stem}.comparison.json.half") < 255


def test_two_pairs_with_one_name_have_distinct_ones_too():
    pairs = ("a-b", "c"), ("a", "b-c")
    assert comparison_stem(*pairs[0]) == comparison_stem(*pairs[1]) == "compare-a-b-c"
    assert distinct_stem(*pairs[0]) != distinct_stem(*pairs[1])
