"""The documentation of deployments and scenarios is up to date."""

from loadgen import catalogue, deployments, profiles, scenarios
from loadgen.deployment import CORES
from workbench.paths import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "DEPLOYMENTS.md"


def test_the_document_is_up_to_date():
    message = f"docs/DEPLOYMENTS.md differs from the tables in loadgen; regenerate it with: {catalogue.COMMAND}"
    assert DOCUMENT.read_text(encoding="utf-8") == catalogue.markdown(), message


def test_the_document_names_every_deployment_scenario_family_and_profile():
    document = catalogue.markdown()
    families = [f"{family}-n" for family in scenarios.FAMILIES]
    for name in (*deployments.DEPLOYMENTS, *scenarios.LISTED, *families, *profiles.declared()):
        assert f"`{name}`" in document


def test_the_document_does_not_depend_on_the_machine(monkeypatch):
    before = catalogue.markdown()
    monkeypatch.setattr(deployments, "CORES", CORES + 1)
    assert catalogue.markdown() == before


def test_every_description_is_one_sentence():
    rows = [*deployments.DEPLOYMENTS.values(), *map(scenarios.find, scenarios.LISTED)]
    for row in rows:
        assert row.description.endswith(".")
        assert ". " not in row.description


def test_the_text_names_everything():
    text = "\n".join(catalogue.text())
    for name in (*deployments.DEPLOYMENTS, *scenarios.LISTED, "small", "production", *profiles.declared()):
        assert f"  {name} " in text
