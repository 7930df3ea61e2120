"""A JupyterLab of `python -m lab` in Chromium: its server, its notebooks, and what a test may look at.

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
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.browser.conftest import FLAGS
from workbench.paths import REPOSITORY

PATIENCE_S = 120
ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)/\S*\?token=(\w+)")
# JupyterLab's own, now and then while it draws its frame anew for another theme; and anywidget's, which gives a figure
# two seconds to load 4 MB of code: beside a load on the same cores that is not always enough. It is drawn later, as the
# tests of the figures say.
RACE = re.compile(
    r"/static/lab/jlab_core\..*The node to be removed is not a child of this node"
    r"|/anywidget/static/.*Failed to initialize model"
)
KERNEL = "jupyterapp.shell.currentWidget.context.sessionContext.session?.kernel?.status"
CODE_CELLS = "jupyterapp.shell.currentWidget.content.widgets.filter(cell => cell.model.type === 'code')"
# What `python -m lab` does, on another folder than the repository.
ELSEWHERE = "import sys, pathlib, lab.__main__ as m; m.REPOSITORY = pathlib.Path(sys.argv.pop(1)); m.command()"


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


@contextmanager
def serving(data: Path, root: Path = REPOSITORY) -> Iterator["Server"]:
    """`python -m lab` for the block, with the notebooks below `root`; its own files and recordings are in `data`."""
    jupyter = {f"JUPYTER_{name}_DIR": str(data / name.lower()) for name in ("DATA", "RUNTIME", "CONFIG")}
    spaces = {"TRACETRACK_DATA_DIR": str(data), "JUPYTERLAB_WORKSPACES_DIR": str(data / "spaces")}
    (data / "config").mkdir()
    exposed = {"LabApp": {"expose_app_in_browser": True}}  # `jupyterapp` in the page, by which tests give commands
    (data / "config" / "jupyter_lab_config.json").write_text(json.dumps(exposed))
    words = ["-m", "lab"] if root == REPOSITORY else ["-c", ELSEWHERE, str(root)]
    with (data / "lab.log").open("w") as log:
        environ = {**os.environ, **jupyter, **spaces}
        process = subprocess.Popen([sys.executable, *words, "--no-browser"], cwd=REPOSITORY, env=environ, stderr=log)
        try:
            found = wait_for(lambda: ADDRESS.search((data / "lab.log").read_text()), "address")
            assert isinstance(found, re.Match)
            yield Server(process.pid, found[1], found[2])
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


class Server:
    """A running server: its process, address and token."""

    def __init__(self, pid: int, address: str, token: str):
        self.pid, self.address, self.token = pid, address, token


@contextmanager
def chromium(profile: Path, height_px: int = 9000) -> Iterator[webdriver.Chrome]:
    """Chromium for the block, with logs of its console and of its requests."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in [*FLAGS, f"--user-data-dir={profile}", f"--window-size=1400,{height_px}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_script_timeout(PATIENCE_S)
    try:
        yield driver
    finally:
        driver.quit()


WIDTHS_PX = """
return [...document.querySelectorAll('.jp-OutputArea-output .workbench-lab > .js-plotly-plot')]
    .map(plot => [plot.querySelector('.main-svg').clientWidth, plot.clientWidth]);
"""


class Lab:
    """The notebook in the browser."""

    def __init__(self, driver: webdriver.Chrome, server: Server):
        self.driver = driver
        self.server = server

    def open(self, notebook: str) -> None:
        """Open a notebook and no other, and wait for its kernel."""
        address = f"{self.server.address}/lab/tree/{notebook}?token={self.server.token}&reset"
        wait_for(lambda: self.driver.get(address) is None, "server")
        self.wait_until_idle("kernel")

    def save(self) -> None:
        """Save the notebook, so that leaving it asks nothing."""
        self.execute("docmanager:save")

    def reload(self) -> None:
        """Load the page anew, and wait for the kernel."""
        self.save()
        self.driver.refresh()
        self.wait_until_idle("kernel")

    def run(self, script: str) -> object:
        return self.driver.execute_script(script)

    def execute(self, command: str, arguments: str = "{}") -> None:
        """Execute a command of JupyterLab, and wait until it is done."""
        self.driver.execute_async_script(
            f"const done = arguments[0]; jupyterapp.commands.execute('{command}', {arguments}).then(() => done(), done)"
        )

    def begin(self, command: str) -> None:
        """Have a command of JupyterLab executed, and do not wait."""
        self.run(f"jupyterapp.commands.execute('{command}')")

    def run_cell(self, number: int) -> None:
        """Execute a code cell, counted from 0, and wait until it is done."""
        self.run(
            f"const content = jupyterapp.shell.currentWidget.content; content.deselectAll();"
            f"content.activeCellIndex = content.widgets.indexOf({CODE_CELLS}[{number}])"
        )
        self.execute("notebook:run-cell")

    def wait_until_idle(self, what: str) -> None:
        wait_for(lambda: self.run(f"return {KERNEL}") == "idle", what)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def button(self, label: str) -> WebElement:
        """The button of a widget."""
        return next(each for each in self.all("button.jupyter-button") if each.text.strip() == label)

    def text(self) -> str:
        return str(self.run("return document.querySelector('.jp-Notebook').innerText"))

    def execution_counts(self) -> list[int | None]:
        """That of each code cell; None for one that did not run."""
        counts = self.run(f"return {CODE_CELLS}.map(cell => cell.model.executionCount)")
        assert isinstance(counts, list)
        return counts

    def are_figures_fitted(self) -> bool:
        """True where every figure is drawn as wide as its place, and no place is left as narrow as plotly's own 700."""
        widths = self.run(WIDTHS_PX)
        return bool(widths) and all(drawn > 0.98 * place and place > 800 for drawn, place in widths)  # type: ignore[union-attr, attr-defined]

    def errors(self) -> list[str]:
        """The errors of cells, and what they printed on the error stream."""
        kinds = [f".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.{kind}']" for kind in
                 ("error", "stderr")]  # fmt: skip
        return [element.text for kind in kinds for element in self.all(kind)]

    def requests_elsewhere(self) -> list[str]:
        """The requests so far that went beyond the server."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        urls = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
        assert len(urls) > 10
        here = urlsplit(self.server.address).netloc
        return [url for url in urls if urlsplit(url).scheme in ("http", "https") and urlsplit(url).netloc != here]

    def console_errors(self) -> list[str]:
        """What failed in the page since the last call."""
        severe = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return [text for text in severe if not RACE.search(text)]


def contrast(first: str, second: str) -> float:
    """The ratio of luminance of two CSS colours, by WCAG 2."""
    lights = []
    for colour in (first, second):
        channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        lights.append(sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True)))
    return (max(lights) + 0.05) / (min(lights) + 0.05)
