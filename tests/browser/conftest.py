"""Chromium, and the page that the tests open in it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests.end_to_end.conftest import built  # noqa: F401 -- the smoke report, a fixture

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--force-device-scale-factor=1"]  # fmt: skip
PAGE = "REPORT_PAGE"  # a built page to try in the place of the smoke report; tests drop variables of the application


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_script_timeout(120)  # for axe, on a page with thousands of cells
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def page(request: pytest.FixtureRequest) -> Path:
    """The page of the report, with `findings.json` beside it."""
    if named := os.environ.get(PAGE):
        return Path(named).resolve()
    return request.getfixturevalue("built") / "html" / "optimization-results.html"
