"""Sentences about faults: under how many a set-up fails cleanly and recovers, what that means, and what is lost."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from analysis.faults.fault_arms import FaultArm
from analysis.faults.fault_targets import MAX_RECOVERY_MS, MAX_REQUEST_MS
from analysis.findings.finding import INVALID, NOT_MEASURED
from workbench.faults import DATABASE, IN_FLIGHT, STORE

from ..markup import Html
from ..numerals import SECTION, number, sentence
from .comparison import Report
from .fault_rows import Row, counts, of_recording, of_system, published_rows, tuned_rows

LIMITS = {"limit": f"{MAX_REQUEST_MS / 1000:.0f}", "recovery": f"{MAX_RECOVERY_MS / 1000:.0f}"}
# What a fault may take away from the application, by what the fault concerns.
SERVICES = {DATABASE: "PostgreSQL", STORE: "Valkey"}


class Losses(NamedTuple):
    """The acknowledged writes of all runs in which they were compared, those lost, and those stored twice."""

    acknowledged: int
    lost: int
    doubled: int


def headline(report: Report) -> Html | None:
    """The sentence about the tuned set-up, for the first screen; None without such a run."""
    rows = tuned_rows(report)
    return clean_failures(rows) if rows else None


def clean_failures(rows: Sequence[Row]) -> Html:
    """Under how many faults the tuned set-up fails cleanly and recovers, for a reader who knows none of the columns."""
    made, passed = _numbers(of_system(rows))
    text = sentence(
        "Under {made} faults the tuned set-up fails cleanly and recovers in {passed}: each failure is a clear refusal, "
        "no answer takes over {limit} s, and latency is normal again within {recovery} s.",
        made=made, passed=passed, **LIMITS,
    )  # fmt: skip
    if any(arm.kind.promise == IN_FLIGHT for arm, _ in rows):
        text = Html(f"{text} {sentence('Requests in flight in a killed or stuck worker may fail.')}")
    return text


def tuned_sentence(rows: Sequence[Row]) -> Html:
    """The same, what is left of a measurement that a fault ends, and how many faults have no verdict."""
    pieces = [clean_failures(rows)]
    if of_recording(rows):
        made, passed = _numbers(of_recording(rows))
        words = "Of {made} faults that end the measurement, {passed} leave a record that can be read."
        pieces.append(sentence(words, made=made, passed=passed))
    return Html(" ".join(map(str, [*pieces, *without_verdict(rows)])))


def published_sentence(rows: Sequence[Row]) -> Html:
    """Under how many the published settings do, and why not under the others."""
    made, passed = _numbers(rows)
    words = "Under {made} faults the published settings fail cleanly and recover in {passed}."
    pieces = [sentence(words, made=made, passed=passed), *without_verdict(rows)]
    if any(arm.missed and _waits_without_limit(arm) for arm, _ in rows):
        reason = "One worker serves one request at a time, and no wait for the database has a limit: all that comes "
        pieces.append(sentence(f"{reason}queues."))
    return Html(" ".join(map(str, pieces)))


def meaning_of_pass(rows: Sequence[Row]) -> Html:
    """What pass means in the tables, and what it does not mean."""
    text = sentence(
        "Pass means: every failure is a clear refusal to try again later, no request takes over {limit} s, and the "
        "service is back within {recovery} s after the end of the fault.", **LIMITS,
    )  # fmt: skip
    concerned = {arm.kind.concerns for arm, _ in rows}
    services = " or ".join(name for concern, name in SERVICES.items() if concern in concerned)
    if not services:
        return text
    beyond = f"Pass does not mean that the service stays up: without {services} it refuses requests until that is back."
    return Html(f"{text} {sentence(beyond)}")


def losses_sentence(rows: Iterable[Row]) -> Html:
    """What became of the acknowledged writes; empty where they were compared in no run."""
    written = _losses(rows)
    if written is None:
        return Html("")
    acknowledged, lost, doubled = (number(f"{count:,}", SECTION) for count in written)
    return sentence(" Of {acknowledged} acknowledged writes {lost} were lost and {doubled} stored twice.",
                    acknowledged=acknowledged, lost=lost, doubled=doubled)  # fmt: skip


def losses(report: Report) -> Losses | None:
    """The writes of all runs under faults; None where they were compared in none."""
    return _losses([*tuned_rows(report), *published_rows(report)])


def _losses(rows: Iterable[Row]) -> Losses | None:
    made = [(run, outcome) for arm, _ in rows for run, outcome in arm.made if outcome.lost is not None]
    if not made:
        return None
    acknowledged = sum((run.record.get("writes") or {}).get("acknowledged") or 0 for run, _ in made)
    return Losses(
        acknowledged, sum(outcome.lost or 0 for _, outcome in made), sum(outcome.doubled or 0 for _, outcome in made)
    )


def _numbers(rows: Sequence[Row]) -> tuple[Html, Html]:
    made, passed = counts(rows)
    return number(str(made), SECTION), number(str(passed), SECTION)


def without_verdict(rows: Iterable[Row]) -> list[Html]:
    """How many faults were not run, and how many have invalid runs only: a sentence each."""
    verdicts = [finding.verdict for _, finding in rows]
    return [
        sentence(f"{words}: {{n}}.", n=number(str(verdicts.count(verdict)), SECTION))
        for verdict, words in ((NOT_MEASURED, "Not run"), (INVALID, "Invalid"))
        if verdict in verdicts
    ]


def _waits_without_limit(arm: FaultArm) -> bool:
    """Whether its one worker serves one request at a time, without a limit of its waits for the database."""
    settings = arm.made[0][0].record["deployment"]["settings"]
    return (settings["server"], settings["workers"]) == ("sync", 1) and not settings.get("database_timeout_s")
