"""The variables of the environment that a draft has in the place of secrets."""

import re
from collections import Counter

from .draft_request import Variable

PREFIX = "APP_"
MAX_CHARACTERS = 40  # of a name


class SecretVariables:
    """Gives each secret a variable: `APP_` and its name, with a number where one name has several values."""

    def __init__(self) -> None:
        self._variables: dict[tuple[str, str], Variable] = {}
        self._names: set[str] = set()
        self._numbers: Counter[str] = Counter()

    def variable(self, name: str, purpose: str, value: str = "") -> Variable:
        """The variable of a secret; the same one for the same name and value. No value is in the result."""
        stem = PREFIX + (re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")[:MAX_CHARACTERS] or "VALUE")
        if (stem, value) not in self._variables:
            self._variables[stem, value] = Variable(self._free_name(stem), purpose)
        return self._variables[stem, value]

    def _free_name(self, stem: str) -> str:
        name = ""
        while not name or name in self._names:
            self._numbers[stem] += 1
            name = stem if self._numbers[stem] == 1 else f"{stem}_{self._numbers[stem]}"
        self._names.add(name)
        return name
