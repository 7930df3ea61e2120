"""The rules of the page, read in Chromium: its size, its text, its tables, its colours and its print.

`REPORT_PAGE` names another built page to try.
"""

import json
import re
from collections import Counter

import pytest
from axe_core_python.selenium import Axe

from analysis.findings import findings_file
from reports import page_numbers
from reports.sections.names import in_labels
from tests.browser.views import A4_WIDTH_PX, VIEWS, open_folds, open_page, printed_pages

pytestmark = pytest.mark.extra
SCREEN_PX = 800
MAX_SCREENS, MAX_BYTES, MAX_PAGES = 7, 1_500_000, 9
MAX_WORDS, MAX_LABEL_WORDS = 1200, 700  # of the text outside of folds, and of the labels of its figures
PHRASE_WORDS = 13  # a phrase of over twelve words
INTERVAL = re.compile(r"\(\d[\d.,]*–\d")

# The text of the page in its reading order, without what is folded and without the labels of figures.
OUTSIDE_FOLDS = """
document.querySelectorAll('details').forEach(fold => { fold.open = false });
document.querySelectorAll('main svg').forEach(figure => { figure.style.display = 'none' });
return document.querySelector('main').innerText;
"""
TEXT_PX = """
const px = element => parseFloat(getComputedStyle(element).fontSize);
const scale = svg => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
return [...document.querySelectorAll('main svg text')]
  .filter(text => text.textContent.trim() && text.getBoundingClientRect().width > 0)
  .map(text => [px(text) * scale(text.closest('svg')), text.textContent, text.closest('figure').id]);
"""
SVG_TEXT_OUTSIDE = """
return [...document.querySelectorAll('main svg text')]
  .filter(text => text.getBoundingClientRect().width > 0)
  .map(text => [text.getBoundingClientRect(), text.closest('svg').getBoundingClientRect(), text])
  .filter(([box, figure]) => box.right > figure.right + 1 || box.left < figure.left - 1)
  .map(([box, figure, text]) => [text.closest('figure').id, text.textContent,
                                 Math.round(Math.max(box.right - figure.right, figure.left - box.left))]);
"""
HTML_TEXT_PX = """
return [...document.querySelectorAll('main *')]
  .filter(element => !element.closest('svg, details:not([open]) > :not(summary)'))
  .filter(element => element.getBoundingClientRect().width > 0)
  .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()))
  .map(element => [parseFloat(getComputedStyle(element).fontSize), element.outerHTML.slice(0, 100)]);
"""
WIDER_THAN_COLUMN = """
const column = document.querySelector('main').getBoundingClientRect();
return [...document.querySelectorAll('main *')]
  .filter(element => !element.closest('svg') && !element.parentElement.closest('.scroll, pre'))
  .filter(element => element.getBoundingClientRect().width > 0 && !element.matches('.stack thead, .stack thead *'))
  .filter(element => element.getBoundingClientRect().right > column.right + 0.5)
  .map(element => element.outerHTML.slice(0, 120));
"""
OPEN_ROWS = """
return [...document.querySelectorAll('main table')].filter(table => !table.closest('details'))
  .flatMap(table => [...table.tBodies[0].rows].map(row => [table.caption.textContent, row.textContent,
                                                           Boolean(row.querySelector('.pill'))]));
"""
PHRASES = """
const blocks = 'p, li, td, th, caption, summary, h1, h2, h3, dt, dd, figcaption, pre, option, desc';
return [...document.querySelectorAll('main :is(' + blocks + ')')].filter(each => !each.querySelector(blocks))
  .map(each => each.textContent);
"""
LABEL_WORDS = """
document.querySelectorAll('details').forEach(fold => { fold.open = false });
return [...document.querySelectorAll('main svg text')].filter(text => text.getBoundingClientRect().width > 0)
  .map(text => text.textContent).join(' ');
"""
DASH_COLUMNS = """
return [...document.querySelectorAll('main table')].flatMap(table => {
  const rows = [...table.tBodies[0].rows];
  return [...table.tHead.rows[0].cells]
    .map((head, i) => [head, rows.map(row => row.cells[i].classList.contains('missing'))])
    .filter(([head, cells]) => cells.length && cells.every(Boolean))
    .map(([head]) => `${table.caption.textContent}: ${head.textContent}`);
});
"""
HEADLINE_AND_FOLDS = """
const numbers = [...document.querySelectorAll('h1 .n, .cards .value .n')]
  .filter(each => !['setting', 'section'].includes(each.dataset.source)).map(each => each.textContent);
return [numbers, [...document.querySelectorAll('main details, main table')].map(fold => fold.textContent).join(' ')];
"""
BROKEN_HEADERS = """
return [...document.querySelectorAll('main thead th')].filter(head => head.firstChild).flatMap(head =>
  [...head.textContent.matchAll(/[^\\s/-]+/g)].filter(word => {
    const range = document.createRange();
    range.setStart(head.firstChild, word.index);
    range.setEnd(head.firstChild, word.index + word[0].length);
    return new Set([...range.getClientRects()].filter(box => box.width).map(box => Math.round(box.top))).size > 1;
  }).map(word => `${head.textContent}: ${word[0]}`));
"""
SECTIONS = """
const sections = [], main = document.querySelector('main');
for (const child of main.children)
  if (child.tagName === 'H2') sections.push([child.textContent, '']);
  else if (sections.length && child.tagName !== 'SCRIPT') sections[sections.length - 1][1] += child.textContent.trim();
return sections;
"""
FIRST_SCREEN = """
return [...document.querySelectorAll('main > *, main > * *')]
  .filter(element => element.getBoundingClientRect().height > 0)
  .filter(element => element.getBoundingClientRect().bottom <= arguments[0])
  .filter(element => !element.closest('svg')).map(element => element.textContent).join(' ');
"""


