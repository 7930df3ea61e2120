"""What holds after any sequence of requests and faults; each check returns what contradicts it, in one line each."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from loadgen.accounts import username
from reference_app import openapi
from tests.resilience.chaos_clients import NO_ANSWER, Exchange, call_of, qr_id
from tests.resilience.chaos_steps import Dashboard, Ended, Login, Logout, Scan, Search
from tests.resilience.chaos_world import LIFETIME_S, MAX_RECOVERY_S, FaultTime, Stored, World

PATHS = json.loads(openapi.DESCRIPTION)["paths"]
RETRY_AFTER = re.compile("[1-9][0-9]*")
MAX_AGE_S = 2 * LIFETIME_S
KILL_S = 0.5  # until the connections of a worker that was killed are closed
FIXED_COUNTS = ("total_bags", "total_bills", "active_users")


class Scanned(NamedTuple):
    """Which scan an exchange is about: whose it is, and its key."""

    user: str
    key: str


def violations(world: World) -> list[str]:
    """All that contradicts an invariant in the world as it is now, and was not reported before."""
    contradictions = [line for line in _violations(world) if line not in world.reported]
    world.reported.update(contradictions)
    return contradictions


def _violations(world: World) -> list[str]:
    world.settle()
    exchanges, stored = list(world.ledger), world.stored()
    users = users_by_cookie(exchanges)
    return [
        *world.slow_recoveries,
        *statuses(exchanges, world.fault_times),
        *sessions(exchanges, users),
        *ended_sessions(exchanges),
        *scans(exchanges, users, stored),
        *counts(exchanges, users, world),
        *ages(exchanges),
        *connections(world),
    ]


def users_by_cookie(exchanges: list[Exchange]) -> dict[str, str]:
    """The user name for which each session was issued."""
    return {
        exchange.new_cookie: username(exchange.request.user, 100)
        for exchange in exchanges
        if isinstance(exchange.request, Login) and exchange.status == 302 and exchange.new_cookie
    }


def statuses(exchanges: list[Exchange], fault_times: list[FaultTime]) -> Iterator[str]:
    """Every answer has a documented status. Under a fault some are a 503 with Retry-After; under one of a worker some
    are missing."""
    for exchange in exchanges:
        call = call_of(exchange.request, exchange.key)
        documented = PATHS[call.path.partition("?")[0]][call.method.lower()]["responses"]
        if exchange.is_too_slow:
            yield f"no answer in time: {exchange}"
        elif exchange.status == NO_ANSWER:
            if not any(_meets(exchange, times, KILL_S) for times in fault_times if times.ends_workers):
                yield f"no answer, and no worker had a fault: {exchange}"
        elif str(exchange.status) not in documented:
            yield f"a status that is not documented: {exchange}"
        elif exchange.status == 503 and not RETRY_AFTER.fullmatch(exchange.retry_after or ""):
            yield f"a 503 without Retry-After: {exchange}"
        elif exchange.status == 503 and not any(
            _meets(exchange, times, MAX_RECOVERY_S) for times in fault_times if times.allows_refusals
        ):
            yield f"a 503 that no fault allows: {exchange}"


def _meets(exchange: Exchange, times: FaultTime, after_s: float) -> bool:
    """Whether the request was in flight in the time of a fault, or so many seconds after it."""
    return times.begin_s <= exchange.received_s and exchange.sent_s <= times.end_s + after_s


def sessions(exchanges: list[Exchange], users: dict[str, str]) -> Iterator[str]:
    """No session shows another user, and none is replaced but by a login."""
    for exchange in exchanges:
        if isinstance(exchange.request, Dashboard | Ended) and exchange.status == 200:
            shown, own = exchange.json["user_context"]["username"], users.get(exchange.cookie)
            if shown != own:
                yield f"the session of {own} shows {shown}: {exchange}"
        if not isinstance(exchange.request, Login) and exchange.new_cookie:
            yield f"a session that no login began: {exchange}"


def ended_sessions(exchanges: list[Exchange]) -> Iterator[str]:
    """A session serves nothing after an acknowledged logout, or an acknowledged login in its place."""
    ended_s = {
        exchange.cookie: exchange.received_s
        for exchange in reversed(exchanges)
        if exchange.cookie and isinstance(exchange.request, Login | Logout) and exchange.status == 302
    }
    for exchange in exchanges:
        is_served = not isinstance(exchange.request, Login | Logout) and exchange.status in (200, 201)
        if is_served and exchange.sent_s > ended_s.get(exchange.cookie, float("inf")):
            yield f"a session that had ended {exchange.sent_s - ended_s[exchange.cookie]:.2f} s before: {exchange}"


def scans(exchanges: list[Exchange], users: dict[str, str], stored: list[Stored]) -> Iterator[str]:
    """Every acknowledged scan is stored once, under its key, for its user and bag; any other one at most once."""
    sent: dict[Scanned, list[Exchange]] = defaultdict(list)
    for exchange in exchanges:
        if isinstance(exchange.request, Scan) and exchange.cookie in users:
            sent[Scanned(users[exchange.cookie], exchange.key)].append(exchange)
    rows: dict[Scanned, list[Stored]] = defaultdict(list)
    for row in stored:
        rows[Scanned(row.user, row.key)].append(row)
    yield from (f"a scan of a user who sent none under this key: {rows[scan]}" for scan in rows.keys() - sent.keys())
    yield from (f"stored more than once: {found}" for found in rows.values() if len(found) > 1)
    for scan, sendings in sent.items():
        for exchange in sendings:
            if exchange.status == 201:
                answered = exchange.json["scan"]["id"], qr_id(exchange.request.bag)
                if answered not in [(row.id, row.qr_id) for row in rows.get(scan, ())]:
                    yield f"acknowledged to {scan.user} and not stored: {exchange}"


def counts(exchanges: list[Exchange], users: dict[str, str], world: World) -> Iterator[str]:
    """The dashboard's number of scans was true at some time between twice the lifetime before its request and its
    answer; what no request changes stands still."""
    first_sent, acknowledged = _scan_times(exchanges, users)
    before = world.base["total_scans"]
    for exchange in exchanges:
        if isinstance(exchange.request, Dashboard) and exchange.status == 200:
            stats = exchange.json["stats"]
            lowest = before + sum(at_s < exchange.sent_s - MAX_AGE_S for at_s in acknowledged.values())
            highest = before + sum(at_s < exchange.received_s for at_s in first_sent.values())
            if stats["total_scans"] is None or not lowest <= stats["total_scans"] <= highest:
                yield f"{stats['total_scans']} scans, where {lowest} to {highest} were true: {exchange}"
            if any(stats[name] != world.base[name] for name in FIXED_COUNTS):
                yield f"other counts than {world.base}: {stats}"
    if (final := world.counts()["total_scans"]) != before + len(world.stored()):
        yield f"the summary counts {final} scans, {before} of the data set and {len(world.stored())} were stored"


def _scan_times(exchanges: list[Exchange], users: dict[str, str]) -> tuple[dict[Scanned, float], dict[Scanned, float]]:
    """When each scan was first sent, and when it was first acknowledged."""
    first_sent: dict[Scanned, float] = {}
    acknowledged: dict[Scanned, float] = {}
    for exchange in exchanges:
        if isinstance(exchange.request, Scan) and exchange.cookie in users:
            scan = Scanned(users[exchange.cookie], exchange.key)
            first_sent[scan] = min(first_sent.get(scan, exchange.sent_s), exchange.sent_s)
            if exchange.status == 201:
                acknowledged[scan] = min(acknowledged.get(scan, exchange.received_s), exchange.received_s)
    return first_sent, acknowledged


def ages(exchanges: list[Exchange]) -> Iterator[str]:
    """No answer was read from the database more than twice its lifetime before its request."""
    for exchange in exchanges:
        if isinstance(exchange.request, Dashboard | Search) and exchange.status == 200:
            read_s = datetime.fromisoformat(exchange.json["timestamp"]).timestamp()
            if read_s < exchange.sent_s - MAX_AGE_S:
                yield f"an answer that was {exchange.sent_s - read_s:.2f} s old: {exchange}"


def connections(world: World) -> Iterator[str]:
    """The application has no more connections than its pools may have, and leaves no transaction open."""
    (total, in_transaction), allowed = world.connections(), world.settings.connections_allowed()
    if total > allowed or in_transaction:
        yield f"{total} connections of {allowed} allowed, {in_transaction} idle in a transaction"
