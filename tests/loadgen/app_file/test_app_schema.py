"""The published schema of `workbench.toml` is the one that the reader checks, and takes the examples."""

import tomllib

import jsonschema
import pytest

from loadgen.app_file import app_schema, profile_schema
from workbench.paths import REPOSITORY

EXAMPLES = [REPOSITORY / "workbench.toml", *sorted((REPOSITORY / "examples").glob("*/workbench.toml"))]


def test_published_schema_is_up_to_date():
    assert app_schema.PATH.read_text(encoding="utf-8") == app_schema.content()


def test_schema_is_a_schema_and_describes_every_key():
    jsonschema.Draft202012Validator.check_schema(app_schema.SCHEMA)
    tables = [
        app_schema.SCHEMA, app_schema.ARM, app_schema.SCENARIO, app_schema.SUCCESS, app_schema.OBJECTIVE,
        profile_schema.PROFILE, profile_schema.RUNS, profile_schema.SEARCH, profile_schema.VERDICTS,
    ]  # fmt: skip
    keys = [(name, key) for table in tables for name, key in table["properties"].items()]
    assert [name for name, key in keys if not key.get("description")] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_schema_takes_the_examples(path):
    jsonschema.validate(tomllib.loads(path.read_text()), app_schema.SCHEMA)


def test_there_are_examples():
    assert len(EXAMPLES) == 3
