"""The JSON Schema of `workbench.toml`: what editors complete and check, and what the reader checks first.

`python -m loadgen.app_file.app_schema` writes it to `docs/workbench.schema.json`.
"""

import json

from workbench import atomic
from workbench.paths import REPOSITORY
from workbench.server_kinds import SERVER_KINDS

from .profile_schema import GROUPS, PROFILE
from .schema_pieces import (
    MAX_BLOCKS,
    NAME,
    POINTER,
    SECONDS,
    URL_PATH,
    Schema,
    count,
    items,
    named,
    number,
    table,
    text,
)

PATH = REPOSITORY / "docs" / "workbench.schema.json"
MAX_ARMS, MAX_SCENARIOS, MAX_PROFILES = 100, 20, 20
LOADS = ("single", "burst", "closed", "open", "steps", "ramp", "shape", "capacity")
RATE = {"exclusiveMinimum": 0, "maximum": 20_000}
ARM = table(
    "What is put under load: a command that serves, or the address of an application that is running.",
    {
        "command": text("The command that serves the application on $HOST and $PORT; no shell reads it. $PYTHON is "
                         "the workbench's own interpreter."),
        "folder": text("The folder of the command; that of this file if left out."),
        "environment": {
            "type": "object", "description": "Variables of the command.",
            "additionalProperties": {"type": ["string", "number", "boolean"]},
        },
        "database": {"enum": ["postgresql"], "description": "An empty database of a PostgreSQL that the workbench "
                     "starts, made for each run; its URL is in $DATABASE_URL."},
        "commit": text("The command runs in a copy of this commit of the folder's git repository."),
        "url": text("The address of an application that is running already, beginning with http:// or https://.",
                    pattern=r"^https?://"),
        "deployment": text("A deployment of TraceTrack by its name, see python -m loadgen list."),
        "serving": table("How the application serves: with it a capacity is predicted from a run under a low load.", {
            "server": {"enum": list(SERVER_KINDS), "description": "What limits a worker: sync serves one request at a "
                       "time, gthread and granian one in each thread, gevent and uvicorn any number; gthread if left "
                       "out."},
            "workers": count("Processes that serve; 1 if left out.", 1_000),
            "threads": count("Threads of each; 1 if left out.", 1_000),
            "connections": count("Connections of each to the database; unlimited if left out.", 1_000),
        }),
        "ready": text("The path that answers with 2xx or 3xx once the application is ready.", pattern=URL_PATH),
        "ready_within_s": number("Seconds until then; 30 if left out.", **SECONDS),
        "reset": text("A command that runs before each run, such as one that fills the database anew."),
        "reset_within_s": number("Seconds that it may take; 300 if left out.", **SECONDS),
    },
)  # fmt: skip
SCENARIO = table(
    "What the users do and how they arrive.",
    {
        "load": {
            "enum": list(LOADS),
            "description": "single: one user; burst: all users at once; closed: users with think time; open: requests "
            "are due whatever the responses; steps, ramp: open with a rate that changes; shape: the LoadTestShape of "
            "the locustfile; capacity: load after load until it is known how much is sustained.",
        },
        "description": text("One sentence for the report."),
        "locustfile": text("The user classes; those of [users] if left out."),
        "users": count("Users; of open load the largest number of requests in flight.", 5_000),
        "passes": count("Tasks of each user, of single and burst.", 100_000),
        "warmup_passes": count("Tasks before them that are marked as warm-up.", 1_000, 0),
        "think_s": items("Shortest and longest think time, of users whose class has no wait_time.",
                         {"type": "number", "minimum": 0, "maximum": 3_600}, minItems=2, maxItems=2, examples=[[1, 3]]),
        "rate_rps": number("Tasks that are due each second, of open.", **RATE),
        "rates_rps": items("The rates of steps, one after the other.", {"type": "number", **RATE}, minItems=1,
                           maxItems=100, examples=[[10, 20]]),
        "step_s": number("Seconds of each step; 10 if left out.", **SECONDS),
        "from_rps": number("The rate at which a ramp begins.", **RATE),
        "to_rps": number("The rate at which a ramp ends.", **RATE),
        "arrivals": {"enum": ["poisson", "constant"], "description": "How tasks of open load arrive; poisson if left "
                     "out."},
        "warmup_s": number("Seconds before the measured time; 5 if left out, of bursts 0.", minimum=0, maximum=86_400),
        "duration_s": number("Measured seconds; 30 if left out.", **SECONDS),
        "of": {"enum": ["requests", "users"], "description": "What capacity is counted in: requests a second, or users "
               "with think time."},
        "first": count("The load that a search for capacity begins with.", 20_000),
        "most": count("The largest load that it tries.", 20_000),
        "p95_ms": number("The bound on p95 of every endpoint for a load that counts as sustained; 300 if left out.",
                          exclusiveMinimum=0, maximum=600_000),
        "blocks": count("Blocks of this scenario, or of a capacity search; those of the file if left out.",
                         MAX_BLOCKS),
    },
    required=["load"],
)  # fmt: skip
SUCCESS = table(
    "What counts as a success, beside what the locustfile itself says.",
    {
        "status": items("Status codes that are a success, and no others.",
                        {"type": "integer", "minimum": 100, "maximum": 599}, minItems=1, maxItems=20),
        "content_type": text("The media type of the response, such as application/json."),
        "contains": text("A text that the body has to contain."),
        "without": text("A text that the body must not contain."),
        "json": {"type": "object", "description": "JSON Pointers (RFC 6901) and the values that stand there.",
                 "propertyNames": {"pattern": POINTER}},
    },
    minProperties=1,
)  # fmt: skip
OBJECTIVE = table(
    "A bound that an arm has to meet; make gate fails where it does not.",
    {
        "id": text("Its name; made of its other keys if left out.", pattern=NAME),
        "metric": text("What is bounded, see the comments of objectives.toml."),
        "arm": text("The arm that has to meet it."),
        "against": text("Of a speedup: the arm that it is over."),
        "scenario": text("The scenario in which it is measured."),
        "endpoint": text("The endpoint, as GET /posts."),
        "at_least": number("The smallest value that meets it."),
        "at_most": number("The largest value that meets it."),
        "below": number("Values below it meet it."),
        "aim": number("A better value that it should come to; it decides nothing."),
    },
    required=["metric", "arm", "scenario"],
)
USERS = table(
    "Who sends the requests of every scenario.",
    {
        "locustfile": text("The locustfile with the user classes."),
        "tags": items("Only tasks with one of these tags.", text("A tag.")),
        "without_tags": items("No tasks with these tags.", text("A tag.")),
        "ca": text("The certificate authority's file that certificates are checked by."),
        "insecure": {"type": "boolean", "description": "Do not check certificates."},
    },
)
SCHEMA: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "workbench.toml",
    **table(
        "An application, what of it is put under which load, and what it has to meet.",
        {
            "name": text("The name of the application, as the report has it.", maxLength=60),
            "baseline": text("The arm that the others are compared with; the first one if left out."),
            "blocks": count("Passes over all arms; fewer than 4 give no interval. 8 if left out.", MAX_BLOCKS),
            "users": USERS,
            "arms": named("What is put under load, by name.", ARM, MAX_ARMS),
            "scenarios": named("The loads, by name.", SCENARIO, MAX_SCENARIOS),
            "success": {"type": "object", "description": "What counts as a success, by endpoint (GET /posts) or * for "
                        "all.", "additionalProperties": SUCCESS},
            "objectives": items("What the arms have to meet.", OBJECTIVE, maxItems=200),
            "groups": GROUPS,
            "profiles": named("Selections of what to measure, by name; the first one if none is chosen.", PROFILE,
                              MAX_PROFILES),
        },
        required=["name"],
    ),
    # A file without arms and scenarios is about deployments of TraceTrack, which are known by their names.
    "if": {"anyOf": [{"required": ["arms"]}, {"required": ["scenarios"]}, {"not": {"required": ["profiles"]}}]},
    "then": {"required": ["arms", "scenarios"]},
}  # fmt: skip


def content() -> str:
    """The content of docs/workbench.schema.json."""
    return json.dumps(SCHEMA, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    atomic.write_text(PATH, content())
    print(PATH)
