"""The plans of the statements that took most of the database's time, asked for after the load.

`EXPLAIN (GENERIC_PLAN)` plans a statement for any values of its parameters and executes nothing. Those with a share of
`MIN_SHARE` of the database's time are executed too, see `plan_execution`, once for a deployment of an experiment. What
the server cannot plan costs that plan, and never the run.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection

from instrumentation import deadlines
from workbench import atomic
from workbench.errors import UserError
from workbench.redaction import redacted_values
from workbench.statement_plans import DEPTH, FILE, KEY, MIN_SHARE

from . import plan_execution
from .collectors.database_reader import TopStatement
from .earlier_plans import EarlierPlans
from .plan_execution import PlanExecutor
from .plan_redaction import PlanRedaction
from .services import DatabaseServer
from .statement_executions import Execution
from .statement_matching import MatchedExecutions

MAX_STATEMENT_MS, MAX_S = 200, 1.0  # to plan one statement, and all of them
MAX_EXECUTING_S = 20.0  # for all that are executed
MAX_TEXT_CHARACTERS = 2_000
MAX_PLAN_BYTES = 64 * 1024
SETTINGS = f"SET statement_timeout = {MAX_STATEMENT_MS}; SET default_transaction_read_only = on"
PLANNED = ("select", "insert", "update", "delete", "merge", "with", "values", "table", "(")
NO_VALUES, NO_TIME = "no values of its parameters were recorded", "no time was left for it"
_UNUSED = ("Blocks", "Time")  # the ends of properties that are 0 where a node did nothing of the kind

NONE = EarlierPlans()


def record_plans(
    server: DatabaseServer,
    database: str,
    statements: Sequence[TopStatement],
    directory: Path,
    executions: Sequence[Execution] = (),
    earlier: EarlierPlans = NONE,
) -> None:
    """Leave the plans of these statements in the directory of a run.

    `executions` have the values that the load sent, `earlier` is what needs no execution any more. Nothing is written
    without a statement, and of a server that the workbench did not start.
    """
    if not statements or not server.application_role:
        return
    try:
        with deadlines.Deadline(MAX_S), closing(server.connect(database)) as connection:
            entries = list(_explained(connection, statements))
    except (psycopg2.Error, UserError):
        return
    wanted = list(_wanted(statements, entries, earlier))
    if wanted:
        with (
            suppress(psycopg2.Error, UserError),
            deadlines.Deadline(MAX_EXECUTING_S),
            plan_execution.executor(server, database) as executor,
        ):
            _execute(executor, wanted, executions, earlier)
    atomic.write_text(directory / FILE, json.dumps(redacted_values({KEY: entries}), indent=1) + "\n")


def _explained(connection: Connection, statements: Sequence[TopStatement]) -> Iterator[dict[str, Any]]:
    """Yield what `plans.json` says of each statement."""
    with connection.cursor() as cursor:
        cursor.execute(SETTINGS)
    for each in statements:
        nodes, failure = _generic_plan(connection, each.text)
        text = " ".join(each.text.split())[:MAX_TEXT_CHARACTERS]
        counted = {"statement": text, "calls": each.calls, "total_ms": each.total_ms, "share": each.share}
        yield counted | {"nodes": nodes, "failure": failure}


def _generic_plan(connection: Connection, statement: str) -> tuple[list[dict[str, Any]], str]:
    """The nodes of a statement's plan, and why there are none."""
    if not statement.lower().startswith(PLANNED):
        return [], f"PostgreSQL makes no plan for {_first_word(statement)}"
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {statement}")
            (((explained,),),) = cursor.fetchall()
    except psycopg2.Error as error:
        return [], (str(error).strip() or type(error).__name__).splitlines()[0]
    return _bounded(list(_nodes(explained["Plan"], 0)))


def _first_word(statement: str) -> str:
    """The command of a statement, in capitals."""
    word = re.match(r"\w+", statement)
    return word[0].upper() if word else "an empty text"


def _bounded(nodes: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """The nodes, or the reason why a record does not have them."""
    if len(json.dumps(nodes)) > MAX_PLAN_BYTES:
        return [], f"its plan has more than {MAX_PLAN_BYTES // 1024} KiB"
    return nodes, ""


def _nodes(plan: Mapping[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    """Yield a node and all below it, in the order of the tree."""
    used = {name: value for name, value in plan.items() if not _unused(name, value)}
    below = used.pop("Plans", ())
    yield {DEPTH: depth, **used}
    for each in below:
        yield from _nodes(each, depth + 1)


def _unused(name: str, value: Any) -> bool:
    return value is False or (value == 0 and name.endswith(_UNUSED) and not name.startswith("Actual"))


def _wanted(
    statements: Sequence[TopStatement], entries: Sequence[dict[str, Any]], earlier: EarlierPlans
) -> Iterator[tuple[TopStatement, dict[str, Any]]]:
    """Yield each statement to execute with its entry; note in the others what was executed before."""
    for each, entry in zip(statements, entries, strict=True):
        if entry["failure"] or not (each.share >= MIN_SHARE or entry["statement"] in earlier.values):
            continue
        if run := earlier.runs.get(entry["statement"]):
            entry["executed_in"] = run
        else:
            entry["not_executed"] = NO_TIME
            yield each, entry


def _execute(
    executor: PlanExecutor,
    wanted: Sequence[tuple[TopStatement, dict[str, Any]]],
    executions: Sequence[Execution],
    earlier: EarlierPlans,
) -> None:
    """Put executed plans in the place of generic ones, or the reason why there are none.

    A statement that was executed for another deployment has the same values, as far as these are shown.
    """
    matched = MatchedExecutions(executor, executions)
    for statement, entry in wanted:
        if (execution := matched.find(statement)) is None:
            entry["not_executed"] = NO_VALUES
            continue
        execution = execution.with_values(earlier.values.get(entry["statement"], {}))
        entry["not_executed"] = _put_plan(executor, entry, execution)


def _put_plan(executor: PlanExecutor, entry: dict[str, Any], execution: Execution) -> str:
    """Execute a statement for the plan of its entry; returns why there is none."""
    executed, redaction = executor.execute(execution), PlanRedaction(execution)
    if executed.plan is None:
        return redaction.message(executed.failure)
    nodes, failure = _bounded([redaction.node(node) for node in _nodes(executed.plan, 0)])
    if not failure:
        entry |= {"nodes": nodes, "execution_ms": executed.execution_ms, "values": execution.shown_values()}
    return failure
