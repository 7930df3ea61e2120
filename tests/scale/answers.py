"""The tables and findings of an experiment by the engine in use, as JSON: `python -m tests.scale.answers PLACE`."""

import json
import sys
from dataclasses import asdict

import click

from analysis.findings.evaluation import evaluate
from workbench.errors import reporting_errors
from workbench.recording import open_experiment
from workbench.recording_place import recording_place


@click.command()
@click.argument("place")
def main(place: str) -> None:
    """Print them; a float is written so that it is read as the same one."""
    path, origin = recording_place(place)
    experiment = open_experiment(path, checks_digests=True, origin=origin)
    tables = {name: getattr(experiment, name) for name in ("by_run", "by_endpoint", "by_arm", "tail")}
    content = {name: table.to_dict("list") for name, table in tables.items()}
    content["findings"] = [asdict(finding) for finding in evaluate(experiment)]
    content["problems"] = experiment.problems()
    json.dump(content, sys.stdout, default=str)


if __name__ == "__main__":
    with reporting_errors():
        main(prog_name="answers", standalone_mode=False)
