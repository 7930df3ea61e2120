"""Values that an OpenAPI document gives for parameters: examples, defaults, constants, enumerations.

A schema without one of them has no value here: a made-up one would measure answers to wrong requests.
"""

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from .openapi_document import OpenApiDocument, Place, Table

MAX_CHOICES = 20  # of an enumeration, one of which is drawn for each request
MAX_TEXT_CHARACTERS = 2_000
PARTS = ("allOf", "oneOf", "anyOf")  # schemas that a schema is made of


def choices(document: OpenApiDocument, parameter: Table, place: Place) -> list[str | list[str]]:
    """The values of a parameter as texts, a list for an array; empty where the document gives none."""
    schema = document.table(parameter, "schema", place)
    given = examples(document, parameter, place) or of_schema(document, schema, (*place, "schema"))
    texts = (_as_text_or_list(value) for value in given[:MAX_CHOICES])
    return [text for text in texts if text is not None]


def has_own_example(parameter: Table) -> bool:
    """Whether a parameter that may be left out has an example, so that a usual request has it."""
    return "example" in parameter or "examples" in parameter


def examples(document: OpenApiDocument, holder: Table, place: Place) -> list[Any]:
    """The example of a parameter or media type, or the first of its examples."""
    if "example" in holder:
        return [holder["example"]]
    named = document.named_tables(holder, "examples", place)
    return [entry["value"] for _, entry, _ in named if "value" in entry][:1]


def of_schema(document: OpenApiDocument, schema: Table, place: Place) -> list[Any]:
    """The values that a schema or one of its parts gives: one, or those of an enumeration; empty for none."""
    if values := _own_values(schema):
        return values
    parts = (part for key in PARTS for part, _ in document.tables(schema, key, place))
    return next(filter(None, map(_own_values, parts)), [])


def as_text(value: Any) -> str | None:
    """A value as it stands in an address; None for one that cannot."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):  # of YAML
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value)[:MAX_TEXT_CHARACTERS] if isinstance(value, str | int | float) else None


def _own_values(schema: Table) -> list[Any]:
    for key in ("example", "const", "default"):
        if schema.get(key) is not None:
            return [schema[key]]
    for key, count in (("examples", 1), ("enum", MAX_CHOICES)):
        if isinstance(values := schema.get(key), list) and values:
            return values[:count]
    return []


def _as_text_or_list(value: Any) -> str | list[str] | None:
    if not isinstance(value, list):
        return None if isinstance(value, Mapping) else as_text(value)
    texts = [as_text(entry) for entry in value]
    return [text for text in texts if text is not None] if None not in texts and texts else None
