"""The lab in a real JupyterLab: every cell of 04-explore, a box, a request, a slider, both themes.

JupyterLab shows only the cells in its window, so the window is as tall as the notebook.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

from tests.browser.conftest import FLAGS
from tests.builders import Builder
from tests.calibrated_runs import reported_python_ms, spend_cpu
from workbench.arms import BASELINE, TUNED
from workbench.paths import REPOSITORY

pytestmark = pytest.mark.extra

PATIENCE_S = 120
SPREAD = (1.0, 1.02, 0.98, 1.01)
NOTEBOOK = "notebooks/04-explore.ipynb"
ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)/\S*\?token=(\w+)")
# JupyterLab's own, now and then while it draws its frame anew for another theme.
RACE = re.compile(r"/static/lab/jlab_core\..*The node to be removed is not a child of this node")
INK_AND_GROUND = """
return [getComputedStyle(document.querySelector('.js-plotly-plot text')).fill,
        getComputedStyle(document.querySelector('.jp-Notebook')).backgroundColor];
"""
KERNEL = "jupyterapp.shell.currentWidget.context.sessionContext.session?.kernel?.status"


def wait_for(condition: Callable[[], object], what: str) -> object:
    """The first true value of a condition; fails after `PATIENCE_S` seconds."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if value := condition():
                return value
        except Exception:  # the page is not there yet, or an element was drawn anew
            time.sleep(0.1)
        time.sleep(0.2)
    pytest.fail(f"no {what} after {PATIENCE_S} s")


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
def server(data: Path) -> Iterator[tuple[str, str]]:
    """Address and token of `python -m lab`."""
    jupyter = {f"JUPYTER_{name}_DIR": str(data / name.lower()) for name in ("DATA", "RUNTIME", "CONFIG")}
    environ = {
        **os.environ,
        **jupyter,
        "TRACETRACK_DATA_DIR": str(data),
        "JUPYTERLAB_WORKSPACES_DIR": str(data / "spaces"),
    }
    (data / "config").mkdir()
    exposed = {"LabApp": {"expose_app_in_browser": True}}  # `jupyterapp` in the page, by which tests give commands
    (data / "config" / "jupyter_lab_config.json").write_text(json.dumps(exposed))
    command = [sys.executable, "-m", "lab", "--no-browser"]
    with (data / "lab.log").open("w") as log:
        process = subprocess.Popen(command, cwd=REPOSITORY, env=environ, stderr=log)
        found = wait_for(lambda: ADDRESS.search((data / "lab.log").read_text()), "address")
        assert isinstance(found, re.Match)
        yield found[1], found[2]
        process.terminate()
        process.wait(PATIENCE_S)


class Lab:
    """The notebook in the browser."""

    def __init__(self, driver: webdriver.Chrome):
        self.driver = driver

    def run(self, script: str) -> object:
        return self.driver.execute_script(script)

    def execute(self, command: str, arguments: str = "{}") -> None:
        """Execute a command of JupyterLab, and wait until it is done."""
        self.driver.execute_async_script(
            f"const done = arguments[0]; jupyterapp.commands.execute('{command}', {arguments}).then(() => done(), done)"
        )

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self) -> str:
        return str(self.run("return document.querySelector('.jp-Notebook').innerText"))


@pytest.fixture(scope="module")
def lab(server: tuple[str, str], data: Path) -> Iterator[Lab]:
    """04-explore in Chromium, with all of its cells executed."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in [*FLAGS, f"--user-data-dir={data / 'profile'}", "--window-size=1400,9000"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_script_timeout(PATIENCE_S)
    address, token = server
    try:
        wait_for(lambda: driver.get(f"{address}/lab/tree/{NOTEBOOK}?token={token}") is None, "server")
        opened = Lab(driver)
        wait_for(lambda: opened.run(f"return {KERNEL}") == "idle", "kernel")
        opened.execute("notebook:run-all-cells")
        wait_for(lambda: opened.run(f"return {KERNEL}") == "idle", "end of the cells")
        wait_for(lambda: len(opened.all(".js-plotly-plot .main-svg")) > 0, "figure")
        yield opened
    finally:
        driver.quit()


def test_every_cell_runs_and_shows_itself(lab):
    assert [element.text for element in lab.all("[data-mime-type='application/vnd.jupyter.stderr']")] == []
    assert lab.all(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']") == []
    cells = lab.run("return jupyterapp.shell.currentWidget.content.widgets.filter(c => c.model.type === 'code')"
                    ".map(c => c.model.executionCount)")  # fmt: skip
    assert None not in cells
    assert "Model class" not in lab.text()  # what JupyterLab shows in the place of a widget that it cannot make
    assert re.search(r"queue: [\d.]+ m?s less", lab.text())


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


def contrast(first: str, second: str) -> float:
    """The ratio of luminance of two CSS colours, by WCAG 2."""
    lights = []
    for colour in (first, second):
        channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        lights.append(sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True)))
    return (max(lights) + 0.05) / (min(lights) + 0.05)


def test_nothing_is_asked_of_the_network_and_nothing_fails_in_the_console(lab, server):
    messages = [json.loads(entry["message"])["message"] for entry in lab.driver.get_log("performance")]
    urls = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    here = urlsplit(server[0]).netloc
    assert [url for url in urls if urlsplit(url).scheme in ("http", "https") and urlsplit(url).netloc != here] == []
    assert len(urls) > 10
    errors = [entry["message"] for entry in lab.driver.get_log("browser") if entry["level"] == "SEVERE"]
    assert [text for text in errors if not RACE.search(text)] == []