@pytest.mark.parametrize("view", VIEWS)
def test_the_page_is_offline_silent_and_within_its_column(browser, page, view):
    open_page(browser, page, VIEWS[view])
    open_folds(browser)
    assert browser.get_log("browser") == []
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert browser.execute_script("return document.documentElement.scrollWidth") <= VIEWS[view].width
    assert browser.execute_script(WIDER_THAN_COLUMN) == []


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_violation(browser, page, view):
    """With the folds open on a wide screen; other views differ in their layout, and take minutes with them open."""
    open_page(browser, page, VIEWS[view])
    if view in ("light", "dark"):
        open_folds(browser)
    violations = Axe().run(browser)["violations"]
    assert [(each["id"], len(each["nodes"]), each["nodes"][0]["html"][:200]) for each in violations] == []


@pytest.mark.parametrize("view", VIEWS)
def test_no_header_of_a_table_is_broken_within_a_word(browser, page, view):
    open_page(browser, page, VIEWS[view])
    open_folds(browser)
    assert browser.execute_script(BROKEN_HEADERS) == []


@pytest.mark.parametrize("view", VIEWS)
def test_no_text_of_a_figure_is_cut_off(browser, page, view):
    open_page(browser, page, VIEWS[view])
    open_folds(browser)
    assert browser.execute_script(SVG_TEXT_OUTSIDE) == []


def test_the_page_takes_at_most_seven_screens_with_its_folds_closed(browser, page):
    open_page(browser, page)
    assert browser.execute_script("return document.documentElement.scrollHeight") <= MAX_SCREENS * SCREEN_PX


def test_the_page_has_at_most_1200_words_outside_its_folds(browser, page):
    open_page(browser, page)
    words = browser.execute_script(OUTSIDE_FOLDS).split()
    assert 100 < len(words) <= MAX_WORDS


def test_the_figures_outside_of_folds_have_few_labels(browser, page):
    open_page(browser, page)
    words = browser.execute_script(LABEL_WORDS).split()
    assert 20 < len(words) <= MAX_LABEL_WORDS


def test_the_file_is_small(page):
    assert page.stat().st_size <= MAX_BYTES


@pytest.mark.parametrize("view", ["phone", "light"])
def test_text_of_figures_is_large_enough(browser, page, view):
    open_page(browser, page, VIEWS[view])
    open_folds(browser)
    sizes = browser.execute_script(TEXT_PX)
    assert len(sizes) > 10
    assert [each for each in sizes if each[0] < 11] == []


