"""The page in a real browser: light and dark, wide and narrow."""

import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

pytestmark = pytest.mark.extra
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--force-device-scale-factor=1"]  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_its_window_and_logs_nothing(browser, built, scheme, width):
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get((built / "html" / "optimization-results.html").as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.get_log("browser") == []
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    background = browser.execute_script("return getComputedStyle(document.documentElement).backgroundColor")
    body = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    shade = next(colour for colour in (body, background) if colour != "rgba(0, 0, 0, 0)")
    brightness = sum(int(part) for part in shade.strip("rgba()").split(",")[:3]) / 3
    assert (brightness > 128) == (scheme == "light")


def test_the_verdict_is_on_the_first_screen(browser, built):
    size = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get((built / "html" / "optimization-results.html").as_uri())
    bottom = browser.execute_script("return document.querySelector('.headline').getBoundingClientRect().bottom")
    assert 0 < bottom <= 800
