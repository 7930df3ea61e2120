"""Every kind of edit of a sealed recording is named with its run, and enters no figure."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.builders import Builder
from workbench import seal
from workbench.recording import open_experiment, open_run

FIRST, SECOND, THIRD = "1-01-as-measured-burst-50", "1-02-tuned-burst-50", "2-03-tuned-burst-50"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    builder = Builder(tmp_path_factory.mktemp("recorded"))
    late = builder.run("tuned", block=1, slower=1.5)
    return builder.experiment(builder.run(), builder.run("tuned"), late).directory


@pytest.fixture
def copy(recorded, tmp_path) -> Path:
    return shutil.copytree(recorded, tmp_path / "made")


def edit_json(path: Path, change: Callable[[dict], object]) -> None:
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def edit_table(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    pq.write_table(change(pq.read_table(path)), path, compression="zstd")


def halved(table: pa.Table, name: str) -> pa.Table:
    field = table.schema.field(name)
    values = pa.array([value // 2 for value in table[name].to_pylist()], field.type)
    return table.set_column(table.schema.get_field_index(name), field, values)


def copied(directory: Path, source: str, target: str, *names: str) -> None:
    for name in names:
        shutil.copy(directory / source / name, directory / target / name)


def same_size(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


def indent(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4))


def pass_gate(record: dict) -> None:
    for gate in record["gates"]:
        gate |= {"value": 0.0, "passed": True}


def replace_with_digest(directory: Path, run: str) -> None:
    """Edit a run's record, and make its own seal and the experiment's fit."""
    path = directory / run / "run.json"
    record = json.loads(path.read_text()) | {"seed": 5}
    seal.write(path, json.dumps(record))
    entry = {f"{run}/run.json": seal.describe(path)}
    edit_json(directory / "experiment.json", lambda experiment: experiment["files"].update(entry))


EDITS = {
    "rows deleted": lambda d: edit_table(d / SECOND / "requests.parquet", lambda table: table.slice(5)),
    "rows added": lambda d: edit_table(d / SECOND / "requests.parquet", lambda table: pa.concat_tables([table, table])),
    "latencies edited": lambda d: edit_table(d / SECOND / "requests.parquet", lambda t: halved(t, "latency_us")),
    "rows of another block": lambda d: copied(d, THIRD, SECOND, "requests.parquet"),
    "a whole run of another block": lambda d: copied(
        d, THIRD, SECOND, *(path.name for path in (d / THIRD).iterdir())
    ),
    "a gate forced to pass": lambda d: edit_json(d / SECOND / "run.json", pass_gate),
    "readings edited": lambda d: edit_table(d / SECOND / "process.parquet", lambda table: halved(table, "cpu_us")),
    "pool readings swapped": lambda d: copied(d, THIRD, SECOND, "pool.parquet"),
    "database readings removed": lambda d: (d / SECOND / "database.parquet").unlink(),
    "streams added": lambda d: (d / SECOND / "requests-1.arrows").write_bytes(b""),
    "log edited": lambda d: (d / SECOND / "gunicorn.log").write_text("[INFO] nothing\n"),
    "a field of the record": lambda d: edit_json(d / SECOND / "run.json", lambda record: record.update(seed=7)),
    "layout of the record": lambda d: indent(d / SECOND / "run.json"),
    "seal removed": lambda d: (d / SECOND / "seal.json").unlink(),
    "seal of another run": lambda d: copied(d, THIRD, SECOND, "seal.json"),
    "sealed files left out": lambda d: edit_json(d / SECOND / "run.json", lambda record: record.pop("files")),
    "format turned back": lambda d: edit_json(d / SECOND / "run.json", lambda record: record.update(format=3)),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edited_run_is_named_and_left_out(copy, edit):
    edit(copy)
    experiment = open_experiment(copy)
    assert [run.name for run in experiment.usable] == [FIRST, THIRD]
    (problem,) = (line for line in experiment.problems() if line.startswith(SECOND))
    assert f"{SECOND}: " in repr(experiment)
    assert not experiment.runs[1].is_valid()
    assert "not valid" in open_run(copy / SECOND).summary()[0] or "another" in problem
    assert set(experiment.by_run["run"]) == {FIRST, THIRD}


@pytest.mark.parametrize("file", ["requests.parquet", "process.parquet", "database.parquet"])
def test_a_file_of_the_same_size_is_named_where_contents_are_compared(copy, file):
    same_size(copy / SECOND / file)
    experiment = open_experiment(copy, checks_digests=True)
    assert [run.name for run in experiment.usable] == [FIRST, THIRD]
    line = f"{SECOND}: {file} was changed (its size is the same, its content is not) after the run had ended"
    assert line in repr(experiment)


EXPERIMENT_EDITS = {
    "seed": lambda record: record.update(seed=99),
    "run left out": lambda record: record["runs"].pop(),
    "digests left out": lambda record: record.pop("files"),
    "format turned back": lambda record: record.update(format=3),
}


@pytest.mark.parametrize("change", EXPERIMENT_EDITS.values(), ids=EXPERIMENT_EDITS)
def test_an_edited_experiment_has_no_usable_run(copy, change):
    edit_json(copy / "experiment.json", change)
    experiment = open_experiment(copy)
    assert experiment.usable == []
    assert "experiment.json was changed after the experiment had ended" in repr(experiment)


def test_a_run_that_is_sealed_anew_is_named_and_left_out(copy):
    path = copy / SECOND / "run.json"
    seal.write(path, json.dumps(json.loads(path.read_text()) | {"seed": 5}))
    experiment = open_experiment(copy)
    assert [run.name for run in experiment.usable] == [FIRST, THIRD]
    assert f"{SECOND}: run.json was changed after the run had ended" in repr(experiment)


def test_a_record_that_is_replaced_with_its_digests_shows_in_the_experiments(copy):
    replace_with_digest(copy, SECOND)
    assert open_experiment(copy).usable == []


def test_an_experiment_that_is_sealed_anew_has_another_digest(copy, recorded):
    record = json.loads((copy / "experiment.json").read_text())
    seal.write(copy / "experiment.json", json.dumps(record | {"seed": 2}))
    edited, original = open_experiment(copy), open_experiment(recorded)
    assert len(edited.usable) == 3
    assert edited.digest != original.digest


@pytest.mark.parametrize("change", [lambda path: shutil.rmtree(path), lambda path: path.rename(path.with_name("x"))])
def test_a_run_that_was_removed_or_renamed_is_named(copy, change):
    change(copy / SECOND)
    experiment = open_experiment(copy)
    assert f"{SECOND}/run.json is missing after it was sealed" in experiment.problems()
    assert not experiment.is_complete()


def test_a_record_that_cannot_be_read_and_a_run_that_was_added_are_named(copy):
    (copy / SECOND / "run.json").write_text("{")
    shutil.copytree(copy / FIRST, copy / "1-99-tuned-burst-25")
    edit_json(copy / THIRD / "run.json", lambda record: record.update(seed=5))
    experiment = open_experiment(copy)
    assert experiment.own_problems() == [
        f"{SECOND}/run.json is not readable JSON after it was sealed",
        "1-99-tuned-burst-25/run.json was added after it was sealed",
    ]
    assert [run.name for run in experiment.usable] == [FIRST]
    assert any(problem.startswith(f"{THIRD}: run.json was changed") for problem in experiment.problems())


def test_a_run_that_was_set_aside_is_none_that_was_added(copy):
    shutil.copytree(copy / FIRST, copy / f"{FIRST}.stopped-1")
    assert open_experiment(copy).own_problems() == []


def test_a_prediction_that_was_added_or_changed_is_named(recorded, tmp_path):
    builder = Builder(tmp_path)
    experiment = builder.experiment(builder.run(), probes=(builder.run("tuned", "open-8"),))
    path = builder.predict(experiment, experiment.runs[1])
    assert open_experiment(experiment.directory).problems() == []
    path.write_text(path.read_text().replace("12.0", "16.00"))
    path.with_name("1-09-other.json").write_text("{}")
    lines = open_experiment(experiment.directory).problems()
    assert [line.split(" (")[0] for line in lines] == [
        f"predictions/{path.name} was changed",
        "predictions/1-09-other.json was added after it was sealed",
    ]


def test_a_sealed_run_by_itself_says_what_was_changed(copy):
    alone = shutil.copytree(copy / SECOND, copy.parent / "single")
    assert open_run(alone).is_valid()
    edit_json(alone / "run.json", lambda record: record.update(seed=7))
    run = open_run(alone)
    assert not run.is_valid()
    assert "run.json was changed after the run had ended" in repr(run)


def test_an_older_recording_opens_as_unsealed(copy):
    for path in copy.rglob("seal.json"):
        path.unlink()
    for path in copy.glob("*/run.json"):
        edit_json(path, lambda record: (record.pop("files"), record.update(format=3)))
    edit_json(copy / "experiment.json", lambda record: (record.pop("files"), record.update(format=3)))
    experiment = open_experiment(copy)
    assert len(experiment.usable) == 3
    assert experiment.digest is None
    assert "unsealed" in repr(experiment)
    assert "unsealed" in repr(experiment.runs[0])


def test_write_that_was_interrupted_leaves_a_record_that_its_seal_fits(tmp_path):
    path = tmp_path / "experiment.json"
    seal.write(path, '{"status": "running", "n": 1}')
    before = path.read_bytes()
    seal.write(path, '{"status": "running", "n": 2}')
    path.write_bytes(before)  # as if it had been killed between the seal and the record
    digest = seal.file_digest(path)
    assert list(seal.record_mismatches(path, {"status": "running", "files": {}}, digest)) == []
    assert list(seal.record_mismatches(path, {"status": "complete", "files": {}}, digest)) == [
        ("experiment.json", "was changed")
    ]


VERDICTS = [
    ({"valid": True, "reasons": []}, {"value": 0.95}, "generator CPU, share of one core: 95.0%, allowed at most 80.0%"),
    ({"valid": True, "reasons": []}, {"value": 0.95, "threshold": 1.0, "passed": True}, "generator CPU"),
    ({"valid": None, "reasons": []}, {"value": 0.95, "passed": None}, "generator CPU"),
    ({"valid": False, "reasons": []}, {}, "it is recorded as not valid, and its gates do not say why"),
]


@pytest.mark.parametrize(("verdict", "gate", "reason"), VERDICTS)
def test_verdicts_in_a_record_follow_from_its_values(builder, verdict, gate, reason):
    run = builder.run()
    run.record |= verdict
    (cpu,) = (entry for entry in run.record["gates"] if entry["name"] == "generator CPU, share of one core")
    cpu |= gate
    (opened,) = builder.experiment(run).runs
    assert opened.record["valid"] is False
    assert opened.record["reasons"][0].startswith(reason)


def test_ok_that_contradicts_the_error_is_a_defect(builder):
    run = builder.run()
    run.rows[3] |= {"ok": True, "error": "status 500"}
    (opened,) = builder.experiment(run).runs
    assert "1 of 150 rows whose ok contradicts their error" in str(opened.defects[0])
