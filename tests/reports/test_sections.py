"""Every section of the page, with its fold, on whole experiments and on incomplete ones."""

import re
from collections.abc import Callable

import pytest

from reports import page_numbers
from reports.markup import Html
from reports.sections import sources
from tests.reports.conftest import EXPERIMENTS
from tests.reports.page_reader import MISSING_VALUE, SECTIONS, TAG, page_text

FOLD = re.compile(r"<details>.*", re.DOTALL)
HEADING = re.compile(r"<h3>(.*?)</h3>\s*(?=<h3>|</details>)", re.DOTALL)
CELL = re.compile(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", re.DOTALL)
BY_EXPERIMENT = pytest.mark.parametrize("experiment", EXPERIMENTS)


@pytest.fixture(scope="module")
def rendered(reports) -> Callable[[str], dict[str, str]]:
    """The sections of the page of an experiment by its name; each is rendered once."""
    pages: dict[str, dict[str, str]] = {}

    def sections(experiment: str) -> dict[str, str]:
        if experiment not in pages:
            pages[experiment] = {name: str(section(reports(experiment))) for name, section in SECTIONS.items()}
        return pages[experiment]

    return sections


@BY_EXPERIMENT
def test_no_section_shows_a_missing_value_of_python(rendered, experiment):
    for name, html in rendered(experiment).items():
        assert not MISSING_VALUE.search(page_text(Html(html))), name


@BY_EXPERIMENT
def test_every_section_says_something_outside_its_fold_or_is_empty(rendered, experiment):
    sections = {name: html for name, html in rendered(experiment).items() if html.strip()}
    assert {"verdict", "trust"} <= sections.keys()
    outside = {name: page_text(Html(FOLD.sub("", html))) for name, html in sections.items()}
    assert {name: text for name, text in outside.items() if len(text) < 20} == {}


@BY_EXPERIMENT
def test_no_heading_of_a_fold_is_without_content(rendered, experiment):
    assert {name: found for name, html in rendered(experiment).items() if (found := HEADING.findall(html))} == {}


@BY_EXPERIMENT
def test_no_table_is_empty_and_no_column_is_all_dashes(rendered, experiment):
    for name, html in rendered(experiment).items():
        for table in re.findall(r"<table\b.*?</table>", html, re.DOTALL):
            _, *rows = (CELL.findall(row) for row in re.findall(r"<tr\b.*?</tr>", table, re.DOTALL))
            assert rows, (name, table[:200])
            columns = zip(*([TAG.sub("", cell) for cell in row] for row in rows), strict=True)
            assert not any(set(column) == {"–"} for column in columns), (name, table[:200])


@BY_EXPERIMENT
def test_every_number_of_every_section_names_its_source(reports, rendered, experiment, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("\n".join([*rendered(experiment).values(), str(sources(reports(experiment)))]))
    found = page_numbers.read(page)
    assert len(found.numbers) > 50
    assert list(page_numbers.without_source(found)) == []
    known = {"published", "setting", "section", *(finding.id for finding in reports(experiment).findings)}
    assert {number.source for number in found.numbers} - known == set()
