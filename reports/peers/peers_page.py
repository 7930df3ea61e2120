"""The page of a bench against peers: what recording costs, who reports a stall, and how fast rows become a page."""

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

from analysis.environment_facts import machine
from workbench import atomic

from ..markup import Html, escaped
from ..numerals import SECTION, marked
from ..page_frame import Section, page
from ..sections.comparison import join, plural, prose
from ..tables import folded, remark
from . import peer_results, peer_tables
from .peer_page_names import PEERS_PAGE, peers_page_name
from .peer_results import FILE, PeerResults
from .peer_wording import verdict_sentence

STYLES = ("rows.css", "sparks.css")
TITLE = "Load generators and pages beside their peers"


def write(results: PeerResults, folder: Path) -> Path:
    """Write the page of a bench under its own name, that of the newest also as `peers.html`; return the path."""
    folder.mkdir(parents=True, exist_ok=True)
    benches, _ = peer_results.read_all()
    path = folder / peers_page_name(results.bench)
    linked = [each.bench for each in benches if (folder / peers_page_name(each.bench)).exists()]
    content = html(results, benches, linked)
    atomic.write_text(path, content)
    if not benches or benches[0].bench != results.bench:
        return path
    atomic.write_text(folder / PEERS_PAGE, content)
    return folder / PEERS_PAGE


def html(results: PeerResults, benches: Sequence[PeerResults] = (), linked: Collection[str] = ()) -> str:
    """The whole page; `benches` are all that are stored, the newest first, `linked` the ids of those with a page."""
    sections = [
        Section("How much load a core makes", _capacity(results)),
        Section("How true the percentiles are", _accuracy(results)),
        Section("From rows to a page", _pages(results)),
        Section("All benches", peer_tables.history(benches, set(linked) - {results.bench})),
        Section("How this was measured", _method(results)),
    ]
    shown = [section for section in sections if str(section.content).strip()]
    return page(TITLE, _lead(results), shown, STYLES, has_heading=True)


def _lead(results: PeerResults) -> Html:
    date = datetime.fromisoformat(results.started).strftime("%d %b %Y")
    changed = peer_results.seal_problem(results)
    facts = f"{date} · {machine(results.environment)} · {plural(results.rounds, 'round')}"
    return join(
        Html(f'<h1 class="verdict">{marked(verdict_sentence(results), SECTION)}</h1>'),
        Html(f'<p class="remark">{marked(facts)}</p>'),
        *([remark(f"Changed after it was measured: {changed}.")] if changed else []),
    )


def _capacity(results: PeerResults) -> Html:
    content = peer_tables.capacity(results)
    if not str(content):
        return content
    return join(
        prose(
            f"Each generator had one core, {results.server} another one, and {results.settings['connections']:g} "
            f"connections that never wait. Requests are counted by the server, CPU time by the kernel, for "
            f"{results.settings['measured_s']:g} s after the load had begun. Ratios are of requests in the same CPU "
            "time, which other work on the machine disturbs less; the grey band is what recording may cost. “At least” "
            "marks a server that had no more to give."
        ),
        content,
    )


def _accuracy(results: PeerResults) -> Html:
    errors = {stall: peer_tables.accuracy(results, stall=stall) for stall in (True, False)}
    if not any(map(str, errors.values())):
        return Html("")
    settings = results.settings
    return join(
        prose(
            f"{settings['rate_rps']:g} requests a second are due for {settings['duration_s']:g} s, each with a known "
            f"service time of {settings['mean_service_ms']:g} ms on average. With a stall the server answers nothing "
            f"for {settings['stall_s']:g} s, from {settings['stall_at_s']:g} s on. A generator that waits for answers "
            "sends little meanwhile, and leaves the slow requests out (coordinated omission). The true percentiles "
            "count every request from when it was due."
        ),
        errors[True],
        errors[False],
        folded(
            "The same in milliseconds",
            join(peer_tables.absolute(results, stall=True), peer_tables.absolute(results, stall=False)),
        ),
    )


def _pages(results: PeerResults) -> Html:
    content = peer_tables.pages(results)
    if not str(content):
        return content
    return join(
        prose(
            "The workbench makes its page of one run: percentiles by endpoint, failures, charts over time, gates. "
            "pandas and Polars read the same rows and write one table of counts and percentiles. Locust has no rows. "
            "It makes its page from counters that it fills while it sends, so it is given the rows one by one, up to a "
            "number beyond which that takes minutes. Only time and memory compare, and not what the pages say."
        ),
        content,
    )


def _method(results: PeerResults) -> Html:
    problems = "".join(f"<li>{escaped(f'{label}: {problem}')}</li>\n" for label, problem in results.problems)
    path = f"data/bench/{results.bench}/{FILE}"
    return join(
        prose(
            "In each round every generator ran once in each kind of load, one after the other in random order. Values "
            "are geometric means of the rounds, with 95 % intervals by Student’s t on logarithms; ratios are paired by "
            "round. Fewer than four rounds give no interval."
        ),
        peer_tables.peers_used(results),
        Html(f'<p data-source="{SECTION}">Runs that failed:</p>\n<ul data-source="{SECTION}">\n{problems}</ul>')
        if problems
        else Html(""),
        Html(
            f'<ul data-source="{SECTION}">\n<li>The results: <code>{escaped(path)}</code>, SHA-256 '
            f"<code>{escaped(results.sha256)}</code></li>\n"
            f"<li>This page again: <code>{escaped(f'python -m reports peers {results.bench}')}</code></li>\n"
            "<li>Another bench: <code>python -m bench peers</code></li>\n</ul>"
        ),
    )
