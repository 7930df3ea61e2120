"""The lab in a real JupyterLab: every cell of 04-explore, a box, a request, a slider, both themes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.browser.jupyter_lab import Lab, chromium, contrast, serving, wait_for
from tests.builders import Builder
from tests.calibrated_runs import reported_python_ms, spend_cpu
from workbench.arms import BASELINE, TUNED

pytestmark = pytest.mark.extra

SPREAD = (1.0, 1.02, 0.98, 1.01)
NOTEBOOK = "notebooks/04-explore.ipynb"
INK_AND_GROUND = """
return [getComputedStyle(document.querySelector('.js-plotly-plot text')).fill,
        getComputedStyle(document.querySelector('.jp-Notebook')).backgroundColor];
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One experiment of two deployments, with a steady load of each."""
    folder = tmp_path_factory.mktemp("lab")
    builder = Builder(folder / "runs")
    runs = []
    for deployment in (BASELINE, TUNED):
        runs += [builder.run(deployment, "burst-50", block=block, slower=slower) for block, slower in enumerate(SPREAD)]
        steady = builder.run(deployment, "sustained-20")
        steady.record["generator"]["cpu_ms"] = 0.0
        runs += [builder.run(deployment, "single"), spend_cpu(steady, "server", reported_python_ms(steady))]
    builder.experiment(*runs)
    return folder


@pytest.fixture(scope="module")
def lab(data: Path) -> Iterator[Lab]:
    """04-explore in Chromium, with all of its cells executed."""
    with serving(data) as server, chromium(data / "profile") as driver:
        opened = Lab(driver, server)
        opened.open(NOTEBOOK)
        opened.execute("notebook:run-all-cells")
        opened.wait_until_idle("end of the cells")
        wait_for(lambda: len(opened.all(".js-plotly-plot .main-svg")) > 0, "figure")
        yield opened


def test_every_cell_runs_and_shows_itself(lab):
    assert lab.errors() == []
    assert None not in lab.execution_counts()
    assert "Model class" not in lab.text()  # what JupyterLab shows in the place of a widget that it cannot make
    assert re.search(r"queue: [\d.]+ m?s less", lab.text())


def test_figures_are_as_wide_as_their_cell_and_offer_no_upload(lab):
    wait_for(lab.are_figures_fitted, "figures as wide as their place")
    buttons = lab.run("return [...document.querySelectorAll('.modebar-btn')].map(button => button.dataset.title)")
    assert "Zoom in" in buttons
    assert not [title for title in buttons if re.search("share|cloud|upload|chart studio", title, re.IGNORECASE)]


def test_a_box_around_slow_requests_is_answered(lab):
    plot = next(each for each in lab.all(".js-plotly-plot") if each.find_elements(By.CSS_SELECTOR, ".gl-canvas"))
    area = plot.find_element(By.CSS_SELECTOR, ".nsewdrag")
    width, height = area.size["width"], area.size["height"]
    lab.run("arguments[0]")
    actions = ActionChains(lab.driver).move_to_element_with_offset(area, -width // 2 + 5, -height // 2 + 5)
    actions.click_and_hold().move_by_offset(width // 2, height // 4).move_by_offset(width // 3, 0).release().perform()
    wait_for(lambda: re.search(r"Requests of [\d.,]+ m?s to [\d.,]+ m?s, sent", lab.text()), "answer to the box")


def test_a_colour_from_the_menu_leaves_the_answer(lab):
    answer = re.search(r"Requests of .*", lab.text())
    menus = [Select(each) for each in lab.all(".widget-dropdown select")]
    menu = next(each for each in menus if [option.text for option in each.options[:2]] == ["endpoint", "worker"])
    menu.select_by_visible_text("worker")
    wait_for(lambda: any("worker 0" in each.text for each in lab.all(".js-plotly-plot .legend")), "new colours")
    assert answer
    assert answer[0] in lab.text()


def test_a_click_opens_the_request_that_held_the_worker(lab):
    before = lab.text().count("It waited")
    link = next(each for each in lab.all("button.jupyter-button") if each.get_attribute("title") == "open this request")
    name = link.text
    ActionChains(lab.driver).move_to_element(link).click().perform()
    user = name.split()[-1].partition("-")[0]
    wait_for(lambda: f"of user {user}, succeeded" in lab.text(), "opened request")
    assert lab.text().count("It waited") >= before - 1


def test_back_leads_to_the_request_before(lab):
    back, links = "button[title='show the request before']", "button[title='open this request']"
    if not lab.all(back):
        ActionChains(lab.driver).move_to_element(lab.all(links)[0]).click().perform()
    wait_for(lambda: len(lab.all(back)) == 1, "button to go back")
    opened = len(lab.all(links))
    ActionChains(lab.driver).move_to_element(lab.all(back)[0]).click().perform()
    wait_for(lambda: not lab.all(back) and len(lab.all(links)) > opened, "first request")


def test_other_percentiles_are_split_by_deployment(lab):
    (slider,) = [each for each in lab.all(".widget-hslider") if "percentiles" in each.text]
    slider.find_element(By.CSS_SELECTOR, ".noUi-handle-lower").send_keys(Keys.ARROW_LEFT)
    wait_for(lambda: "of those between p89.5 and p99 of their run" in lab.text(), "another split")


def test_a_slider_moves_the_prediction(lab):
    readout = next(
        each.find_element(By.CSS_SELECTOR, ".widget-readout")
        for each in lab.all(".widget-hslider")
        if "users" in each.text
    )
    ActionChains(lab.driver).move_to_element(readout).double_click().perform()
    readout.send_keys(Keys.CONTROL, "a")
    readout.send_keys("60", Keys.ENTER)
    wait_for(lambda: "60 users: p95" in lab.text(), "new p95")


def test_both_themes_have_readable_figures(lab):
    """JupyterLab loads a theme's colours after the command has ended."""
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        lab.execute("apputils:change-theme", json.dumps({"theme": theme}))
        wait_for(lambda: lab.run("return document.body.dataset.jpThemeName") == theme, theme)  # noqa: B023
        wait_for(lambda: contrast(*lab.run(INK_AND_GROUND)) >= 4.5, f"readable text on {theme}")


def test_nothing_is_asked_of_the_network_and_nothing_fails_in_the_console(lab):
    assert lab.requests_elsewhere() == []
    assert lab.console_errors() == []
