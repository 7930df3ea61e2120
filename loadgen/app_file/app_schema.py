"""The JSON Schema of `workbench.toml`: what editors complete and check, and what the reader checks first.

`python -m loadgen.app_file.app_schema` writes it to `docs/workbench.schema.json`.
"""

import json
from typing import Any

from workbench import atomic
from workbench.paths import REPOSITORY

PATH = REPOSITORY / "docs" / "workbench.schema.json"
MAX_BLOCKS, MIN_BLOCKS, BLOCKS = 200, 4, 8
MAX_ARMS, MAX_SCENARIOS = 100, 20
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$"
LOADS = ("single", "burst", "closed", "open", "steps", "ramp", "shape", "capacity")

Schema = dict[str, Any]


def _text(description: str, **more: Any) -> Schema:
    return {"type": "string", "minLength": 1, "description": description, **more}


def _number(description: str, **more: Any) -> Schema:
    return {"type": "number", "description": description, **more}


def _count(description: str, most: int, least: int = 1) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most, "description": description}


def _list(description: str, items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, "description": description, **more}


def _table(description: str, properties: Schema, **more: Any) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "additionalProperties": False,
    } | more


def _named(description: str, content: Schema, most: int) -> Schema:
    return {
        "type": "object", "description": description, "propertyNames": {"pattern": NAME}, "minProperties": 1,
        "maxProperties": most, "additionalProperties": content,
    }  # fmt: skip


