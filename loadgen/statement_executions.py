"""Executions of statements in a run, with the values that the load sent: read from what the application recorded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor

HIDDEN = "***"
MAX_VALUE_CHARACTERS = 100


@dataclass(frozen=True)
class Execution:
    """One execution of a statement: its text with placeholders `%(name)s`, and its values by name.

    `public` are the names whose values may be shown. The others may be secrets: a record has none of them.
    """

    statement: str
    values: Mapping[str, Any]
    public: frozenset[str]
    took_ns: int

    def sql(self, cursor: Cursor) -> str:
        """The statement with its values, as psycopg2 sends it. Raises KeyError or TypeError where they do not fit."""
        return cursor.mogrify(self.statement, dict(self.values)).decode()

    def with_values(self, shown: Mapping[str, str]) -> "Execution":
        """The same statement with the public values of another execution, as its record shows them."""
        values = {
            name: _like(value, shown[name]) if name in self.public & shown.keys() else value
            for name, value in self.values.items()
        }
        return replace(self, values=values)

    def shown_values(self) -> dict[str, str]:
        """The values as a record has them."""
        return {name: self._shown(name, value) for name, value in self.values.items()}

    def _shown(self, name: str, value: object) -> str:
        return str(value)[:MAX_VALUE_CHARACTERS] if name in self.public else HIDDEN


def _like(value: Any, shown: str) -> Any:
    """The shown value in the type of this one; this one where it has another type, or the shown one may be cut off."""
    if not isinstance(value, str | int | float) or len(shown) >= MAX_VALUE_CHARACTERS:
        return value
    try:
        return type(value)(shown)
    except ValueError:
        return value


def slowest(path: Path) -> list[Execution]:
    """The slowest execution of each statement in a file of `instrumentation.statement_samples`.

    None where there is no file. A line that is cut off, or is none of these, is left out.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    executions = sorted(filter(None, map(_execution, lines)), key=lambda execution: execution.took_ns)
    return list({execution.statement: execution for execution in executions}.values())


def _execution(line: bytes) -> Execution | None:
    try:
        match json.loads(line):
            case {"statement": str(text), "values": dict(values), "public": list(public), "took_ns": int(took_ns)}:
                read = {name: _value(value) for name, value in values.items()}
                return Execution(text, read, frozenset(map(str, public)), took_ns)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return None


def _value(value: Any) -> Any:
    """A value as the application sent it; bytes stand in hexadecimal digits."""
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value
