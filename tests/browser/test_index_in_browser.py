"""The index and the comparison in a real browser: light, dark, on a phone, on paper, with hostile names."""

import base64
import re

import pytest
from axe_core_python.selenium import Axe

from analysis.recording_comparison import compare_experiments
from reports import comparison_page, index_page, report_entry
from tests.builders import Builder
from tests.histories import factors, record_history
from tests.reports.test_index_page import FACTS, HOSTILE, entry

pytestmark = pytest.mark.extra
VIEWS = {"light": (1280, "light"), "dark": (1280, "dark"), "phone": (390, "light"), "small dark phone": (360, "dark")}
A4_INCHES = {"paperWidth": 8.27, "paperHeight": 11.69}
MIN_PRINTED_PX = 12  # 9 pt

WIDER_THAN_COLUMN = """
const column = document.querySelector('main').getBoundingClientRect();
return [...document.querySelectorAll('main *')]
  .filter(element => element.getBoundingClientRect().width > 0)
  .filter(element => element.getBoundingClientRect().right > column.right + 0.5)
  .map(element => element.outerHTML.slice(0, 120));
"""
SMALLEST_TEXT_PX = """
return Math.min(...[...document.querySelectorAll('main *')]
  .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()))
  .map(element => parseFloat(getComputedStyle(element).fontSize)));
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The address of each page by its name: an index with changes, fences and hostile names, and a comparison."""
    data = tmp_path_factory.mktemp("data")
    (data / "html").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACETRACK_DATA_DIR", str(data))
        record_history(Builder(data / "runs"), factors((5, 1.0), (4, 1.5)), {1: {"python": HOSTILE}}, profile="a")
        comparison = compare_experiments(*_experiments(Builder(data / "runs")), lambda warning: None)
        compared = comparison_page.write(comparison, [f"a warning about {HOSTILE}"], data / "html")
        page = data / "html" / "optimization-results.html"
        page.write_text("<!DOCTYPE html><title>report</title>")
        other = entry(3, facts=FACTS | {"processor": HOSTILE, "Python": "3.12.1"})
        for each in (*map(entry, (1, 2, *range(4, 13))), other, entry(13, experiment=HOSTILE, verdict=HOSTILE)):
            report_entry.write(each, page)
        return {"index": index_page.write(data / "html").as_uri(), "comparison": compared.as_uri()}


def _experiments(builder):
    """Four blocks of two deployments each; the second has one that is slower, another machine's kernel and failures."""
    for name, slower, kernel in (("old", 1.0, "6.1"), ("new-" + "x" * 90, 1.5, "k" * 60)):
        runs = [
            builder.run(deployment, block=block, slower=spread * (slower if deployment == "tuned" else 1.0))
            for deployment in ("as-measured", "tuned")
            for block, spread in enumerate((1.0, 1.004, 0.996, 1.0))
        ]
        for run in runs:
            run.record["environment"] = run.record["environment"] | {"kernel": kernel}
        runs[0].rows[0] |= {"ok": False, "error": HOSTILE}
        yield builder.experiment(*runs, name=name)


def _open(browser, address, width, scheme, media="screen"):
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
    browser.get(address)
    browser.execute_script("document.querySelectorAll('details').forEach(fold => { fold.open = true })")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ["index", "comparison"])
def test_the_page_is_accessible_offline_and_within_its_column(browser, pages, name, view):
    width, scheme = VIEWS[view]
    _open(browser, pages[name], width, scheme)
    assert browser.get_log("browser") == []
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script(WIDER_THAN_COLUMN) == []
    assert browser.execute_script(SMALLEST_TEXT_PX) >= 11
    assert browser.execute_script("return document.querySelectorAll('svg text').length") == 0
    violations = Axe().run(browser)["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in violations] == []


@pytest.mark.parametrize("name", ["index", "comparison"])
def test_the_page_prints_on_a_few_sheets_in_a_readable_size(browser, pages, name):
    _open(browser, pages[name], 1280, "light", "print")
    assert browser.execute_script(SMALLEST_TEXT_PX) >= MIN_PRINTED_PX
    printed = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", A4_INCHES)["data"])
    assert 0 < len(re.findall(rb"/Type\s*/Page\b", printed)) < 10
    # Chromium shrinks a document that is wider than its sheet: 210 mm less twice 16 mm are 672 px.
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 672, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 672


def test_the_verdict_of_a_comparison_is_on_the_first_screen(browser, pages):
    for width in (1280, 390):
        _open(browser, pages["comparison"], width, "light")
        bottom = "return document.querySelector('.cards').getBoundingClientRect().bottom"
        assert 0 < browser.execute_script(bottom) <= 800


@pytest.mark.parametrize("view", VIEWS)
def test_a_chart_of_the_history_shows_a_dot_for_each_experiment(browser, pages, view):
    _open(browser, pages["index"], *VIEWS[view])
    boxes = "return [...document.querySelector('svg.history').querySelectorAll('circle')]"
    dots = browser.execute_script(
        f"{boxes}.map(each => each.getBoundingClientRect()).map(box => [box.left, box.width, box.height])"
    )
    assert len(dots) == 9
    assert all(width > 4 and height > 4 for _, width, height in dots)
    assert sorted(dots) == dots
    lines = "const chart = document.querySelector('svg.history');"
    lines += "return ['boundary', 'change'].map(name => chart.querySelectorAll(`.${name}`).length)"
    assert browser.execute_script(lines) == [1, 1]
