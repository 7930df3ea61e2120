"""Kept summaries of experiments: they save reading, and never outlive what they were made of."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.history import summary_store
from analysis.history.summary_store import Summaries, program_files
from tests.histories import name_of, record_history
from workbench.paths import REPOSITORY

# What else is imported with a summary, and decides on nothing in it.
OTHERS = {"__init__.py", "experiment_table.py", "summary_store.py"}
IMPORTED = """
import sys
import analysis.history.experiment_summary
for name, module in sys.modules.items():
    if name.partition(".")[0] in ("analysis", "workbench"):
        print(module.__file__)
"""


@pytest.fixture
def recorded(builder, tmp_path, monkeypatch):
    """Two recorded experiments, and the path of the kept summary of the first."""
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    experiments = record_history(builder, [1.0, 1.1])
    return experiments, tmp_path / "history" / f"{name_of(0)}.json"


def read(builder):
    return Summaries.of_folder(builder.runs)


def version(path):
    """What changes when a file is replaced."""
    return path.stat().st_ino, path.stat().st_mtime_ns


def test_a_kept_summary_is_what_was_computed_and_stays(builder, recorded):
    _, path = recorded
    first = read(builder)
    before = version(path)
    assert read(builder) == first
    assert version(path) == before


def test_a_file_that_changed_is_noticed_with_its_old_size_and_time(builder, recorded):
    experiments, _ = recorded
    read(builder)
    path = experiments[0].runs[0].directory / "gunicorn.log"
    before = path.stat()
    path.write_text("x" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    read(builder)
    record = experiments[0].directory / "experiment.json"
    before = record.stat()
    record.write_text(record.read_text().replace('"quick"', '"other"'))
    os.utime(record, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert read(builder).changed == 1


@pytest.mark.parametrize("content", ["", "{", "[]", '{"stamp": 1}', "7", "null"])
def test_a_file_that_is_no_summary_is_replaced(builder, recorded, content):
    _, path = recorded
    first = read(builder)
    path.write_text(content)
    assert read(builder) == first
    assert json.loads(path.read_text())["stamp"]


def test_a_summary_of_another_shape_is_replaced(builder, recorded):
    _, path = recorded
    first = read(builder)
    kept = json.loads(path.read_text())
    kept["summary"]["values"][0]["metric"] = "none"
    path.write_text(json.dumps(kept))
    assert read(builder) == first


def test_a_summary_with_another_stamp_is_replaced(builder, recorded):
    _, path = recorded
    first = read(builder)
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({"stamp": "another", "summary": kept["summary"] | {"values": []}}))
    assert read(builder) == first
    assert json.loads(path.read_text()) == kept


def test_an_experiment_that_goes_on_is_not_kept(builder, recorded):
    builder.experiment(builder.run().cut_off(), name="half", status="running")
    read(builder)
    assert not recorded[1].with_name("half.json").exists()


def test_every_module_that_computes_a_summary_is_part_of_its_stamp():
    command = [sys.executable, "-c", IMPORTED]
    printed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split()
    imported = {path for path in map(Path, printed) if path.name not in OTHERS}
    assert len(imported) > 30
    assert imported - set(program_files()) == set()


def test_reading_many_experiments_says_how_far_it_is(builder, recorded, monkeypatch, capsys):
    monkeypatch.setattr(summary_store, "PROGRESS_EVERY_S", 0.0)
    assert len(read(builder).experiments) == 2
    assert capsys.readouterr().err.splitlines()[-1] == "history: 1 of 2 experiments are read; what was read is kept"
