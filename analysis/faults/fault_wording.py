"""An outcome under a fault as text: a line for terminals and for the evidence of findings."""

from workbench.failures import kinds_text
from workbench.faults import IN_FLIGHT, RUN_ENDS

from .fault_outcome import FaultOutcome


def outcome_line(outcome: FaultOutcome) -> str:
    """What happened in one run, in a line."""
    kinds = f" ({kinds_text(outcome.kinds.items())})" if outcome.kinds else ""
    parts = [f"{outcome.failed:,} of {outcome.requests:,} requests failed{kinds}"]
    if outcome.kind.promise == IN_FLIGHT and outcome.in_flight:
        parts.append(f"{count_text(outcome.in_flight, 'failed request')} in flight in the worker")
    if outcome.kind.promise == RUN_ENDS:
        parts.append("the run ended by itself" if outcome.has_ended else "the run ended early")
    else:
        failed = f" (of failures {seconds(outcome.longest_failed_ms)})" if outcome.failed else ""
        parts += [f"longest {seconds(outcome.longest_ms)}{failed}", _recovery(outcome)]
    parts += [_known(outcome.leaked, "leaked connection"), _writes(outcome), _known(outcome.rows_lost, "lost row")]
    return "; ".join(parts)


def _recovery(outcome: FaultOutcome) -> str:
    if outcome.duration_ms is None:
        return "the fault did not end"
    seen = outcome.recovery
    back = "not seen" if seen.p95_back_ms is None else f"after {seconds(seen.p95_back_ms)}"
    return f"after its end the first success came after {seconds(seen.first_success_ms)}, the p95 of before {back}"


def seconds(milliseconds: float | None) -> str:
    """A time in seconds with two decimals: `0.04 s`; `not seen` for None."""
    return "not seen" if milliseconds is None else f"{milliseconds / 1000:.2f} s"


def count_text(number: int, noun: str) -> str:
    """`1 failure`, `1,204 failures`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _known(number: int | None, noun: str) -> str:
    return f"{noun}s not counted" if number is None else count_text(number, noun)


def _writes(outcome: FaultOutcome) -> str:
    if outcome.lost is None or outcome.doubled is None:
        return "writes not compared"
    users = "users not compared" if outcome.wrong_user is None else f"{outcome.wrong_user} of another user"
    return f"acknowledged writes: {outcome.lost} lost, {outcome.doubled} doubled, {users}"
