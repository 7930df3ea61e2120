"""Removing values from plans: a plan shows the values that it was made with, and those of people must not be stored.

A text of a plan keeps what its statement has, and values that are public. Any other text in quotes is hidden, as the
planner makes new values of others: `name LIKE 'abc%'` becomes `name >= 'abc' AND name < 'abd'`.
"""

import re
from collections.abc import Mapping
from typing import Any

from .statement_executions import HIDDEN, Execution

# A text in quotes, of which E'…' has its backslashes doubled, or a number; `SubPlan 1` has a number of its own.
_VALUE = re.compile(r"(?P<escaped>\bE)?'(?P<text>(?:[^']|'')*)'|(?<!Plan )(?<![\w.$])-?\d+(?:\.\d+)?(?![\w.])")


class PlanRedaction:
    """Hides the values of one execution in the nodes of its plan."""

    def __init__(self, execution: Execution):
        self._statement = execution.statement.replace("%%", "%")
        public = [str(value) for name, value in execution.values.items() if name in execution.public]
        self._public = set(public)
        self._names = {_plain(value): name for name, value in execution.values.items() if name not in execution.public}

    def node(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """A node with what may be shown of its texts."""
        return {name: self._shown(value) for name, value in node.items()}

    def text(self, text: str) -> str:
        """What may be shown of a text: a hidden value is named by its parameter, `:name`, or is `***`."""
        return _VALUE.sub(self._replaced, text)

    def message(self, text: str) -> str:
        """What may be shown of an error, which may have a value without quotes."""
        for value in sorted(filter(None, self._names), key=len, reverse=True):
            text = text.replace(value, HIDDEN)
        return text

    def _shown(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        return [self._shown(each) for each in value] if isinstance(value, list) else value

    def _replaced(self, match: re.Match[str]) -> str:
        if match["text"] is None:
            return self._number(match[0])
        text = match["text"].replace("''", "'")
        text = text.replace("\\\\", "\\") if match["escaped"] else text
        if set(text.strip("{}").split(",")) <= self._public or text in self._public:
            return match[0]
        if text in self._names:
            return f":{self._names[text]}"
        return match[0] if f"'{match['text']}'" in self._statement else f"'{HIDDEN}'"

    def _number(self, number: str) -> str:
        if number in self._public or number not in self._names:
            return number
        return f":{self._names[number]}"


def _plain(value: object) -> str:
    """A value as PostgreSQL writes it."""
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
