"""The plans of the statements that took most of the database's time, asked for after the load.

`EXPLAIN (GENERIC_PLAN)` plans a statement for any values of its parameters and executes nothing. What the server cannot
plan costs that plan, and never the run.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection

from instrumentation import deadlines
from workbench import atomic
from workbench.errors import UserError
from workbench.statement_plans import DEPTH, FILE, KEY

from .collectors.database_reader import TopStatement
from .services import DatabaseServer

MAX_STATEMENT_MS, MAX_S = 200, 1.0  # to plan one statement, and all of them
MAX_TEXT_CHARACTERS = 2_000
MAX_PLAN_BYTES = 64 * 1024
SETTINGS = f"SET statement_timeout = {MAX_STATEMENT_MS}; SET default_transaction_read_only = on"


def record_plans(server: DatabaseServer, database: str, statements: Sequence[TopStatement], directory: Path) -> None:
    """Leave the plans of these statements in the directory of a run.

    Nothing is written without a statement, and of a server that the workbench did not start.
    """
    if not statements or not server.application_role:
        return
    try:
        with deadlines.Deadline(MAX_S), closing(server.connect(database)) as connection:
            entries = list(_explained(connection, statements))
    except (psycopg2.Error, UserError):
        return
    atomic.write_text(directory / FILE, json.dumps({KEY: entries}, indent=1) + "\n")


def _explained(connection: Connection, statements: Sequence[TopStatement]) -> Iterator[dict[str, Any]]:
    """Yield what `plans.json` says of each statement."""
    with connection.cursor() as cursor:
        cursor.execute(SETTINGS)
    for each in statements:
        nodes, failure = _plan(connection, each.text)
        text = " ".join(each.text.split())[:MAX_TEXT_CHARACTERS]
        yield {"statement": text, "calls": each.calls, "total_ms": each.total_ms, "nodes": nodes, "failure": failure}


def _plan(connection: Connection, statement: str) -> tuple[list[dict[str, Any]], str]:
    """The nodes of a statement's plan, and why there are none."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {statement}")
            (((explained,),),) = cursor.fetchall()
    except psycopg2.Error as error:
        return [], (str(error).strip() or type(error).__name__).splitlines()[0]
    nodes = list(_nodes(explained["Plan"], 0))
    if len(json.dumps(nodes)) > MAX_PLAN_BYTES:
        return [], f"its plan has more than {MAX_PLAN_BYTES // 1024} KiB"
    return nodes, ""


def _nodes(plan: Mapping[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    """Yield a node and all below it, in the order of the tree."""
    yield {DEPTH: depth, **{name: value for name, value in plan.items() if name != "Plans"}}
    for below in plan.get("Plans", ()):
        yield from _nodes(below, depth + 1)