SECONDS = {"exclusiveMinimum": 0, "maximum": 86_400}
RATE = {"exclusiveMinimum": 0, "maximum": 20_000}
ARM = _table(
    "What is put under load: a command that serves, or the address of an application that is running.",
    {
        "command": _text("The command that serves the application on $HOST and $PORT; no shell reads it. $PYTHON is "
                         "the workbench's own interpreter."),
        "folder": _text("The folder of the command; that of this file if left out."),
        "environment": {
            "type": "object", "description": "Variables of the command.",
            "additionalProperties": {"type": ["string", "number", "boolean"]},
        },
        "database": {"enum": ["postgresql"], "description": "An empty database of a PostgreSQL that the workbench "
                     "starts, made for each run; its URL is in $DATABASE_URL."},
        "commit": _text("The command runs in a copy of this commit of the folder's git repository."),
        "url": _text("The address of an application that is running already.", pattern=r"^https?://"),
        "deployment": _text("A deployment of TraceTrack by its name, see python -m loadgen list."),
        "ready": _text("The path that answers with 2xx or 3xx once the application is ready.", pattern="^/"),
        "ready_within_s": _number("Seconds until then; 30 if left out.", **SECONDS),
        "reset": _text("A command that runs before each run, such as one that fills the database anew."),
        "reset_within_s": _number("Seconds that it may take; 300 if left out.", **SECONDS),
    },
)  # fmt: skip
SCENARIO = _table(
    "What the users do and how they arrive.",
    {
        "load": {
            "enum": list(LOADS),
            "description": "single: one user; burst: all users at once; closed: users with think time; open: requests "
            "are due whatever the responses; steps, ramp: open with a rate that changes; shape: the LoadTestShape of "
            "the locustfile; capacity: load after load until it is known how much is sustained.",
        },
        "description": _text("One sentence for the report."),
        "locustfile": _text("The user classes; those of [users] if left out."),
        "users": _count("Users; of open load the largest number of requests in flight.", 5_000),
        "passes": _count("Tasks of each user, of single and burst.", 100_000),
        "warmup_passes": _count("Tasks before them that are marked as warm-up.", 1_000, 0),
        "think_s": _list("Shortest and longest think time, of users whose class has no wait_time.",
                         {"type": "number", "minimum": 0, "maximum": 3_600}, minItems=2, maxItems=2),
        "rate_rps": _number("Tasks that are due each second, of open.", **RATE),
        "rates_rps": _list("The rates of steps, one after the other.", {"type": "number", **RATE}, minItems=1,
                           maxItems=100),
        "step_s": _number("Seconds of each step; 10 if left out.", **SECONDS),
        "from_rps": _number("The rate at which a ramp begins.", **RATE),
        "to_rps": _number("The rate at which a ramp ends.", **RATE),
        "arrivals": {"enum": ["poisson", "constant"], "description": "How tasks of open load arrive; poisson if left "
                     "out."},
        "warmup_s": _number("Seconds before the measured time; 5 if left out, of bursts 0.", minimum=0, maximum=86_400),
        "duration_s": _number("Measured seconds; 30 if left out.", **SECONDS),
        "of": {"enum": ["requests", "users"], "description": "What capacity is counted in: requests a second, or users "
               "with think time."},
        "first": _count("The load that a search for capacity begins with.", 20_000),
        "most": _count("The largest load that it tries.", 20_000),
        "p95_ms": _number("The bound on p95 of every endpoint for a load that counts as sustained; 300 if left out.",
                          exclusiveMinimum=0, maximum=600_000),
        "blocks": _count("Blocks of this scenario, or of a capacity search; those of the file if left out.",
                         MAX_BLOCKS),
    },
    required=["load"],
)  # fmt: skip
SUCCESS = _table(
    "What counts as a success, beside what the locustfile itself says.",
    {
        "status": _list("Status codes that are a success, and no others.",
                        {"type": "integer", "minimum": 100, "maximum": 599}, minItems=1, maxItems=20),
        "content_type": _text("The media type of the response, such as application/json."),
        "contains": _text("A text that the body has to contain."),
        "without": _text("A text that the body must not contain."),
        "json": {"type": "object", "description": "JSON Pointers (RFC 6901) and the values that stand there.",
                 "propertyNames": {"pattern": "^(/.*)?$"}},
    },
    minProperties=1,
)  # fmt: skip
OBJECTIVE = _table(
    "A bound that an arm has to meet; make gate fails where it does not.",
    {
        "id": _text("Its name; made of its other keys if left out.", pattern=NAME),
        "metric": _text("What is bounded, see the comments of objectives.toml."),
        "arm": _text("The arm that has to meet it."),
        "against": _text("Of a speedup: the arm that it is over."),
        "scenario": _text("The scenario in which it is measured."),
        "endpoint": _text("The endpoint, as GET /posts."),
        "at_least": _number("The smallest value that meets it."),
        "at_most": _number("The largest value that meets it."),
        "below": _number("Values below it meet it."),
        "aim": _number("A better value that it should come to; it decides nothing."),
    },
    required=["metric", "arm", "scenario"],
)
USERS = _table(
    "Who sends the requests of every scenario.",
    {
        "locustfile": _text("The locustfile with the user classes."),
        "tags": _list("Only tasks with one of these tags.", _text("A tag.")),
        "without_tags": _list("No tasks with these tags.", _text("A tag.")),
        "ca": _text("The certificate authority's file that certificates are checked by."),
        "insecure": {"type": "boolean", "description": "Do not check certificates."},
    },
)
SCHEMA: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "workbench.toml",
    **_table(
        "An application, what of it is put under which load, and what it has to meet.",
        {
            "name": _text("The name of the application, as the report has it.", maxLength=60),
            "baseline": _text("The arm that the others are compared with; the first one if left out."),
            "blocks": _count("Passes over all arms; fewer than 4 give no interval. 8 if left out.", MAX_BLOCKS),
            "users": USERS,
            "arms": _named("What is put under load, by name.", ARM, MAX_ARMS),
            "scenarios": _named("The loads, by name.", SCENARIO, MAX_SCENARIOS),
            "success": {"type": "object", "description": "What counts as a success, by endpoint (GET /posts) or * for "
                        "all.", "additionalProperties": SUCCESS},
            "objectives": _list("What the arms have to meet.", OBJECTIVE, maxItems=200),
        },
        required=["name", "arms", "scenarios"],
    ),
}  # fmt: skip


def text() -> str:
    """The content of docs/workbench.schema.json."""
    return json.dumps(SCHEMA, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    atomic.write_text(PATH, text())
    print(PATH)