def test_the_page_prints_on_a_few_sheets_in_a_readable_size(browser, page):
    open_page(browser, page, VIEWS["print"])
    assert 0 < printed_pages(browser) <= MAX_PAGES
    assert [each for each in browser.execute_script(HTML_TEXT_PX) if each[0] < 12] == []  # 12 px are 9 pt
    assert [each for each in browser.execute_script(TEXT_PX) if each[0] < 12] == []
    # Chromium shrinks a document that is wider than its sheet.
    assert browser.execute_script("return document.documentElement.scrollWidth") <= A4_WIDTH_PX


def test_no_table_outside_a_fold_is_without_an_interval_or_a_verdict(browser, page):
    open_page(browser, page)
    rows = browser.execute_script(OPEN_ROWS)
    assert [row for row in rows if not row[2] and not INTERVAL.search(row[1])] == []


def test_no_column_is_made_of_dashes(browser, page):
    open_page(browser, page)
    assert browser.execute_script(DASH_COLUMNS) == []


def test_no_section_is_without_content(browser, page):
    open_page(browser, page)
    sections = browser.execute_script(SECTIONS)
    assert len(sections) == 8
    assert [heading for heading, text in sections if len(text) < 40] == []


def test_no_long_phrase_is_repeated_more_than_twice(browser, page):
    """In folds too. A figure is there twice, for a wide page and for a phone, with the same description."""
    open_page(browser, page)
    counts: Counter[str] = Counter()
    for text in browser.execute_script(PHRASES):
        words = text.lower().split()
        counts.update({" ".join(words[i : i + PHRASE_WORDS]) for i in range(len(words) - PHRASE_WORDS + 1)})
    assert {phrase: count for phrase, count in counts.items() if count > 2} == {}


def test_everything_that_failed_is_on_the_first_screen(browser, page):
    open_page(browser, page)
    shown = " ".join(browser.execute_script(FIRST_SCREEN, SCREEN_PX).split())
    _, findings = findings_file.read(page.with_name("findings.json"))
    kinds = ("objective", "checklist", "published-setup")
    failed = [in_labels(each.claim) for each in findings if each.kind in kinds and each.verdict == "fail"]
    assert [claim for claim in failed if " ".join(claim.split()) not in shown] == []
    assert "Objectives met" in shown


def test_the_values_of_the_cards_are_found_in_the_findings(browser, page):
    """A number of the first screen is that of its finding, which `findings.json` and the fold have too."""
    open_page(browser, page)
    shown = browser.execute_script(
        "return [...document.querySelectorAll('.cards .n, h1 .n')].map(each => [each.dataset.source, each.textContent])"
    )
    _, findings = findings_file.read(page.with_name("findings.json"))
    by_id = {finding.id: finding for finding in findings}
    checked = 0
    for source, text in shown:
        if finding := by_id.get(source):
            value = float(re.search(r"[\d.,]+", text)[0].replace(",", ""))
            values = [finding.effect, *(finding.interval or ())]
            assert any(abs(value - each) <= 0.06 * max(each, 1) for each in values if each is not None), (source, text)
            checked += 1
    assert checked >= 2


def test_the_numbers_of_the_headline_are_in_the_folds_that_back_them(browser, page):
    """Or in the open table of objectives that are missed."""
    open_page(browser, page)
    headline, folds = browser.execute_script(HEADLINE_AND_FOLDS)
    numbers = [re.search(r"[\d.,]*\d", text)[0] for text in headline]
    assert len(numbers) >= 2
    assert [each for each in numbers if not re.search(rf"(?<![\d.,]){re.escape(each)}(?!\d|[.,]\d)", folds)] == []


def test_every_number_of_the_page_names_its_source(page):
    content = page_numbers.read(page)
    assert len(content.numbers) > 100
    assert list(page_numbers.without_source(content)) == []
    _, findings = findings_file.read(page.with_name("findings.json"))
    known = {"published", "setting", "section", *(finding.id for finding in findings)}
    assert {number.source for number in content.numbers} - known == set()


def test_the_data_of_the_page_is_not_taken_for_its_text(browser, page):
    open_page(browser, page)
    block = browser.execute_script("return document.getElementById('sources').textContent")
    assert json.loads(block)["experiment"]
    assert '"findings"' not in browser.execute_script("return document.body.innerText")
