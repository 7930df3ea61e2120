"""Bodies that an OpenAPI document gives: an example of the whole, or one put together of the values of its parts."""

from collections.abc import Mapping
from typing import Any

from .body_content import UnusableBody, without_secrets
from .draft_request import FORM, JSON, Body
from .example_values import PARTS, examples, of_schema
from .openapi_document import OpenApiDocument, Place, Table
from .secret_names import has_secret_name
from .secret_variables import SecretVariables
from .sign_in import is_password, is_user

MAX_DEPTH, MAX_VALUES = 6, 200  # of a body that is put together
KINDS = {"application/json": JSON, "application/x-www-form-urlencoded": FORM}  # media types that a task can send


def of_operation(
    document: OpenApiDocument, operation: Table, place: Place, variables: SecretVariables
) -> tuple[Body | None, list[str]]:
    """The body of an operation, None where it has none, and a sentence for each part without a value."""
    described = document.table(operation, "requestBody", place)
    for name, media, at in document.named_tables(described, "content", (*place, "requestBody")):
        if kind := KINDS.get(name.partition(";")[0].strip().lower()):
            return _body(document, kind, media, at, variables)
    return None, ["Its body is neither JSON nor a plain form: write it."] if described else []


def _body(
    document: OpenApiDocument, kind: str, media: Table, place: Place, variables: SecretVariables
) -> tuple[Body | None, list[str]]:
    composer = _Composer(document, variables)
    try:
        content = without_secrets(composer.content(media, place), variables)
    except UnusableBody as error:
        return None, [f"Its body is {error}: write it."]
    if kind == FORM and not (isinstance(content, dict) and all(map(_is_of_form, content.values()))):
        return None, ["Its form has no example: write it."]
    return Body(kind, content), [_gap(path) for path in composer.missing]


def _is_of_form(value: Any) -> bool:
    return not isinstance(value, dict | list)


def _is_plain(schema: Any) -> bool:
    """Whether a schema is of a text or number, as far as it says itself."""
    return isinstance(schema, Mapping) and schema.get("type") in ("string", "integer", None) and "$ref" not in schema


def _gap(path: str) -> str:
    return f"Its body has no example of {path}: put a value in the place of None." if path else (
        "Its body has no example: put a value in the place of None.")  # fmt: skip


class _Composer:
    """Puts a body together; `missing` has the paths of the parts that the document gives no value for."""

    def __init__(self, document: OpenApiDocument, variables: SecretVariables):
        self._document, self._variables = document, variables
        self._values = 0
        self.missing: list[str] = []

    def content(self, media: Table, place: Place) -> Any:
        """The value of a body, with None in the place of what is missing."""
        given = examples(self._document, media, place)
        return given[0] if given else self._of_schema(media.get("schema") or {}, (*place, "schema"), "", 0)

    def _of_schema(self, given: Any, place: Place, path: str, depth: int) -> Any:
        schema = self._document.resolved(given, place)
        self._values += 1
        if depth > MAX_DEPTH or self._values > MAX_VALUES:
            raise UnusableBody("too large for a draft")
        if values := of_schema(self._document, schema, place):
            return values[0]
        if isinstance(schema.get("properties"), Mapping):
            return self._of_properties(schema, place, path, depth)
        if schema.get("type") == "array" and "items" in schema:
            return [self._of_schema(schema["items"], (*place, "items"), path, depth + 1)]
        return self._of_parts(schema, place, path, depth)

    def _of_properties(self, schema: Table, place: Place, path: str, depth: int) -> dict[str, Any]:
        """The values of the required fields; a user and a password come from the environment."""
        required = schema.get("required")
        names = [name for name in schema["properties"] if isinstance(required, list) and name in required]
        is_sign_in = any(map(is_password, map(str, names)))
        return {
            name: self._variables.variable(name, f"the field {name} of a body")
            if _is_plain(schema["properties"][name]) and (has_secret_name(name) or (is_sign_in and is_user(name)))
            else self._of_property(schema, name, place, path, depth)
            for name in names
            if isinstance(name, str)
        }

    def _of_property(self, schema: Table, name: str, place: Place, path: str, depth: int) -> Any:
        at, inner = (*place, "properties", name), f"{path}.{name}" if path else name
        return self._of_schema(schema["properties"][name], at, inner, depth + 1)

    def _of_parts(self, schema: Table, place: Place, path: str, depth: int) -> Any:
        """The value of all parts together, or of the first of alternatives."""
        for key in PARTS:
            parts = list(self._document.tables(schema, key, place))
            made = [self._of_schema(part, at, path, depth + 1) for part, at in (parts if key == "allOf" else parts[:1])]
            if tables := [value for value in made if isinstance(value, Mapping)]:
                return {name: value for table in tables for name, value in table.items()}
            if made:
                return made[0]
        self.missing.append(path)
        return None
