"""Values as Python source: whatever a text has in it, its literal is one expression on one line."""

import math
import re
from collections.abc import Mapping
from typing import Any

from .draft_request import Text, Variable

MAX_CHARACTERS = 60  # of a name


def literal(text: str) -> str:
    """A text as a literal in double quotes, of printable characters alone."""
    return f'"{escaped(text)}"'


def escaped(text: str) -> str:
    """A text as it stands between double quotes, one or three of them."""
    return "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def name(text: str) -> str:
    """A name of letters, digits and underscores that resembles a text; the caller puts a letter before it."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:MAX_CHARACTERS].strip("_")


class Expressions:
    """Writes expressions; variables are names of the module, or `inline` the environment's."""

    def __init__(self, *, inline: bool = False):
        self._inline = inline

    def variable(self, variable: Variable) -> str:
        """The value of a variable of the environment."""
        return f'os.environ["{variable.name}"]' if self._inline else variable.name

    def url(self, text: Text) -> str:
        """An address, in which values of variables are percent-encoded."""
        return self._joined(text, 'quote({}, safe="")')

    def text(self, text: Text) -> str:
        """A text in parts."""
        return self._joined(text, "{}")

    def value(self, value: Any) -> str:
        """A value of JSON with variables in it."""
        if isinstance(value, Variable):
            return self.variable(value)
        if isinstance(value, str):
            return literal(value)
        if isinstance(value, Mapping):
            return f"{{{', '.join(f'{literal(key)}: {self.value(entry)}' for key, entry in value.items())}}}"
        if isinstance(value, list):
            return f"[{', '.join(map(self.value, value))}]"
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{value} is no value of JSON")
        assert value is None or isinstance(value, bool | int | float)
        return repr(value)

    def headers(self, headers: tuple[tuple[str, Text], ...]) -> str:
        """The headers as a dictionary."""
        return f"{{{', '.join(f'{literal(key)}: {self.text(text)}' for key, text in headers)}}}"

    def _joined(self, text: Text, form: str) -> str:
        parts = [literal(part) if isinstance(part, str) else form.format(self.variable(part)) for part in text]
        return " + ".join(parts) or '""'
