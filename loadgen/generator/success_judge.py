"""Rules of success in force: they decide on each request before Locust counts it, and before it is recorded.

A response that the locustfile itself fails stays a failure.
"""

from collections.abc import Mapping
from typing import Any

from locust.env import Environment
from locust.exception import CatchResponseError

from .error_kinds import error_kind
from .success_rules import Rule, failure

EVERY = "*"  # the endpoint whose rule is that of all without one of their own


def install(environment: Environment, rules: Mapping[str, Rule]) -> None:
    """Let the rules decide on each request before it is counted; `rules` are by endpoint, as `GET /posts`."""
    if not rules:
        return
    fire = environment.events.request.fire

    def fire_judged(**given: Any) -> None:
        rule = rules.get(f"{given.get('request_type')} {given.get('name')}", rules.get(EVERY))
        fire(**(given if rule is None else given | {"exception": judged(rule, given)}))

    environment.events.request.fire = fire_judged  # type: ignore[method-assign]  # Locust counts before its listeners


def judged(rule: Rule, request: Mapping[str, Any]) -> BaseException | None:
    """The exception of a request, as Locust reports it, by a rule; None for a success."""
    response, exception = request.get("response"), request.get("exception")
    status = getattr(response, "status_code", None)
    if not status:  # no answer, or not of HTTP
        return exception
    if exception is not None and not _is_of_status(exception, status):
        return exception
    if exception is not None and status not in rule.get("status", ()):
        return exception
    reason = failure(rule, response)
    return CatchResponseError(reason) if reason else None


def _is_of_status(exception: BaseException, status: int) -> bool:
    """True where a client raised the exception for the status alone."""
    return not isinstance(exception, CatchResponseError) and error_kind(exception) == f"status {status}"
