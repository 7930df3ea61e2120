"""`python -m analysis export`: a recorded run or experiment in the format of another tool."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click

from workbench import atomic, imported
from workbench.errors import RecordingError, UsageError, UserError
from workbench.paths import recording_path
from workbench.recording import Experiment, Run, open_experiment, open_run
from workbench.terminal import echo
from workbench.trace_context import KEY as TRACE

from ..exports.bencher_json import bencher_text
from ..exports.hgrm import TIMES, hgrm_lines
from ..exports.openmetrics_text import openmetrics_text
from ..exports.otava_csv import otava_configuration, otava_csv
from ..exports.otlp_client import OtlpReceiver
from ..exports.otlp_spans import Clock, message_text, otlp_messages, requests_without_ids
from ..exports.perfetto_trace import write_perfetto
from .export_output import print_text, require_writable, writing
from .warning_lines import warn, warn_unless_complete


class Format(NamedTuple):
    """What a format is made of: a run, an experiment, or either; and the options that only it has."""

    of_run: bool
    of_experiment: bool
    options: tuple[str, ...] = ()
    needs_measured: bool = True  # requests of the measured phase


FORMATS = {
    "hgrm": Format(True, False, ("endpoint", "time")),
    "otava": Format(False, True, ("config",)),
    "bencher": Format(False, True),
    "openmetrics": Format(True, True),
    "perfetto": Format(True, False, needs_measured=False),
    "otlp": Format(True, False, ("to",), needs_measured=False),
}
WITH_TIMES = ("openmetrics", "perfetto", "otlp")  # formats in which a request or a run has a time
FILE = click.Path(path_type=Path)


@click.command()
@click.argument("recording")
@click.option("--format", "name", type=click.Choice(list(FORMATS)), help="The format to write.")
@click.option("--output", type=FILE, help="The file to write; a text goes to the standard output without it.")
@click.option("--endpoint", help="Of hgrm: the responses of this endpoint alone.")
@click.option(
    "--time", type=click.Choice(list(TIMES)), help="Of hgrm: latency, or response time; latency if not given."
)
@click.option("--config", type=FILE, help="Of otava: a file for Otava's configuration, which names that of --output.")
@click.option("--to", metavar="URL", help="Of otlp: the receiver to send the spans to, http://HOST:4318/v1/traces.")
def export(recording: str, name: str | None, output: Path | None, **options: Any) -> None:
    """Write a recorded run, or an experiment, in the format of another tool.

    RECORDING is a directory, or an id: <experiment>/<run> for hgrm, openmetrics, perfetto and otlp, <experiment> for
    otava, bencher and openmetrics. Latencies are of the successful responses of the measured phase.
    """
    if name is None:
        raise UsageError(f"name the format with --format: {', '.join(FORMATS)}")
    _require_fitting(name, output, **options)
    opened = _open(recording, name)
    if options["to"]:
        assert isinstance(opened, Run)
        _send(opened, options["to"])
    elif name == "perfetto":
        assert isinstance(opened, Run)
        assert output is not None
        with writing(output) as partial, partial.open("wb") as file:
            write_perfetto(opened, file)
    elif output:
        with writing(output) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            file.writelines(_texts(opened, name, **options))
    else:
        print_text(_texts(opened, name, **options))
    if options["config"]:
        assert isinstance(opened, Experiment)
        assert output is not None
        atomic.write_text(options["config"], otava_configuration(opened, output))


def _require_fitting(name: str, output: Path | None, **options: Any) -> None:
    """Raise an error for options that do not go with the format, and for files that cannot be written."""
    for option, value in options.items():
        if value is not None and option not in FORMATS[name].options:
            owner = next(other for other, each in FORMATS.items() if option in each.options)
            raise UsageError(f"--{option} goes with --format {owner}, not with {name}; leave it out")
    if output and options["to"]:
        raise UsageError("--output and --to are two places for the spans; give one of them")
    if name == "perfetto" and not output:
        raise UsageError("a Perfetto trace is no text for a terminal; give --output FILE.perfetto-trace")
    if options["config"] and not output:
        raise UsageError("--config names the file of --output; give that too")
    for path in filter(None, (output, options["config"])):
        require_writable(path)


def _open(recording: str, name: str) -> Run | Experiment:
    """Open what the format needs, with warnings of what is wrong with it.

    Raises `UserError` where it is another kind of recording, cannot be read or has nothing to export.
    """
    path = recording_path(recording)
    is_experiment = (path / "experiment.json").exists()
    if is_experiment and not FORMATS[name].of_experiment:
        raise UsageError(f"--format {name} is of one run, and {recording} is an experiment; name {recording}/<run>")
    if is_experiment:
        return _require_usable(open_experiment(path, checks_digests=True))
    run = open_run(path, checks_digests=True)
    if not FORMATS[name].of_run:
        raise UsageError(f"--format {name} is of an experiment, and {recording} is one run; name its experiment")
    if name in WITH_TIMES and not imported.knows(run.record, imported.SENDS):
        raise UserError(f"{run.name} was imported without times of send, which --format {name} needs; hgrm has none")
    return _require_rows(run, FORMATS[name].needs_measured)


def _require_usable(experiment: Experiment) -> Experiment:
    for problem in experiment.problems():
        warn(problem)
    if not experiment.is_readable():
        raise UserError(f"{experiment.name} has no valid run; python -m analysis show {experiment.name} says why")
    if not experiment.is_complete():
        warn(f"{experiment.name} is not complete")
    return experiment


def _require_rows(run: Run, needs_measured: bool) -> Run:
    if total := next((defect for defect in run.defects if defect.is_total), None):
        raise RecordingError(f"{run.directory} cannot be read: {total.problem}")
    for defect in run.defects:
        warn(defect)
    if needs_measured and run.totals is None:
        raise UserError(f"{run.name} has no measured request; python -m analysis show says what it has")
    if not run.rows.tuples("SELECT 1 FROM requests LIMIT 1"):
        raise UserError(f"{run.name} has no request; python -m analysis show says why")
    warn_unless_complete(run)
    if run.status == "complete" and not run.is_valid():
        warn(f"{run.name} is not valid: {'; '.join(run.record['reasons'])}")
    if run.dropped:
        warn(f"{run.name} has {sum(run.dropped.values())} dropped arrivals, slower than every latency in it")
    return run


def _texts(recording: Run | Experiment, name: str, **options: Any) -> Iterable[str]:
    """The parts of the text of a recording in a format."""
    if isinstance(recording, Run) and name == "hgrm":
        return (f"{line}\n" for line in hgrm_lines(recording, options["endpoint"], options["time"] or "latency"))
    if isinstance(recording, Run) and name == "otlp":
        return (f"{message_text(message)}\n" for message in _messages(recording))
    if isinstance(recording, Experiment) and name == "otava":
        return [otava_csv(recording, warn)]
    if isinstance(recording, Experiment) and name == "bencher":
        return [bencher_text(recording)]
    return [openmetrics_text(recording)]


def _messages(run: Run) -> Iterator[dict[str, Any]]:
    """The messages of a run, with warnings of what its spans lack."""
    clock = Clock.of_run(run)
    if not clock.is_exact:
        warn(f"{run.name} was recorded without the wall clock of its start: its spans begin up to seconds too early")
    if not run.record.get(TRACE):
        warn(
            f"{run.name} sent no traceparent (TRACETRACK_TRACE=1): spans of the application itself are in other traces"
        )
    if number := requests_without_ids(run):
        warn(f"{number} requests of no known user have no spans")
    return otlp_messages(run, clock)


def _send(run: Run, url: str) -> None:
    receiver = OtlpReceiver(url)
    taken, rejections = receiver.send(_messages(run))
    for rejection in rejections:
        warn(f"the receiver rejected {rejection}")
    echo(f"{taken} spans sent to {receiver.name}", err=True)
