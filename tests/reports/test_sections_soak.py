"""The section of the soak: a row for each resource, what ended, and the margins."""

import html

import pytest

from analysis.findings import resource_growth
from analysis.soak.watched_resources import RESOURCES
from loadgen import soak_scenario
from reports.markup import Html
from reports.page_parts import Kind, parts_of
from reports.sections.comparison import Report
from reports.sections.soak import LONG_S, soak
from tests.reports.page_reader import page_text
from tests.soak_readings import MIB, with_soak
from workbench.arms import FOR_SOAK, FOR_SOAK_WITH_FILES, SOAK


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


def test_soak_has_a_sentence_for_each_set_up_in_labels(builder):
    runs = [
        with_soak(builder.run(FOR_SOAK, SOAK), leaks={"application_bytes": 0.1 * MIB}),
        with_soak(builder.run(FOR_SOAK_WITH_FILES, SOAK), expired_share=0.0),
    ]
    text = page_text(Html(shown(builder.experiment(*runs))))
    assert "Tuned with short lifetimes, 9 resources: 1 grows, 8 flat." in text
    assert "Tuned with short lifetimes and sessions in files, 8 resources: 8 flat." in text
    assert "Resources in a soak: tuned with short lifetimes; 134 s examined" in text
    assert "does not apply" in text


@pytest.mark.parametrize(("duration_s", "is_short"), [(180.0, True), (LONG_S, False)])
def test_soak_that_is_short_says_what_it_leaves_open(builder, duration_s, is_short):
    run = with_soak(builder.run(FOR_SOAK, SOAK))
    run.record["scenario"]["duration_s"] = duration_s
    text = page_text(Html(shown(builder.experiment(run))))
    assert ("growth below the margin is not excluded. The soak of 30 minutes shows more" in text) == is_short
    assert (f"python -m loadgen run --deployment {FOR_SOAK} --scenario {SOAK}" in text) == is_short


def test_soak_is_long_where_it_is_as_long_as_its_scenario():
    assert soak_scenario.DURATION_S == LONG_S


def test_experiment_without_a_soak_has_no_section(builder):
    assert shown(builder.experiment(builder.run())) == ""
