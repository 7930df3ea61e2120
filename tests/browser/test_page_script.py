"""The script of the page: the source of a number, switches of series, one request; and the page without it."""

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.views import open_page

pytestmark = pytest.mark.extra
IS_DIALOG_OPEN = "return document.querySelector('dialog.source')?.open ?? false"
TAB_STOPS = """
const stops = [];
let section = 'first screen';
for (const each of document.querySelectorAll('main h2, main .n[role=button]'))
  if (each.tagName === 'H2') section = each.textContent;
  else stops.push([section, each.tabIndex]);
return stops;
"""


@pytest.fixture
def opened(browser, page):
    """The page on a wide screen, as it opens."""
    open_page(browser, page)
    return browser


def focused(browser) -> str:
    return browser.execute_script("return document.activeElement.textContent")


def test_each_section_has_one_tab_stop_for_its_numbers(opened):
    stops = {}
    for section, index in opened.execute_script(TAB_STOPS):
        stops.setdefault(section, []).append(index)
    assert len(stops) >= 3
    for section, indices in stops.items():
        assert indices == [0] + [-1] * (len(indices) - 1), section


def test_tab_reaches_a_number_and_arrows_the_next_one(opened):
    for _ in range(40):
        ActionChains(opened).send_keys(Keys.TAB).perform()
        if opened.execute_script("return document.activeElement.matches('main .n')"):
            break
    numbers = opened.execute_script("return [...document.querySelectorAll('.n[role=button]')].map(e => e.textContent)")
    assert focused(opened) == numbers[0]
    ActionChains(opened).send_keys(Keys.ARROW_RIGHT).perform()
    assert focused(opened) == numbers[1]
    ActionChains(opened).send_keys(Keys.ARROW_LEFT).perform()
    assert focused(opened) == numbers[0]


def test_a_focused_number_shows_its_finding_n_and_interval(opened):
    shown = opened.execute_script(
        "const number = document.querySelector('h1 .n[role=button], .cards .n[role=button]'); number.focus();"
        "const tip = document.getElementById('tip'); return [number.dataset.source, tip.hidden, tip.textContent]"
    )
    source, is_hidden, text = shown
    assert not is_hidden
    assert text.startswith(f"{source}: ")
    assert "n = " in text
    assert "interval" in text
    ActionChains(opened).send_keys(Keys.ESCAPE).perform()
    assert opened.execute_script("return document.getElementById('tip').hidden")


def test_enter_opens_the_source_of_a_number_and_escape_closes_it(opened):
    opened.execute_script("document.querySelector('.n[role=button]').focus()")
    source = opened.execute_script("return document.activeElement.dataset.source")
    ActionChains(opened).send_keys(Keys.ENTER).perform()
    assert opened.execute_script(IS_DIALOG_OPEN)
    text = opened.execute_script("return document.querySelector('dialog.source').innerText")
    assert "python -m analysis show" in text
    assert f"--finding {source}" in text
    assert "SELECT " in text
    ActionChains(opened).send_keys(Keys.ESCAPE).perform()
    assert not opened.execute_script(IS_DIALOG_OPEN)
    assert opened.execute_script("return document.activeElement.dataset.source") == source


def test_a_click_opens_the_source_and_its_button_closes_it(opened):
    opened.find_element(By.CSS_SELECTOR, ".n[role=button]").click()
    assert opened.execute_script(IS_DIALOG_OPEN)
    opened.find_element(By.CSS_SELECTOR, "dialog.source button").click()
    assert not opened.execute_script(IS_DIALOG_OPEN)


def test_a_published_number_names_the_published_report_and_opens_nothing(opened):
    found = opened.execute_script(
        "const number = document.querySelector('main .n[data-source=published]');"
        "number.dispatchEvent(new PointerEvent('pointerenter')); number.click();"
        "return document.getElementById('tip').textContent"
    )
    assert found == "a value of the published report"
    assert not opened.execute_script(IS_DIALOG_OPEN)


def test_a_series_is_switched_off_and_on_in_its_figure_alone(opened):
    counts = (
        "return [...document.querySelectorAll('figure')].filter(figure => figure.querySelector('.switches'))"
        ".map(figure => [...figure.querySelectorAll('[data-series]')].filter(e => e.style.display === 'none').length)"
    )
    before = opened.execute_script(counts)
    assert before
    assert set(before) == {0}
    opened.execute_script("document.querySelector('.switches button').click()")
    off = opened.execute_script(counts)
    assert off[0] > 0
    assert set(off[1:]) <= {0}
    pressed = "return document.querySelector('.switches button').getAttribute('aria-pressed')"
    assert opened.execute_script(pressed) == "false"
    opened.execute_script("document.querySelector('.switches button').click()")
    assert opened.execute_script(counts) == before
    assert opened.execute_script(pressed) == "true"


def test_one_request_has_its_way_and_the_requests_that_held_its_worker(opened):
    opened.execute_script("document.querySelector('.microscope summary').click()")
    text = opened.execute_script("return document.querySelector('.microscope [role=status]').innerText")
    assert "Due at" in text
    assert "answered after" in text
    assert "Waited" in text
    assert "Meanwhile this worker served" in text
    others = "return [...document.querySelectorAll('.microscope select')].map(each => each.options.length)"
    assert opened.execute_script(others)[1] >= 30
    changed = opened.execute_script(
        "const request = document.querySelectorAll('.microscope select')[1]; request.value = '0';"
        "request.dispatchEvent(new Event('change'));"
        "return document.querySelector('.microscope [role=status]').innerText"
    )
    assert changed != text


def test_the_page_is_readable_without_its_script(browser, page):
    open_page(browser, page, scripts=False)
    try:
        # Selenium's own scripts run in a page whose scripts are off.
        assert browser.execute_script("return document.querySelectorAll('[role=tooltip], .switches').length") == 0
        text = browser.execute_script("return document.querySelector('main').innerText")
        assert len(text) > 2000
        assert browser.execute_script("return document.querySelectorAll('main .n').length") > 100
        fold = browser.find_element(By.CSS_SELECTOR, "main details summary")
        fold.click()
        assert browser.execute_script("return document.querySelector('main details').open")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_the_time_until_the_page_is_open_is_printed(opened, record_property):
    """Printed with `-rP`, not bounded: the machine that tests is a shared one."""
    timing = opened.execute_script(
        "const entry = performance.getEntriesByType('navigation')[0]; return [entry.loadEventEnd, entry.domInteractive]"
    )
    record_property("load_ms", timing[0])
    print(f"open after {timing[0]:.0f} ms, readable after {timing[1]:.0f} ms")
    assert 0 < timing[1] <= timing[0]
