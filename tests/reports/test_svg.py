"""Inline SVG: reproducible, self-contained, described, and without ids of another figure."""

import re
import xml.etree.ElementTree as ET

import pandas as pd
import pytest

from analysis.figures.dumbbell import Pair, dumbbell
from analysis.figures.latency import percentile_curves
from analysis.figures.time_split import time_split
from reports.svg import inline


def bars():
    return dumbbell([Pair("login", 5119.0, 87.0, None)], "tuned")


def curves():
    return percentile_curves(pd.DataFrame({"series": "tuned", "nines": [0.0, 0.5, 1.3], "latency_ms": [10, 20, 29]}))


def parsed(name="bars", draw=bars, *, is_half=False):
    return ET.fromstring(str(inline(draw, name, "Latency <b>", "Tuned & published.", is_half=is_half)))


def ids(root):
    return [element.get("id") for element in root.iter() if element.get("id")]


def test_same_figure_gives_the_same_bytes():
    assert str(inline(bars, "bars", "t", "d")) == str(inline(bars, "bars", "t", "d"))


def test_two_figures_on_a_page_share_no_id():
    found = ids(parsed("one")) + ids(parsed("two")) + ids(parsed("three", curves))
    assert len(found) == len(set(found))
    assert all(re.match(r"(fig-)?(one|two|three)\b", identifier) for identifier in found)


def test_every_reference_has_its_target():
    root = parsed("curves", curves)
    values = [value for element in root.iter() for value in element.attrib.values()]
    targets = {target for value in values for target in re.findall(r"(?:^|\()#([^)]+)", value)}
    assert targets
    assert targets <= set(ids(root))


def test_the_drawing_is_named_and_described():
    root = parsed()
    svg = root.find(".//svg")
    assert svg.get("role") == "img"
    name, values = (
        root.find(f".//*[@id='{svg.get(attribute)}']") for attribute in ("aria-labelledby", "aria-describedby")
    )
    assert (name.tag, name.text) == ("strong", "Latency <b>")
    assert (values.tag, values.text) == ("desc", "login, published: 5.1 s; login: 87 ms")
    assert "".join(root.find("figcaption").itertext()) == "Latency <b> Tuned & published."
    assert root.get("id") == "fig-bars"


def test_text_stays_text_in_the_font_of_the_page():
    html = str(inline(bars, "bars", "t", "d"))
    texts = [element.text for element in ET.fromstring(html).iter("text")]
    assert {"login", "published", "tuned", "5.1 s → 87 ms"} <= set(texts)
    assert "font-family" not in html


def test_nothing_points_outside_and_nothing_styles_the_page():
    html = str(inline(bars, "bars", "t", "d"))
    assert "://" not in html
    assert "<style" not in html
    assert "style=" not in html
    assert not html.startswith(("<?xml", "<!DOCTYPE"))


def test_colours_are_variables_of_the_page():
    frame = {"series": ["tuned"], "endpoint": ["login"], "statistic": ["mean"], "part": ["rest"], "mean_ms": [9.0]}
    for draw in (bars, curves, lambda: time_split(pd.DataFrame(frame))):
        html = str(inline(draw, "any", "t", "d"))
        fixed = re.sub(r"var\(--[a-z-]+, #[0-9a-f]{6}\)", "", html)
        assert re.search(r'(?:fill|stroke)="var\(--', html)
        assert not re.findall(r'(?:fill|stroke)="(?:#\w+|black|white)', fixed)


def test_it_scales_with_the_page():
    svg = parsed().find(".//svg")
    assert svg.get("width") is None
    assert re.fullmatch(r"0 0 [\d.]+ [\d.]+", svg.get("viewBox"))


@pytest.mark.parametrize("name", ["", "Bars", "two words", 'a"b', "1st"])
def test_a_name_that_cannot_be_an_id_is_refused(name):
    with pytest.raises(ValueError, match="not a name"):
        inline(bars, name, "t", "d")
