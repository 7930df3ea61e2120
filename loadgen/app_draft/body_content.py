"""The content of a body as a draft has it: values of JSON, and variables in the place of what may be secret."""

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from .draft_request import Variable
from .secret_names import secret_by_others
from .secret_values import is_secret, looks_secret
from .secret_variables import SecretVariables

MAX_DEPTH, MAX_VALUES, MAX_CHARACTERS = 12, 500, 20_000  # of a body; a larger one is no example


class UnusableBody(ValueError):
    """A body that no draft can have; the message says what it is."""


def without_secrets(content: Any, variables: SecretVariables) -> Any:
    """The content with variables in the place of secrets. Raises `UnusableBody`."""
    return _Copy(variables).of(content, "", 0)


class _Copy:
    """A copy of a content, of bounded size: a document of YAML may have one value in many places."""

    def __init__(self, variables: SecretVariables):
        self._variables = variables
        self._values = self._characters = 0

    def of(self, value: Any, name: str, depth: int, *, is_hidden: bool = False) -> Any:
        """The copy of a value under a name; with `is_hidden` it is a secret, whatever it is called."""
        self._values += 1
        if depth > MAX_DEPTH or self._values > MAX_VALUES or self._characters > MAX_CHARACTERS:
            raise UnusableBody("too large for a draft")
        if isinstance(value, Mapping):
            hidden = secret_by_others({str(key): entry for key, entry in value.items()})
            return {
                self._key(str(key)): self.of(entry, str(key), depth + 1, is_hidden=str(key) in hidden)
                for key, entry in value.items()
            }
        if isinstance(value, list):
            return [self.of(entry, name, depth + 1, is_hidden=is_hidden) for entry in value]
        if isinstance(value, bool | Variable | None):
            return value
        return self._scalar(value.isoformat() if isinstance(value, date) else value, name, is_hidden)

    def _scalar(self, value: Any, name: str, is_hidden: bool) -> Any:
        if not isinstance(value, str | int | float) or (isinstance(value, float) and not math.isfinite(value)):
            raise UnusableBody("of values that JSON does not have")
        text = str(value)
        self._characters += len(text)
        if is_hidden or is_secret(name, text):
            return self._variables.variable(name, f"the field {name} of a body" if name else "a body", text)
        return _encodable(value) if isinstance(value, str) else value

    def _key(self, key: str) -> str:
        self._characters += len(key)
        if looks_secret(key):
            raise UnusableBody("with a name that may be a secret")
        return _encodable(key)


def _encodable(text: str) -> str:
    """The text in UTF-8, which lone surrogates are not."""
    return text.encode(errors="replace").decode()
