"""What happens when something fails: each fault under load, on the tuned set-up and with the published settings."""

from ..markup import Html
from ..numerals import sentence
from ..tables import behind
from . import fault_charts, fault_tables
from .comparison import Report, join
from .fault_rows import published_rows, tuned_rows
from .fault_sentences import losses_sentence, meaning_of_pass, published_sentence, tuned_sentence

MAX_CHARTS, MAX_PUBLISHED_CHARTS = 4, 2
NOTE = (
    "Open load of 40 requests/s, a fifth of them scans. Warm-up is left out of the numbers. Refused: a 503 with "
    "Retry-After. Longest: from the actual send to the end of the response. First success, and p95 as before: from the "
    "end of the fault; p95, without logins, may be twice as long as before, or 50 ms longer. A GET whose connection "
    "closes without an answer is sent once more, as browsers do. Of several runs the one that misses the most targets."
)


def faults(report: Report) -> Html:
    """A sentence, what pass means, a table of the tuned set-up and one of the published settings, and charts."""
    tuned, published = tuned_rows(report), published_rows(report)
    rows = [*tuned, *published]
    if report.arms and not rows:
        return Html("")
    if not rows:
        command = "<code>make resilience</code>"
        return Html(f'<p class="note">{sentence("Runs under faults are made by ")}{command}.</p>')
    return join(
        Html(f"<p>{tuned_sentence(tuned)}{losses_sentence(tuned)}</p>" if tuned else ""),
        Html(f"<p>{meaning_of_pass(rows)}</p>"),
        fault_tables.matrix(tuned, "Faults on the tuned set-up", NOTE),
        fault_tables.missed(tuned, "Targets that the tuned set-up misses"),
        Html(f"<p>{published_sentence(published)}{losses_sentence(published)}</p>" if published else ""),
        fault_tables.matrix(published, "The same faults with the published settings", "" if tuned else NOTE),
        behind(
            ("latency over time", fault_charts.charts([arm for arm, _ in tuned], MAX_CHARTS)),
            (
                "latency over time, published settings",
                fault_charts.charts([arm for arm, _ in published], MAX_PUBLISHED_CHARTS),
            ),
            ("failures by kind, connections, writes, rows", fault_tables.details(rows)),
            (
                "targets that the published settings miss",
                fault_tables.missed(published, "Targets that the published settings miss"),
            ),
            ("faults that were not run", fault_tables.not_run(rows)),
            ("what each fault is", fault_tables.descriptions(rows)),
        ),
    )
