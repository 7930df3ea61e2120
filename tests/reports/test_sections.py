"""Every section of the page, on whole experiments and on incomplete ones."""

import pytest

from reports import sections
from reports.tables import Html
from tests.reports.conftest import EXPERIMENTS
from tests.reports.page_reader import MISSING_VALUE, every_section, page_text


@pytest.mark.parametrize("section", every_section())
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_a_section_of_any_experiment_is_rendered_without_missing_values(reports, experiment, section):
    html = every_section()[section](reports(experiment))
    assert isinstance(html, Html)
    assert html.text
    assert not MISSING_VALUE.search(page_text(html)), page_text(html)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_the_verdict_is_a_sentence(reports, experiment):
    sentence = sections.verdict(reports(experiment))
    assert sentence.endswith(".")
    assert not MISSING_VALUE.search(sentence)
