"""Pieces that the JSON Schema of `workbench.toml` is made of."""

from typing import Any

MAX_BLOCKS = 200
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$"
URL_PATH, POINTER = "^/", "^(/.*)?$"  # POINTER: of JSON (RFC 6901)
SECONDS = {"exclusiveMinimum": 0, "maximum": 86_400}

Schema = dict[str, Any]


def text(description: str, **more: Any) -> Schema:
    """A text that is not empty."""
    return {"type": "string", "minLength": 1, "description": description, **more}


def number(description: str, **more: Any) -> Schema:
    """A number."""
    return {"type": "number", "description": description, **more}


def count(description: str, most: int, least: int = 1) -> Schema:
    """A whole number."""
    return {"type": "integer", "minimum": least, "maximum": most, "description": description}


def items(description: str, each: Schema, **more: Any) -> Schema:
    """A list."""
    return {"type": "array", "items": each, "description": description, **more}


def table(description: str, properties: Schema, **more: Any) -> Schema:
    """A table with these keys and no others."""
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "additionalProperties": False,
    } | more


def named(description: str, content: Schema, most: int) -> Schema:
    """A table of tables, by names of the user's own."""
    return {
        "type": "object", "description": description, "propertyNames": {"pattern": NAME}, "minProperties": 1,
        "maxProperties": most, "additionalProperties": content,
    }  # fmt: skip
