"""The tables of a page of arms on a phone: words stay whole, and a table that is cut shows that it scrolls."""

import pytest

from analysis.conclusions import conclusions
from tests.analysis.compared import compared
from tests.browser.views import VIEWS, open_folds, open_page
from tests.reports import notebook_page

pytestmark = pytest.mark.extra
BROKEN_WORDS = """
return [...document.querySelectorAll('main .scroll :is(td, th)')].filter(cell => cell.firstChild).flatMap(cell =>
  [...cell.firstChild.textContent.matchAll(/[^\\s/-]+/g)].filter(word => {
    if (cell.firstChild.nodeType !== 3) return false;
    const range = document.createRange();
    range.setStart(cell.firstChild, word.index);
    range.setEnd(cell.firstChild, word.index + word[0].length);
    return new Set([...range.getClientRects()].filter(box => box.width).map(box => Math.round(box.top))).size > 1;
  }).map(word => `${cell.textContent}: ${word[0]}`));
"""
CUT = """
return [...document.querySelectorAll('main .scroll')].filter(each => each.scrollWidth > each.clientWidth)
  .map(each => [getComputedStyle(each).backgroundAttachment, getComputedStyle(each).overflowX]);
"""


def test_words_stay_whole_and_a_table_that_is_cut_has_a_shadow(builder, browser, tmp_path):
    experiment = compared(builder, {"slow": 1.0, "four-threads": 1.5})
    page = tmp_path / "page.html"
    notebook_page.write(experiment, conclusions(experiment), page)
    open_page(browser, page, VIEWS["phone"])
    open_folds(browser)
    assert browser.execute_script(BROKEN_WORDS) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= VIEWS["phone"].width
    cut = browser.execute_script(CUT)
    assert cut
    assert all(shadow == "local, local, scroll, scroll" and overflow == "auto" for shadow, overflow in cut)
