"""The monitor's page in Chromium while the application is under load: light, dark, on a phone, by keyboard."""

import os
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from axe_core_python.selenium import Axe
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from loadgen.accounts import PASSWORD
from tests.brief_server import serve_briefly
from tests.conftest import Visitor
from tests.monitored import monitored_settings
from workbench.polling import attempts

pytestmark = pytest.mark.extra

STATISTICS = "/api/dashboard/stats"
SIZES = {"desk": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def settings(server, database, tmp_path_factory):
    folder = tmp_path_factory.mktemp("watched")
    return monitored_settings(
        server, database, folder, workers=2, threads=8, pool_size=3, server_timing_for_all=True,
        sessions="filesystem", session_directory=str(folder / "sessions"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def served(settings, tmp_path_factory):
    """The application under load by four users."""
    with serve_briefly(settings, tmp_path_factory.mktemp("log") / "gunicorn.log") as application:
        ended = threading.Event()
        threads = [threading.Thread(target=_use, args=(application, ended, number)) for number in range(4)]
        for thread in threads:
            thread.start()
        yield application
        ended.set()
        for thread in threads:
            thread.join()


def _use(application, ended, number):
    visitor = Visitor(application.url).login(f"user{2 + number:03}")
    while not ended.wait(0.05):
        visitor.get(STATISTICS)
        visitor.get(f"/api/bags/search?q=M44{number}")
    visitor.get("/no-such-page")


@pytest.fixture(scope="module")
def opened(browser, served):
    """The page, as an administrator opens it: by the login of the application."""
    browser.get(f"{served.url}/login")
    browser.find_element(By.NAME, "username").send_keys("user001")
    browser.find_element(By.NAME, "password").send_keys(PASSWORD + Keys.ENTER)
    assert any("Logged in" in browser.page_source for _ in attempts(10, 0.1))
    browser.get(f"{served.url}/admin/monitor")
    assert any(STATISTICS in _text(browser) for _ in attempts(20, 0.2)), _text(browser)
    return browser


def _text(browser):
    return browser.find_element(By.TAG_NAME, "body").text


def _scheme(browser, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def test_the_page_is_live_and_hides_its_token(opened, settings):
    assert opened.current_url == f"http://127.0.0.1:{settings.monitor_port}/monitor"
    state = opened.find_element(By.ID, "state").text
    assert state.startswith("live, ")
    assert any(opened.find_element(By.ID, "state").text != state for _ in attempts(5, 0.2))
    for text in ("Connection pool", "Latency by endpoint", "Slowest requests", "POST /login", "dashboard", "hit ratio"):
        assert text in _text(opened)


@pytest.mark.parametrize("name", ["requests-line", "p95-line", "pool-line"])
def test_the_course_of_time_is_drawn(opened, name):
    points = f"return document.querySelector('#{name} path').getAttribute('d').split('L').length"
    assert any(opened.execute_script(points) > 2 for _ in attempts(60, 0.5))


def test_the_number_of_stored_sessions_is_shown(opened):
    """Four users and the administrator; the first count was made before they had logged in."""
    shown = (opened.find_element(By.ID, "sessions-number").text for _ in attempts(40, 0.5))
    assert "5 stored" in shown


def test_what_is_wrong_is_shown_with_its_beginning(opened, server, database):
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute('BEGIN; LOCK TABLE tracetrack."user" IN ACCESS EXCLUSIVE MODE')
        time.sleep(0.8)  # the statement over 500 ms
        cursor.execute("ROLLBACK")
    texts = (opened.find_element(By.ID, "problems").text for _ in attempts(20, 0.3))
    assert any("statement over 500 ms" in text and "since " in text for text in texts)
    assert "in the last minute" in opened.find_element(By.ID, "verdict-title").text
    assert opened.title.startswith("(")


def test_a_key_pauses_the_page_and_lets_it_go_on(opened):
    body = opened.find_element(By.TAG_NAME, "body")
    body.send_keys("p")
    assert opened.find_element(By.ID, "state").text.startswith("paused at ")
    assert opened.find_element(By.ID, "pause").get_attribute("aria-pressed") == "true"
    body.send_keys("p")
    assert any(opened.find_element(By.ID, "state").text.startswith("live") for _ in attempts(5, 0.2))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_fits_and_has_no_violation_of_accessibility(opened, tmp_path, scheme, size):
    width, height = SIZES[size]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    _scheme(opened, scheme)
    assert opened.execute_script("return document.documentElement.scrollWidth") <= width
    wide = "return [...document.querySelectorAll('.scroll')].filter(each => each.scrollWidth > each.clientWidth).length"
    assert opened.execute_script(wide) == 0
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    assert opened.save_screenshot(str(folder / f"monitor-{size}-{scheme}.png"))
    violations = Axe().run(opened)["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in violations] == []


def test_nothing_is_refused_by_the_policy_and_nothing_comes_from_elsewhere(opened, settings):
    entries = [entry["message"] for entry in opened.get_log("browser") if "favicon" not in entry["message"]]
    assert [entry for entry in entries if str(settings.monitor_port) in entry] == []
    script = "return performance.getEntriesByType('resource').map(entry => entry.name)"
    assert {name.rsplit("/", 1)[0] for name in opened.execute_script(script)} <= {
        f"http://127.0.0.1:{settings.monitor_port}/monitor",
        "data:,",
    }


def test_without_a_login_there_is_no_page(browser, served):
    browser.delete_all_cookies()
    browser.get(f"{served.url}/admin/monitor")
    assert "not logged in" in browser.page_source
