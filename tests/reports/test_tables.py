"""Tables and the first screen, read back with an HTML parser."""

from html.parser import HTMLParser

import pandas as pd
import pytest

from reports.markup import Html
from reports.tables import Verdict, behind, folded, headline, table


class Elements(HTMLParser):
    """Collects (tag, attributes, text) of every element, in the order of their start."""

    def __init__(self, html: Html) -> None:
        super().__init__()
        self.found: list[tuple[str, dict, list[str]]] = []
        self.open: list[tuple[str, dict, list[str]]] = []
        self.feed(str(html))
        assert not self.open

    def handle_starttag(self, tag, attrs):
        element = (tag, dict(attrs), [])
        self.found.append(element)
        self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for _, _, texts in self.open:
            texts.append(data)

    def all(self, tag):
        return [(attrs, "".join(texts).strip()) for name, attrs, texts in self.found if name == tag]


@pytest.fixture
def latencies():
    return pd.DataFrame(
        {
            "Endpoint": ["login", "dashboard"],
            "Mean, ms": [87.25, 9896.0],
            "Users": [50, 50],
            "Published, ms": [None, 9896.0],
            "Objective": [Verdict.PASS, Verdict.NOT_MEASURED],
        }
    )


def test_headers_have_the_scope_of_their_column_or_row(latencies):
    headers = Elements(table(latencies, "Latency")).all("th")
    assert [(attrs["scope"], text) for attrs, text in headers] == [
        *(("col", name) for name in latencies.columns),
        ("row", "login"),
        ("row", "dashboard"),
    ]


def test_caption_names_the_scrolling_group(latencies):
    elements = Elements(table(latencies.assign(Failures=0), "Latency & load"))
    assert [text for _, text in elements.all("caption")] == ["Latency & load"]
    (group,) = [attrs for attrs, _ in elements.all("div") if "role" in attrs]
    assert (group["role"], group["tabindex"], group["aria-label"]) == ("group", "0", "Latency & load")


def test_a_table_that_fits_the_page_is_no_stop_of_the_keyboard_and_becomes_blocks_on_a_phone(latencies):
    elements = Elements(table(latencies, "Latency & load"))
    assert [attrs["class"] for attrs, _ in elements.all("div")] == ["table", "stack"]
    assert not any("tabindex" in attrs for attrs, _ in elements.all("div"))
    labels = [attrs["data-label"] for attrs, _ in elements.all("td")]
    assert labels == 2 * [name for name in latencies.columns if name != "Endpoint"]


def test_numbers_are_aligned_right_with_one_number_of_decimals(latencies):
    elements = Elements(table(latencies, "Latency"))
    numbers = [text for attrs, text in elements.all("td") if "number" in attrs.get("class", "")]
    assert numbers == ["87", "50", "–not measured", "9,896", "50", "9,896"]
    right = [text for attrs, text in elements.all("th") if attrs.get("class") == "number"]
    assert right == ["Mean, ms", "Users", "Published, ms"]


@pytest.mark.parametrize(
    ("numbers", "texts"),
    [
        ([1.5, 0.123], ["1.50", "0.12"]),
        ([12.34, 1.0], ["12.3", "1.0"]),
        ([1234.5, 1.0], ["1,234", "1"]),
        ([3, -4], ["3", "-4"]),
    ],
)
def test_the_largest_number_of_a_column_decides_its_decimals(numbers, texts):
    html = table(pd.DataFrame({"name": ["a", "b"], "value": numbers}), "Numbers")
    assert [text for _, text in Elements(html).all("td")] == texts


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT])
def test_a_missing_value_is_a_dash_with_its_reason(missing):
    frame = pd.DataFrame({"name": ["a", "b"], "value": pd.Series([missing, 7], dtype=object)})
    elements = Elements(table(frame, "Missing"))
    (attrs, _), _ = elements.all("td")
    assert attrs["class"] == "number missing"
    assert elements.all("span")[1:] == [({"aria-hidden": "true"}, "–"), ({"class": "spoken"}, "not measured")]


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT])
def test_a_column_without_a_value_is_left_out(missing):
    values = pd.Series([missing] * 2, dtype=object)
    elements = Elements(table(pd.DataFrame({"name": ["a", "b"], "value": values, "other": [1, 2]}), "Missing"))
    assert [text for attrs, text in elements.all("th") if attrs["scope"] == "col"] == ["name", "other"]
    assert [text for _, text in elements.all("td")] == ["1", "2"]


def test_a_verdict_is_always_text(latencies):
    spans = Elements(table(latencies, "Latency")).all("span")
    pills = [(attrs, text) for attrs, text in spans if "pill" in attrs.get("class", "")]
    assert pills == [({"class": "pill pass"}, "pass"), ({"class": "pill not-measured"}, "not measured")]


def test_every_text_is_escaped():
    script = "<script>alert('\"')</script>"
    frame = pd.DataFrame({"<b>name</b>": [script], "value": [script]})
    html = table(frame, script, note=script, formats={"value": lambda value: value})
    elements = Elements(html)
    assert not elements.all("script")
    assert not elements.all("b")
    assert [text for _, text in elements.all("td")] == [script]
    assert [text for attrs, text in elements.all("p")] == [script]


def test_formats_are_templates_or_functions(latencies):
    formats = {"Mean, ms": "{:.1f} ms", "Users": lambda users: f"{users} users"}
    texts = [text for _, text in Elements(table(latencies, "Latency", formats=formats)).all("td")]
    assert texts[:2] == ["87.2 ms", "50 users"]


def test_a_format_without_its_column_is_refused(latencies):
    with pytest.raises(ValueError, match="p95"):
        table(latencies, "Latency", formats={"p95": "{:.0f}"})


def test_a_column_without_a_name_is_refused():
    with pytest.raises(ValueError, match="needs a name"):
        table(pd.DataFrame({"": ["login"], "ms": [1]}), "Latency")


def test_a_table_without_rows_is_nothing(latencies):
    assert str(table(latencies.iloc[:0], "Latency")) == ""


def test_what_has_no_content_gets_no_fold_and_no_heading():
    assert str(folded("Details", Html(" \n"))) == ""
    assert str(behind(("one", Html("")), ("two", Html("\n")))) == ""
    elements = Elements(behind(("first", Html("<p>a</p>")), ("second", Html("")), ("third", Html("<p>c</p>"))))
    assert [text for _, text in elements.all("summary")] == ["Behind this: first …"]
    assert [text for _, text in elements.all("h3")] == ["first", "third"]


def test_headline_has_the_verdict_first_and_a_card_for_each_metric():
    items = [("Login", "87 ms", "p95 < 300 ms"), ("Objectives", Verdict.FAIL, "1 of 9"), ("Error", None, "")]
    elements = Elements(headline(items, "One worker & one queue."))
    assert elements.all("p") == [({"class": "verdict"}, "One worker & one queue.")]
    assert [text for _, text in elements.all("dt")] == ["Login", "Objectives", "Error"]
    values = [text for attrs, text in elements.all("dd") if attrs["class"] == "value"]
    assert values == ["87 ms", "fail", "–"]


def test_a_notebook_displays_the_html_and_stores_it_once(latencies):
    html = table(latencies, "Latency")
    assert html._repr_html_() == str(html)
    assert "<table" not in repr(html)
