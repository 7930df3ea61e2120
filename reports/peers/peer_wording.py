"""Sentences and short texts about a bench against peers, for its page, the index and the terminal."""

import math

from analysis.stats.confidence import Estimate

from . import peer_estimates
from .peer_estimates import PLAIN, RECORDED, WORKBENCH, requests_a_cpu_second
from .peer_results import COMPLETE, PeerResults

IN_STALL = "p95"  # of a stall of a tenth of the time: beyond it every twentieth request waits for half of the stall
NOT_REPORTED = "not reported"
MIN_MULTIPLE = 3.0  # a ratio from here on is a multiple and no percentage


def verdict_sentence(results: PeerResults) -> str:
    """What recording costs, and how far the percentiles are off that are reported of a stall."""
    pieces = [_recording(results), _stall(results)]
    sentence = " ".join(piece for piece in pieces if piece) or "Nothing could be compared."
    return sentence if results.status == COMPLETE else f"The bench is not complete. {sentence}"


def _recording(results: PeerResults) -> str:
    ratio = peer_estimates.capacity_ratio(results, RECORDED, PLAIN, requests_a_cpu_second)
    if ratio is None:
        return ""
    return f"With recording Locust sends {percent(ratio)} of the requests that it sends without in the same CPU time."


def _stall(results: PeerResults) -> str:
    """The percentile that the workbench and the least exact of the others report in a stall."""
    ratios = {
        peer.label: ratio
        for peer in results.generators
        if (ratio := peer_estimates.reported_to_true(
            peer_estimates.accuracy_runs(results, peer.name, stall=True), IN_STALL))
    }  # fmt: skip
    own = next((peer.label for peer in results.generators if peer.name == WORKBENCH), "")
    if own not in ratios:
        return ""
    first = f"When the server stalls for {results.settings['stall_s']:g} s, its {IN_STALL} is reported"
    sentence = f"{first} {difference(ratios.pop(own))} by the workbench"
    if not ratios:
        return f"{sentence}."
    least = max(ratios, key=lambda label: abs(math.log(ratios[label].value)))
    return f"{sentence}, and {difference(ratios[least])} by {least}."


def percent(ratio: Estimate) -> str:
    """A ratio in per cent with its interval, `95% (94–96)`; a large one as a multiple, `14 times (10–20)`."""
    factor, unit = (1, " times") if ratio.value >= MIN_MULTIPLE else (100, "%")
    interval = ""
    if ratio.interval is not None:
        low, high = (f"{factor * end:.0f}" for end in ratio.interval)
        interval = f" ({low}–{high})"
    return f"{factor * ratio.value:.0f}{unit}{interval}"


def difference(ratio: Estimate) -> str:
    """A ratio as its difference from 1, with its interval: `−98.6% (−98.8 to −98.4)`; three digits at most."""
    text = f"{_signed(ratio.value)}%"
    if ratio.interval is None:
        return text
    low, high = map(_signed, ratio.interval)
    return f"{text} ({low} to {high})"


def _signed(ratio: float) -> str:
    value = 100 * (ratio - 1)
    text = f"{value:+,.0f}" if abs(value) >= 100 else f"{value:+.1f}"
    return text.replace("-", "−")
