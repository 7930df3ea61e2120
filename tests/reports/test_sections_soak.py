"""The section of the soak: a row for each resource, what ended, and the margins."""

import html

import pytest

from analysis.findings import resource_growth
from analysis.soak.watched_resources import RESOURCES
from reports.page_parts import Kind, parts_of
from reports.sections.comparison import Report
from reports.sections.soak import soak
from tests.soak_readings import MIB, with_soak
from workbench.arms import FOR_SOAK, SOAK


def shown(experiment):
    return str(soak(Report(experiment, list(resource_growth.findings(experiment)))))


@pytest.fixture
def page(builder):
    return shown(builder.experiment(with_soak(builder.run(FOR_SOAK, SOAK), leaks={"application_bytes": 0.1 * MIB})))


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each.name)
def test_soak_has_a_row_for_each_resource_with_its_finding_as_source(page, resource):
    assert resource.label in html.unescape(page)
    assert f'data-source="soak-{resource.name}-{FOR_SOAK}"' in page


def test_soak_names_what_grows(page):
    assert page.count('<span class="pill grows">grows</span>') == 1
    assert '<span class="pill flat">flat</span>' in page


def test_soak_has_the_number_of_ends_and_the_reason_of_each_margin(page):
    assert "connections replaced for their age" in page
    assert f'data-source="soak-ended-connections-{FOR_SOAK}">72<' in page
    assert all(resource.margin.reason.split(";")[0][:25] in page for resource in RESOURCES)


def test_every_number_of_a_soak_has_a_source(page):
    parts, _ = parts_of(page)
    assert [part.text for part in parts if part.kind is Kind.NUMBER and not part.place] == []


def test_soak_in_which_too_little_ended_says_so(builder):
    page = shown(builder.experiment(with_soak(builder.run(FOR_SOAK, SOAK), recycles_a_second=0.0)))
    assert "too few ends for their age: connections replaced for their age" in page


def test_soak_that_is_invalid_says_why(builder):
    page = shown(builder.experiment(with_soak(builder.run(FOR_SOAK, SOAK)).invalid()))
    assert "generator CPU" in page


def test_experiment_without_a_soak_has_no_section(builder):
    assert shown(builder.experiment(builder.run())) == ""
