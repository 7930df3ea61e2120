"""`python -m reports report|build|compare|gate|peers|verify`: build pages, check objectives, or check a recording."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from analysis.cli.engine_option import engine_option
from workbench.errors import UserError, reporting_errors
from workbench.paths import recording_path, runs_directory
from workbench.terminal import echo

from . import build as building

# A command imports what it needs itself: one that builds a page starts its kernel before the longest imports.
if TYPE_CHECKING:
    from workbench.recording import Experiment

OUTPUT = click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    default=building.HTML,
    help="Folder of the page; executed notebooks are written beside it.",
)


@click.group()
def main() -> None:
    """Build the report, or check the objectives of the built one."""


@main.command()
@click.option("--profile", default="", help="Name of a profile; quick by default.")
@click.option("--experiment", default="", help="Id of a new experiment, or of an interrupted one to resume.")
@click.option("--scale", default="", help="Data scale; the profile's own by default.")
@click.option("--app", default="", help="The workbench.toml of an application of your own, in the place of a profile.")
@click.option("--confirm-target", "confirmed", multiple=True, metavar="HOST", help="A host of it that is elsewhere.")
@OUTPUT
def report(profile: str, experiment: str, scale: str, app: str, confirmed: tuple[str, ...], output: Path) -> None:
    """Measure, analyse and render the page."""
    _build(building.measure(profile, experiment, scale, output, app, confirmed), output)


@main.command()
@click.option("--experiment", default="", help="Id, folder or URL of a stored experiment; the newest by default.")
@click.option("--run", default="", metavar="RUN", help="Id, folder or URL of one run instead: single-runs/<run>.")
@engine_option
@OUTPUT
def build(experiment: str, run: str, output: Path) -> None:
    """Render the page of a stored experiment, or of one run."""
    if experiment and run:
        raise click.UsageError("--experiment and --run name two pages; give one of them")
    if not run:
        _build(experiment, output)
        return
    from . import index_page
    from .choice import recorded_run
    from .single_run import run_page

    page = run_page.write(recorded_run(run), output)
    index_page.write(output)
    click.echo(page)


@main.command()
@click.argument("a")
@click.argument("b")
@OUTPUT
def compare(a: str, b: str, output: Path) -> None:
    """Render two experiments side by side, B over A; two runs are printed side by side.

    A and B are directories, or ids: <experiment>, <experiment>/<run>.
    """
    from analysis.cli import compare_command
    from workbench.recording import Experiment, Run

    first, second = compare_command.open_both(a, b)
    if isinstance(first, Run) and isinstance(second, Run):
        compare_command.print_runs(first, second)
    elif isinstance(first, Experiment) and isinstance(second, Experiment):
        click.echo(_compare(first, second, output))


def _compare(first: "Experiment", second: "Experiment", output: Path) -> Path:
    """Render the page of two experiments, print its verdict, and return its path."""
    from analysis import comparison_wording, recording_comparison

    from . import comparison_page, index_page

    warnings: list[str] = []
    comparison = recording_comparison.compare_experiments(first, second, warnings.append, across_machines=True)
    page = comparison_page.write(comparison, warnings, output)
    index_page.write(output)
    echo(comparison_wording.verdict_sentence(comparison))
    return page


@main.command()
@click.option(
    "--experiment", default="", help="Id, folder or URL of the report's experiment, where it is not below data/."
)
@click.option("--baseline", help="Experiment, or deployment or arm of this one, that nothing may be worse than.")
@click.option("--candidate", default="", help="Deployment or arm that is compared with one; tuned, or the only other.")
@OUTPUT
def gate(experiment: str, baseline: str | None, candidate: str, output: Path) -> None:
    """Decide on the built report: 0 pass, 1 an objective is broken or a regression, 3 inconclusive or invalid.

    The findings are evaluated anew from the sealed records. summary.md and junit.xml get the decision.
    """
    from . import gate as deciding

    decision = deciding.run(output, experiment, baseline, candidate)
    for line in (decision.sentence, *decision.lines):
        echo(line)
    sys.exit(decision.exit_code)


@main.command()
@click.argument("bench", default="")
@OUTPUT
def peers(bench: str, output: Path) -> None:
    """Render the page of a bench against peers; BENCH is its id, by default that of the newest."""
    from . import index_page
    from .peers import peer_results, peers_page

    name = bench or peer_results.newest()
    page = peers_page.write(peer_results.read(name), output)
    index_page.write(output)
    click.echo(page)


@main.command()
@click.argument("recording", default="")
@click.option("--digest", default="", help="SHA-256 of the experiment, as its page shows it.")
def verify(recording: str, digest: str) -> None:
    """Compare a recording with its seals; exit with 1 and a line for each file that was changed.

    RECORDING is the id or folder of an experiment, or of a run; the newest experiment by default. A page is built again
    from the recording that it names, and compared number by number, verdict by verdict, and byte by byte.
    """
    from workbench.recording import newest_experiment

    from . import page_verification, verification

    if recording.endswith(".html"):
        verified = page_verification.verify(Path(recording))
    else:
        path = recording_path(recording) if recording else newest_experiment(runs_directory())
        verified = verification.verify(path, digest)
    for line in verified.lines():
        click.echo(line)
    if number := len(verified.mismatches):
        raise UserError(f"{verified.name} is not as it was recorded: {number} mismatch{'es' if number > 1 else ''}")


def _build(experiment: str, output: Path) -> None:
    """Render the page; print its objectives, its verdict, and its path as the last line."""
    page, recorded, findings = building.build(experiment, output)
    from analysis import task_errors
    from analysis.failures_by_arm import failed_requests
    from analysis.unmatched_endpoints import unused_success_rules
    from workbench.declared_arms import KEY

    from . import index_page, report_entry, run_counts

    for finding in findings:
        if finding.kind == "objective":
            echo(f"{finding.verdict}: {finding.claim}: {finding.evidence}")
    for rule in unused_success_rules(recorded):
        echo(f"Warning: {rule}", err=True)
    failed = failed_requests(recorded) if recorded.record.get(KEY) else None
    for warning in (task_errors.remark(recorded), failed.remark() if failed else ""):
        if warning:
            echo(f"Warning: {warning}", err=True)
    if remark := run_counts.invalid_remark(recorded):
        echo(remark)
    headline = building.headline(recorded, findings)
    report_entry.write(report_entry.of_report(recorded, findings, headline), page)
    index_page.write(output)
    echo(headline)
    click.echo(page)


def command() -> None:
    """Run the command line; an expected failure is one or two lines and an exit code."""
    with reporting_errors():
        main(prog_name="python -m reports", standalone_mode=False)


if __name__ == "__main__":
    command()
