"""What holds for a whole run in its Perfetto trace: the phases of the load, and the faults."""

from workbench.faults import KEY as FAULTS
from workbench.faults import KINDS
from workbench.recording import Run
from workbench.text_cleaning import Target, cleaned

from .perfetto_packets import PerfettoWriter
from .perfetto_tracks import Lanes


def draw_run(writer: PerfettoWriter, run: Run) -> None:
    """Draw a track with the phases, each until the next one begins, and one with the faults."""
    root = writer.track(f"run {cleaned(run.name, Target.LINE)}: {run.deployment} under {run.scenario}")
    last_us = run.rows.tuples("SELECT max(round(1000 * start_ms)::BIGINT + coalesce(latency_us, 0)) FROM requests")[0][
        0
    ]
    _draw_phases(writer, root, run, last_us)
    _draw_faults(writer, root, run, last_us)


def _draw_phases(writer: PerfettoWriter, root: int, run: Run, last_us: int) -> None:
    phases = run.rows.tuples(
        "SELECT phase, round(1000 * min(start_ms))::BIGINT AS begin_us FROM requests GROUP BY phase ORDER BY begin_us"
    )
    lanes = Lanes(writer, root, "phases of the load, by their first send")
    for (phase, begin_us), following in zip(phases, [*phases[1:], ("", last_us)], strict=True):
        lanes.slice(begin_us, following[1], phase)


def _draw_faults(writer: PerfettoWriter, root: int, run: Run, last_us: int) -> None:
    """The faults that were made; one that did not end lasts until the last response, an instant has no duration."""
    entries = [entry for entry in run.record.get(FAULTS) or () if entry["begin_us"] is not None]
    lanes = Lanes(writer, root, "faults")
    for entry in sorted(entries, key=lambda each: each["begin_us"]):
        kind = KINDS.get(entry["name"])
        title = kind.title if kind else cleaned(entry["name"], Target.LINE)
        begin_us = entry["begin_us"]
        end_us = entry["end_us"] if entry["end_us"] is not None else last_us
        lanes.slice(begin_us, max(begin_us, end_us), title)
