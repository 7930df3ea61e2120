"""Which recorded execution belongs to which statement of the server's statistics.

The server numbers a statement with its values as it does one with other values. A driver that sends values apart from
the text gets other numbers: its statements are matched by their texts, in which any value or placeholder is the same.
"""

import re
from collections.abc import Sequence

from .collectors.database_reader import TopStatement
from .plan_execution import PlanExecutor
from .statement_executions import Execution

# A placeholder of the driver or of the server, with its type if it has one; a text in quotes; a number.
_VALUE = re.compile(r"(?:%\(\w+\)s|\$\d+)(?:::\w+)?|'(?:[^']|'')*'|(?<![\w.])\d+(?:\.\d+)?(?![\w.])")


class MatchedExecutions:
    """The executions of a run, to be found by their statement."""

    def __init__(self, executor: PlanExecutor, executions: Sequence[Execution]):
        self._by_number = {executor.query_id(execution): execution for execution in executions}
        self._by_text = {normal_text(execution.statement.replace("%%", "%")): execution for execution in executions}

    def find(self, statement: TopStatement) -> Execution | None:
        """The execution of a statement; None where none was recorded."""
        by_number = self._by_number.get(statement.query_id) if statement.query_id is not None else None
        return by_number or self._by_text.get(normal_text(statement.text))


def normal_text(statement: str) -> str:
    """A statement on one line, with `?` in the place of each value."""
    return " ".join(_VALUE.sub("?", statement).split())
