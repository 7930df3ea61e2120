"""Opening a page in Chromium: sizes of screens, grounds, paper, and what a script reads there."""

import base64
import re
from pathlib import Path
from typing import NamedTuple

from selenium.webdriver import Chrome

A4_INCHES = {"paperWidth": 8.27, "paperHeight": 11.69}
A4_WIDTH_PX = 672  # 210 mm less twice the margin of 16 mm


class View(NamedTuple):
    """Width of the screen (CSS px), colour scheme and medium."""

    width: int = 1280
    scheme: str = "light"
    medium: str = "screen"


VIEWS = {
    "light": View(),
    "dark": View(scheme="dark"),
    "phone": View(390),
    "small dark phone": View(320, "dark"),
    "print": View(A4_WIDTH_PX, medium="print"),
}


def open_page(browser: Chrome, page: Path, view: View = VIEWS["light"], *, scripts: bool = True) -> None:
    """Open the page with its folds as it has them."""
    size = {"width": view.width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    features = [{"name": "prefers-color-scheme", "value": view.scheme}]
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": view.medium, "features": features})
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not scripts})
    browser.get(page.as_uri())


def open_folds(browser: Chrome) -> None:
    """Open every fold of the page."""
    browser.execute_script("document.querySelectorAll('details').forEach(fold => { fold.open = true })")


def printed_pages(browser: Chrome) -> int:
    """The number of A4 pages that the open page takes."""
    printed = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", A4_INCHES)["data"])
    return len(re.findall(rb"/Type\s*/Page\b", printed))
