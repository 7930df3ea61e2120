"""The page in a real browser: light and dark, wide and narrow."""

import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from reports.single_run import run_page

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
    bottom = browser.execute_script("return document.querySelector('.failures, .cards').getBoundingClientRect().bottom")
    assert 0 < bottom <= 800


HOSTILE = '<script>window.ran=1</script><img src=x onerror="window.ran=1"><svg onload="window.ran=1">'


@pytest.fixture
def hostile_page(builder, tmp_path):
    """The page of a run whose target sent markup, with more markup that got past the escaping."""
    files = builder.run("tuned", "burst-50")
    for row in files.rows[:75]:
        row |= {"endpoint": HOSTILE, "error": HOSTILE, "ok": False}
    page = run_page.write(files.write(builder.runs / "single-runs" / "hostile"), tmp_path)
    page.write_text(page.read_text().replace("</main>", f"{HOSTILE}<p id=escaped style='color: red'>x</p></main>"))
    return page


def test_markup_of_a_target_does_not_run_even_where_it_is_not_escaped(browser, hostile_page):
    browser.get(hostile_page.as_uri())
    assert browser.execute_script("return [window.ran, document.querySelectorAll('main script').length]") == [None, 1]
    refused = [entry["message"] for entry in browser.get_log("browser")]
    assert any("script-src" in message for message in refused)
    colour = "return getComputedStyle(document.getElementById('escaped')).color"
    assert browser.execute_script(colour) != "rgb(255, 0, 0)"


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_of_a_run_fits_its_window_opens_its_folds_and_logs_nothing(browser, builder, tmp_path, width):
    run = builder.run("tuned", "burst-50").write(builder.runs / "single-runs" / "run")
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(run_page.write(run, tmp_path).as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    bottom = browser.execute_script("return document.querySelector('main .verdict').getBoundingClientRect().bottom")
    assert 0 < bottom <= 800
    fold = "const fold = document.querySelector('details'); fold.querySelector('summary').click(); return fold.open"
    assert browser.execute_script(fold) is True
    fills = "return [...document.querySelectorAll('svg path')].map(path => getComputedStyle(path).fill)"
    assert len(set(browser.execute_script(fills))) > 2  # the colours of the figures are not blocked
    assert browser.get_log("browser") == []
