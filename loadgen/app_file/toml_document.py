"""A `workbench.toml` as it is read: its content, checked against the schema, and errors with the line of their key."""

import re
import tomllib
from ast import literal_eval
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench import nearest_name
from workbench.errors import UsageError
from workbench.redaction import redacted
from workbench.text_cleaning import Target, cleaned

from . import toml_lines
from .app_schema import SCHEMA
from .schema_pieces import NAME, POINTER, URL_PATH

PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")  # in the messages of the parser
MAX_BYTES = 256 * 1024  # of a file that a person writes
NAMED = ("arms", "scenarios", "success", "profiles")  # tables of tables
MAX_SHOWN = 60  # characters of a value in a message
TYPES = {
    "string": "a text", "number": "a number", "integer": "a whole number", "boolean": "true or false",
    "object": "a table", "array": "a list",
}  # fmt: skip
BOUNDS = {
    "minimum": "at least {}", "maximum": "at most {}", "exclusiveMinimum": "above {}", "minItems": "at least {} long",
    "maxItems": "at most {} long", "minLength": "not empty", "maxLength": "at most {} characters long",
    "minProperties": "not empty", "maxProperties": "at most {} long",
}  # fmt: skip
PATTERNS = {
    NAME: "begin with a letter or digit, and have up to 40 letters (a to z, A to Z), digits, dots, dashes, underscores",
    URL_PATH: "begin with /",
    POINTER: "begin with /, or be empty",
}
# What the parser says of keys, which it shows as Python does, and what is said here.
_KEYS = re.compile(r"(Cannot declare|Cannot mutate immutable namespace|Cannot redefine namespace) (\(.*?\))(?: twice)?")
KEY_PROBLEMS = {
    "Cannot declare": "{} is declared twice; give one of the two another name, or put their keys together",
    "Cannot mutate immutable namespace": "{} is complete where it is declared; put all of its keys there",
    "Cannot redefine namespace": "{} has a value already; leave one of the two out",
}


@dataclass(frozen=True)
class TomlDocument:
    """The file, its text, and its content, which fits the schema."""

    path: Path
    text: str
    content: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> "TomlDocument":
        """Read a file. Raises `UsageError` with file, line and remedy for one that does not fit the schema."""
        text = _text(path)
        try:
            content = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            place = PLACE.search(str(error))
            line = int(place[1]) if place and place[1] else max(1, len(text.splitlines()))  # at the end of the document
            raise UsageError(f"{path}, line {line}: {_syntax_problem(PLACE.sub('', str(error)))}") from None
        except RecursionError:
            raise UsageError(f"{path} is no TOML that can be read: it nests too deeply") from None
        document = cls(path, text, content)
        document._check()
        return document

    def error(self, place: Sequence[str | int], problem: str) -> UsageError:
        """The error for a place of the file, which is its keys from the top."""
        return UsageError(f"{self.path}, line {toml_lines.line_of(self.text, place)}: {problem}")

    def _check(self) -> None:
        from jsonschema import Draft202012Validator  # it takes as long to import as all else here

        errors = sorted(
            Draft202012Validator(SCHEMA).iter_errors(self.content), key=lambda each: list(map(str, each.path))
        )
        if errors:
            raise self._schema_error(errors[0])

    def _schema_error(self, error: Any) -> UsageError:
        place, value = [*error.absolute_path], error.instance
        match error.validator:
            case "additionalProperties":
                known = error.schema["properties"]
                key = next(key for key in value if key not in known)
                return self.error(
                    [*place, key], f"there is no key {_shown(key)} in {_name(place)}; {nearest_name.hint(key, known)}"
                )
            case "required":
                key = next(key for key in error.validator_value if key not in value)
                tables = error.schema if "properties" in error.schema else SCHEMA
                return self.error(place, f"{_name(place)} lacks the key {key}: {_description(tables, key)}")
            case "pattern" if "propertyNames" in error.absolute_schema_path:
                return self.error([*place, value], f"{_shown(value)} cannot be a name in {_name(place)}; it has to "
                                  f"{PATTERNS[error.validator_value]}")  # fmt: skip
            case "pattern" if error.validator_value in PATTERNS:
                wanted = PATTERNS[error.validator_value]
                return self.error(place, f"{_name(place)} is {_shown(value)}, and has to {wanted}")
            case "type":
                types = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
                return self.error(place, f"{_name(place)} is {_shown(value)}, and has to be "
                                  f"{' or '.join(TYPES[each] for each in types)}{_example(error)}")  # fmt: skip
            case "enum":
                return self.error(place, f"{_name(place)} is {_shown(value)}; choose one of "
                                  f"{', '.join(map(str, error.validator_value))}")  # fmt: skip
            case bound if bound in BOUNDS:
                wanted = BOUNDS[bound].format(error.validator_value)
                return self.error(place, f"{_name(place)} is {_shown(value)}, and has to be {wanted}{_example(error)}")
        return self.error(place, f"{_name(place)} is {_shown(value)}, which is not its form: "
                          f"{error.schema.get('description', error.validator)}")  # fmt: skip


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}; name the workbench.toml of your "
                         "application") from None  # fmt: skip
    if len(content) > MAX_BYTES:
        raise UsageError(f"{path} is larger than {MAX_BYTES // 1024} KiB; it is no file that declares an application")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8: byte {error.start} cannot be read") from None


def _name(place: Sequence[str | int]) -> str:
    """`the file`, `[arms.old]`, `users` in `[scenarios.burst]`, `[[objectives]] 2`."""
    if not place:
        return "the file"
    if place[0] == "objectives" and len(place) > 1:
        entry = f"[[objectives]] {int(place[1]) + 1}"
        return entry if len(place) == 2 else f"{place[2]} in {entry}"
    depth = 2 if place[0] in NAMED else 1
    table, rest = place[:depth], place[depth:]
    if depth == 1 and not rest and place[0] not in (*NAMED, "users"):
        return str(place[0])
    named = f"[{'.'.join(_shown_key(key) for key in table)}]"
    return f"{'.'.join(map(str, rest))} in {named}" if rest else named


def _shown_key(key: str | int) -> str:
    text = str(key)
    return text if text.replace("-", "").replace("_", "").isalnum() else f'"{text}"'


def _description(schema: dict[str, Any], key: str) -> str:
    text = schema["properties"][key].get("description", "")
    return text[:1].lower() + text[1:].rstrip(".")


def _syntax_problem(message: str) -> str:
    """What the parser says of a file, with keys as they stand in it."""
    if message == "Cannot overwrite a value":
        return "this key has a value already; leave one of the two out"
    if not (match := _KEYS.fullmatch(message)):
        return f"this is no TOML: {message}"
    return KEY_PROBLEMS[match[1]].format(f"[{'.'.join(map(_shown_key, literal_eval(match[2])))}]")


def _example(error: Any) -> str:
    """An example of a list: that of the schema, or the given value as the only one."""
    if error.schema.get("type") != "array":
        return ""
    if examples := error.schema.get("examples"):
        return f", such as {_toml(examples[0])}"
    is_alone = isinstance(error.instance, str | int | float) and error.schema.get("minItems", 0) <= 1
    return f": {_shown([error.instance])}" if is_alone else ""


def _shown(value: Any) -> str:
    return cleaned(redacted(_toml(value)), Target.LINE, MAX_SHOWN)


def _toml(value: Any) -> str:
    """A value as TOML has it; of a text its characters as they are."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {_toml(entry)}' for key, entry in value.items())}}}"
    return str(value)
