"""Writing a run of results that another tool measured: its rows and its sealed record."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from workbench import imported, seal, validity
from workbench.record_format import FORMAT
from workbench.redaction import redacted_values
from workbench.request_schema import STORED
from workbench.run_record import FILES
from workbench.temporary_folder import temporary_folder
from workbench.verdicts import COMPLETE, with_verdicts

from . import format_table, imported_rows
from .format_table import Format
from .import_options import ImportOptions
from .imported_rows import RowFacts
from .result_file import ResultFile, open_results
from .staged_rows import Reading
from .time_stamps import utc_text

UNKNOWN_MACHINE = {"cpu_model": None, "cpu_count": None, "memory_bytes": None}


class RunIdentity(NamedTuple):
    """What an imported run is called, and where it belongs: arm, scenario, block and position from 0."""

    experiment: str
    arm: str
    scenario: str
    block: int
    position: int

    @property
    def run(self) -> str:
        """The name of the run, as the load generator names its own."""
        return f"{self.block + 1}-{self.position + 1:02d}-{self.arm}-{self.scenario}"


def source_of(tool: str) -> dict[str, Any]:
    """The facts of an arm whose results a tool measured."""
    return {"kind": imported.KEY, imported.KEY: f"results of {tool}"}


def write(path: Path, identity: RunIdentity, directory: Path, options: ImportOptions) -> dict[str, Any]:
    """Read a file of results and write a run of it into a new directory; returns its record.

    Raises `UserError` for a file that cannot be read, or has no request.
    """
    with temporary_folder("import") as folder:
        source = open_results(path, folder)
        recognised = format_table.find(source, options)
        staged = folder / "staged.parquet"
        reading = recognised.read(source, folder, staged, options)
        directory.mkdir(parents=True)
        facts = imported_rows.write(staged, directory / STORED, folder, path)
        reading.malformed += facts.unplaced
        if facts.first_us is None and imported.SENDS not in reading.unknown:
            reading.unknown.append(imported.SENDS)
        record = _record(identity, recognised, source, reading, facts)
    record["files"] = seal.describe_run(directory)
    seal.write(directory / FILES["run"], json.dumps(record, indent=2) + "\n")
    return record


def _record(
    identity: RunIdentity, recognised: Format, source: ResultFile, reading: Reading, facts: RowFacts
) -> dict[str, Any]:
    record = {
        "format": FORMAT, "run": identity.run, "experiment": identity.experiment, "block": identity.block,
        "position": identity.position, "replicate": False, "status": COMPLETE, "valid": True, "reasons": [],
        "deployment": {"name": identity.arm, "settings": {}, "source": source_of(recognised.tool)},
        "scenario": {"name": identity.scenario, "kind": imported.KIND, "description": f"measured by {recognised.tool}"},
        "environment": UNKNOWN_MACHINE, "dataset": {}, "rows": facts.rows,
        "started": None if facts.first_us is None else utc_text(facts.first_us),
        "ended": None if facts.last_us is None else utc_text(facts.last_us),
        "gates": [gate.record() for gate in _gates(reading, facts)],
        imported.KEY: _origin(recognised, source, reading, facts),
    }  # fmt: skip
    return redacted_values(with_verdicts(record))


def _gates(reading: Reading, facts: RowFacts) -> list[validity.Gate]:
    share = reading.malformed / (reading.malformed + facts.rows)
    answered = None if imported.STATUSES in reading.unknown else facts.answered
    return [validity.MALFORMED.evaluate(share), validity.ANSWERED.evaluate(answered)]


def _origin(recognised: Format, source: ResultFile, reading: Reading, facts: RowFacts) -> dict[str, Any]:
    """What the record says of the file."""
    return {
        "tool": recognised.tool, "format": recognised.name, "file": source.named.name, "bytes": source.size,
        "sha256": source.digest(), "rows": facts.rows, "malformed": reading.malformed,
        "first_malformed_line": reading.first_malformed_line, "truncated": reading.truncated,
        "unknown": reading.unknown, "notes": [*reading.notes, *facts.notes],
    }  # fmt: skip
