"""The tables of the page of a bench against peers."""

from collections.abc import Collection, Iterable, Sequence
from urllib.parse import quote

import pandas as pd

from workbench.text_cleaning import Target, cleaned

from .. import row_charts
from ..markup import Html, escaped
from ..sections.comparison import plural, three_digits_form, with_interval
from ..tables import Quantity, table
from . import peer_estimates as estimates
from .peer_estimates import PLAIN, QUANTILES, rate_rps, requests_a_cpu_second
from .peer_page_names import peers_page_name
from .peer_results import Peer, PeerResults
from .peer_wording import NOT_REPORTED, difference, percent, verdict_sentence

PLAIN_MARGIN = 0.05  # of the grey band beside FastHttpUser: what recording may cost


def capacity(results: PeerResults) -> Html:
    """Requests a second on one core, and for each second of CPU time; by the latter, beside plain FastHttpUser."""
    measured = [peer for peer in results.generators if estimates.capacity_runs(results, peer.name)]
    ratios = {
        peer.name: ratio
        for peer in measured
        if peer.name != PLAIN and (ratio := estimates.capacity_ratio(results, peer.name, PLAIN, requests_a_cpu_second))
    }
    limits = row_charts.ratio_limits([ratio.value for ratio in ratios.values()])
    rows = [
        {
            "generator": peer.label,
            "requests/s on a core": _rate(results, peer),
            "requests a second of CPU": with_interval(
                estimates.capacity(results, peer.name, requests_a_cpu_second), "{:,.0f}"
            ),
            "of FastHttpUser": percent(ratios[peer.name]) if peer.name in ratios else None,
            "beside FastHttpUser": row_charts.ratio_strip(
                ratios[peer.name].value, ratios[peer.name].interval, PLAIN_MARGIN, limits, "none"
            ) if peer.name in ratios else None,
        }
        for peer in measured
    ]  # fmt: skip
    return table(pd.DataFrame(rows, dtype=object), "Generators at saturation, each on one core")


def accuracy(results: PeerResults, *, stall: bool) -> Html:
    """The error of the percentiles that each generator reports at the fixed rate."""
    rows = []
    for peer in results.generators:
        if runs := estimates.accuracy_runs(results, peer.name, stall=stall):
            errors = {name: estimates.reported_to_true(runs, name) for name in _quantiles(results)}
            rows.append(
                {
                    "generator": f"{peer.label} ({peer.rate_kind})",
                    **{name: difference(error) if error else NOT_REPORTED for name, error in errors.items()},
                }
            )
    caption = f"Error of reported percentiles, {_stall_text(results, stall=stall)}"
    return table(pd.DataFrame(rows, dtype=object), caption)


def absolute(results: PeerResults, *, stall: bool) -> Html:
    """The same percentiles in ms, as reported and as they were, and the requests that were sent."""
    rows = []
    for peer in results.generators:
        if runs := estimates.accuracy_runs(results, peer.name, stall=stall):
            pairs = {name: estimates.medians_ms(runs, name) for name in _quantiles(results)}
            sent = estimates.sent_share(runs)
            rows.append(
                {
                    "generator": peer.label,
                    "sent of due": None if sent is None else f"{sent:.0%}",
                    **{f"{name} (true), ms": _milliseconds(pair) for name, pair in pairs.items()},
                }
            )
    caption = f"Medians of {plural(results.rounds, 'round')}, {_stall_text(results, stall=stall)}"
    return table(pd.DataFrame(rows, dtype=object), caption)


def pages(results: PeerResults) -> Html:
    """Seconds and memory from rows to a page, by number of rows."""
    sizes = sorted({run.rows for run in results.pages})
    rows = [
        {"rows": f"{size:,}", **{peer.label: _page_text(results, peer, size) for peer in results.makers}}
        for size in sizes
    ]
    return table(pd.DataFrame(rows, dtype=object), "From rows on disk to a page, with the peak of memory")


def history(benches: Iterable[PeerResults], linked: Collection[str]) -> Html:
    """All benches, the newest first, with links to those of `linked`."""
    rows = [{"bench": _bench_link(each, linked), **history_row(each)} for each in benches]
    return table(pd.DataFrame(rows, dtype=object), "Benches against peers, the newest first")


def history_row(results: PeerResults) -> dict[str, object]:
    """What the index and the history say of a bench."""
    environment = results.environment
    return {
        "commit": (environment["commit"] or "unknown")[:10],
        "machine": f"{environment['cpu_model']}, {plural(environment['cpu_count'], 'core')}",
        "result": verdict_sentence(results),
    }


def peers_used(results: PeerResults) -> Html:
    """The peers with their versions, and how to install missing ones."""
    rows = [
        {
            "peer": peer.label,
            "version": peer.version or None,
            "not installed": peer.missing or None,
        }
        for peer in (*results.generators, *results.makers)
    ]
    return table(pd.DataFrame(rows, dtype=object), "What was compared")


def _bench_link(results: PeerResults, linked: Collection[str]) -> Html:
    text = escaped(results.started[:16].replace("T", " "))
    if results.bench not in linked:
        return Html(text)
    return Html(f'<a href="{cleaned(quote(peers_page_name(results.bench)), Target.HTML)}">{text}</a>')


def _quantiles(results: PeerResults) -> list[str]:
    """The percentiles that any of the generators reports."""
    return [name for name in QUANTILES if any(name in run.reported_ms for run in results.accuracy)]


def _rate(results: PeerResults, peer: Peer) -> Quantity | None:
    """Requests a second; at least so many where the server had no more to give."""
    rate = estimates.capacity(results, peer.name, rate_rps)
    share = estimates.server_share(results, peer.name)
    is_limited = share is not None and share > estimates.FULL
    shown = with_interval(rate, "{:,.0f}")
    return Quantity(shown, f"at least {shown.form}") if shown is not None and is_limited else shown


def _milliseconds(pair: Sequence[float] | None) -> str | None:
    if pair is None:
        return None
    reported, true = (three_digits_form(value).format(value) for value in pair)
    return f"{reported} ({true})"


def _page_text(results: PeerResults, peer: Peer, rows: int) -> str | None:
    runs = estimates.page_runs(results, peer.name, rows)
    seconds = estimates.page_seconds(runs)
    if seconds is None:
        return None
    peak_mib = max(run.peak_mib for run in runs)
    return f"{three_digits_form(seconds.value).format(seconds.value)} s, {peak_mib:,.0f} MiB"


def _stall_text(results: PeerResults, *, stall: bool) -> str:
    rate = f"{results.settings['rate_rps']:g} requests/s"
    return f"{rate}, a stall of {results.settings['stall_s']:g} s" if stall else f"{rate}, no stall"
