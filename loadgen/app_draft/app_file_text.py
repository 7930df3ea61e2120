"""The text of the `workbench.toml` of a draft: one arm, three loads, and what counts as a success."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workbench.text_cleaning import Target, cleaned

from .draft_request import PROBE_PATHS, Draft

LOCUSTFILE = "workbench_users.py"
MAX_NAME_CHARACTERS = 60
MAX_COMMENT_CHARACTERS = 110
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
STATUS_PATH = "/status"  # of a probe, or of what users look at


@dataclass(frozen=True)
class DraftArm:
    """What is put under load: a command in a folder, relative to the file, or an address."""

    command: str = ""
    folder: str = ""
    url: str = ""


def text(draft: Draft, arm: DraftArm) -> str:
    """The content of the file."""
    return (
        "\n".join([*_introduction(draft), *_arms(draft, arm), *_scenarios(), *_success(draft), *_objectives(draft)])
        + "\n"
    )


def quoted(text: str) -> str:
    """A text as a basic string of TOML, on one line."""
    return json.dumps("".join(map(_encodable, text)), ensure_ascii=False).replace("\x7f", "\\u007f")


def _encodable(character: str) -> str:
    return REPLACEMENT if "\ud800" <= character <= "\udfff" else character


def _introduction(draft: Draft) -> list[str]:
    return [
        f"# {_comment(draft.name)}: what is put under load, how, and what counts as a success.",
        "#",
        "#     python -m loadgen experiment --app workbench.toml     measures it",
        "#     python -m reports report --app workbench.toml         measures it and makes its report",
        "#",
        f"# python -m loadgen init wrote this file from {_comment(draft.source)}.",
        "# It is yours to change; docs/APPLICATION.md has all keys.",
        "",
        f"name = {quoted(cleaned(draft.name, Target.LINE, MAX_NAME_CHARACTERS).strip() or 'Application')}",
        "blocks = 4  # passes over all arms; with fewer no value has an interval",
        "",
        "[users]",
        f"locustfile = {quoted(LOCUSTFILE)}",
        "",
    ]


def _arms(draft: Draft, arm: DraftArm) -> Iterator[str]:
    yield "[arms.now]"
    if arm.command:
        yield f"command = {quoted(arm.command)}"
        yield from [f"folder = {quoted(arm.folder)}"] * bool(arm.folder)
        yield from [f"ready = {quoted(path)}" for path in _health_path(draft)]
    else:
        yield f"url = {quoted(arm.url)}"
    yield ""
    yield "# A second arm is compared with the first one: another command, setting, commit or address."
    yield "#"
    yield "# [arms.changed]"
    yield '# command = "…"' if arm.command else '# url = "http://127.0.0.1:8001"'
    yield ""


def _health_path(draft: Draft) -> list[str]:
    """The path that says whether the application is ready, if there is one."""
    known = {request.name for request in draft.requests if request.method == "GET" and not request.gaps}
    return [path for path in (*PROBE_PATHS, STATUS_PATH) if path in known][:1]


def _scenarios() -> list[str]:
    return [
        "[scenarios.one-user]",
        'load = "single"',
        'description = "One user sends one request after the other."',
        "passes = 20",
        "warmup_passes = 2",
        "",
        "[scenarios.at-once]",
        'load = "burst"',
        'description = "Ten users at once send three requests each."',
        "users = 10",
        "passes = 3",
        "",
        "[scenarios.steady]",
        'load = "closed"',
        'description = "Five users with think time."',
        "users = 5",
        "warmup_s = 2",
        "duration_s = 10",
        "",
        "# How many requests a second each arm sustains; the search takes some minutes.",
        "#",
        "# [scenarios.limit]",
        '# load = "capacity"',
        '# of = "requests"',
        "# first = 20",
        "# most = 200",
        "# p95_ms = 300",
        "",
    ]


def _success(draft: Draft) -> Iterator[str]:
    """The tables of the requests that are sent."""
    sent = ([draft.sign_in] if draft.sign_in else []) + draft.active()
    rules = {request.endpoint: request.success for request in sent if request.success}
    if rules:
        yield "# A response that differs is a failure, such as an HTML page where JSON is due."
        yield ""
    for endpoint, rule in rules.items():
        yield f"[success.{quoted(endpoint)}]"
        yield from (f"{key} = {_value(value)}" for key, value in rule.items())
        yield ""


def _value(value: Any) -> str:
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def _objectives(draft: Draft) -> list[str]:
    first = next(iter(draft.active()), None)
    endpoint = first.endpoint if first else "GET /"
    return [
        "# What an arm has to meet; make gate fails where it does not.",
        "#",
        "# [[objectives]]",
        '# arm = "now"',
        '# scenario = "steady"',
        f"# endpoint = {quoted(cleaned(endpoint, Target.LINE))}",
        '# metric = "p95_ms"',
        "# below = 300",
    ]


def _comment(text: str) -> str:
    return cleaned(text, Target.LINE, MAX_COMMENT_CHARACTERS)
