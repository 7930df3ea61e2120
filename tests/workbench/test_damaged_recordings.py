"""Records and files that are damaged, of something else, or incomplete: refused in a line, or left out by name."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.builders import reseal
from tests.workbench.one_line import require_one_line
from workbench.aggregates import SPLIT
from workbench.recording import RecordingError, open_experiment, open_run


@pytest.mark.parametrize(("opens", "name"), [(open_run, "run.json"), (open_experiment, "experiment.json")])
def test_a_folder_without_its_record_is_refused(tmp_path, opens, name):
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(RecordingError) as excinfo:
            opens(path)
        require_one_line(excinfo, str(path), f"it has no {name}")


@pytest.mark.parametrize(("opens", "name"), [(open_run, "run.json"), (open_experiment, "experiment.json")])
@pytest.mark.parametrize("content", [b"", b'{"status": "comp', b"\xff\xfe\x00", b"NaN nonsense"])
def test_a_record_that_is_no_json_is_refused(tmp_path, opens, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RecordingError) as excinfo:
        opens(tmp_path)
    require_one_line(excinfo, name, "not readable JSON")


@pytest.mark.parametrize(("opens", "name"), [(open_run, "run.json"), (open_experiment, "experiment.json")])
@pytest.mark.parametrize("content", ["{}", "[]", "3", "null", '{"status": "complete"}'])
def test_a_record_of_something_else_is_refused_and_says_what_it_lacks(tmp_path, opens, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(RecordingError) as excinfo:
        opens(tmp_path)
    require_one_line(excinfo, name, "is not the record", *(["it lacks "] if content[0] == "{" else ["no object"]))


def test_an_unsealed_experiment_with_a_damaged_run_is_refused(builder):
    experiment = builder.experiment(builder.run())
    (experiment.runs[0].directory / "run.json").write_text("{")
    record = json.loads((experiment.directory / "experiment.json").read_text())
    del record["files"]
    (experiment.directory / "experiment.json").write_text(json.dumps(record | {"format": 3}))
    with pytest.raises(RecordingError) as excinfo:
        open_experiment(experiment.directory)
    require_one_line(excinfo, experiment.runs[0].name)


DAMAGES = [lambda whole: b"", lambda whole: whole[:-9], lambda whole: b"no parquet at all"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_run_with_damaged_rows_is_left_out_and_the_others_stay(builder, damage):
    experiment = builder.experiment(builder.run(), builder.run("tuned", "burst-25"))
    path = experiment.runs[1].directory / "requests.parquet"
    path.write_bytes(damage(path.read_bytes()))
    reseal(path.parent)
    damaged = open_experiment(experiment.directory)
    assert [run.deployment for run in damaged.usable] == ["as-measured"]
    assert len(damaged.by_run) == 1
    assert "1-02-tuned-burst-25: requests.parquet is empty, cut short, damaged or no Parquet" in repr(damaged)
    with pytest.raises(RecordingError) as excinfo:
        _ = damaged.runs[1].requests
    require_one_line(excinfo, str(path.parent), "cut short")


@pytest.mark.parametrize("frame", ["process", "database", "pool"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_readings_are_empty_and_reported(builder, frame, damage):
    (run,) = builder.experiment(builder.run("tuned", "burst-25")).runs
    path = run.directory / f"{frame}.parquet"
    path.write_bytes(damage(path.read_bytes()))
    reseal(path.parent)
    run = open_run(run.directory)
    assert getattr(run, frame).empty
    (defect,) = run.defects
    assert str(defect).startswith(f"{frame}.parquet is empty, cut short, damaged or no Parquet; ")
    assert run.is_readable()
    assert run.totals["requests"] == 75


def rewrite(run, change):
    path = run.directory / "requests.parquet"
    pq.write_table(change(pq.read_table(path)), path)
    reseal(run.directory)
    return open_run(run.directory)


@pytest.mark.parametrize(
    ("column", "question"), [("db_us", "the time in the database"), ("cache", "the outcomes of the caches")]
)
@pytest.mark.parametrize("how", ["missing", "of another kind"])
def test_a_missing_column_leaves_only_its_own_question_without_an_answer(builder, column, question, how):
    experiment = builder.experiment(builder.run(), builder.run("tuned"))

    def change(table):
        without = table.drop_columns([column])
        return without if how == "missing" else without.append_column(column, pa.array([[1]] * len(table)))

    run = rewrite(experiment.runs[1], change)
    (defect,) = run.defects
    assert f"requests.parquet: {column} is {'missing' if how == 'missing' else 'list'}" in str(defect)
    assert question in str(defect)
    rest = open_experiment(experiment.directory)
    assert rest.by_run["mean_ms"].notna().all()
    assert len(rest.usable) == 2
    if column == "db_us":
        assert rest.by_run.set_index("deployment")["database_ms"].isna().to_dict() == {
            "as-measured": False,
            "tuned": True,
        }
        assert run.requests["db_ms"].isna().all()


@pytest.mark.parametrize("column", ["endpoint", "latency_us", "ok"])
def test_a_file_without_a_required_column_is_not_this_workbenchs(builder, column):
    (run,) = builder.experiment(builder.run()).runs
    run = rewrite(run, lambda table: table.drop_columns([column]))
    assert not run.is_readable()
    (defect,) = run.defects
    assert f"is not this workbench's ({column} is missing)" in str(defect)


def test_a_run_with_damage_within_its_file_is_left_out(builder):
    experiment = builder.experiment(builder.run(), builder.run("tuned"))
    path = experiment.runs[1].directory / "requests.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 8 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 8)
    path.write_bytes(content)
    damaged = open_experiment(experiment.directory)
    assert [run.deployment for run in damaged.usable] == ["as-measured"]
    assert len(damaged.by_run) == 1


def test_rows_without_an_endpoint_are_reported_and_a_request_without_a_latency_is_none(builder):
    (run,) = builder.experiment(builder.run()).runs

    def without(table):
        latency = [None if n % 3 == 0 else value for n, value in enumerate(table["latency_us"].to_pylist())]
        return table.set_column(table.schema.get_field_index("latency_us"), "latency_us", pa.array(latency, pa.int64()))

    def nameless(table):
        names = [None if n % 3 == 0 else value for n, value in enumerate(table["endpoint"].to_pylist())]
        return table.set_column(table.schema.get_field_index("endpoint"), "endpoint", pa.array(names, pa.string()))

    timeless = rewrite(run, without)
    assert list(timeless.defects) == []
    assert timeless.totals["requests"] == 150
    assert "50 of 150 rows without endpoint" in str(rewrite(run, nameless).defects[0])


def test_a_negative_latency_is_reported(builder):
    recorded = builder.run()
    recorded.rows[7]["latency_us"] = -5
    (run,) = builder.experiment(recorded).runs
    assert "values that no run records (latency_us of 1 of 150 rows)" in str(run.defects[0])


@pytest.mark.parametrize(
    ("frame", "column"), [("process", "cpu_us"), ("database", "value"), ("pool", "use_ns"), ("process", "role")]
)
def test_readings_of_another_shape_are_empty_and_reported(builder, frame, column):
    (run,) = builder.experiment(builder.run()).runs
    path = run.directory / f"{frame}.parquet"
    pq.write_table(pq.read_table(path).drop_columns([column]), path)
    reseal(run.directory)
    run = open_run(run.directory)
    assert getattr(run, frame).empty
    assert f"(no numbers in {column})" in str(run.defects[0])


CHANGES = [
    ({"scenario": "burst-50"}, "scenario is no object"),
    ({"scenario": {"name": "burst-50"}}, "it lacks scenario.kind"),
    ({"deployment": {"name": 5, "settings": {}}}, "deployment.name is 5"),
    ({"environment": None}, "environment is no object"),
    ({"environment": {"cpu_model": "x", "cpu_count": "two", "memory_bytes": 1}}, 'environment.cpu_count is "two"'),
    ({"block": None}, "block is null"),
    ({"valid": "no"}, 'valid is "no"'),
    ({"status": None}, "status is null"),
    ({"reasons": None}, "reasons is no list"),
    ({"reasons": [3]}, "reason is 3"),
    ({"gates": {}}, "gates is no list"),
    ({"gates": [{"gate": "x"}]}, "it lacks gate.name"),
    ({"gates": [{"name": "x", "value": "3", "passed": True}]}, 'gate.value is "3"'),
    ({"generator": 3}, "generator is no object"),
]


@pytest.mark.parametrize(("change", "said"), CHANGES)
def test_a_record_with_a_field_of_another_kind_is_refused(builder, change, said):
    (run,) = builder.experiment(builder.run()).runs
    path = run.directory / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(RecordingError) as excinfo:
        open_run(run.directory)
    require_one_line(excinfo, str(path), said)


@pytest.mark.parametrize("runs", [None, ["1-01"], [{}], "twice"])
def test_an_experiment_that_lists_its_runs_wrongly_is_refused(builder, runs):
    experiment = builder.experiment(builder.run())
    path = experiment.directory / "experiment.json"
    record = json.loads(path.read_text())
    record["runs"] = 2 * record["runs"] if runs == "twice" else runs
    path.write_text(json.dumps(record))
    with pytest.raises(RecordingError) as excinfo:
        open_experiment(experiment.directory)
    require_one_line(excinfo, "experiment.json")


def test_a_file_without_rows_says_so(builder):
    (run,) = builder.experiment(builder.run()).runs
    run = rewrite(run, lambda table: table.slice(0, 0))
    assert str(run.defects[0]) == "requests.parquet has no rows; not available: everything about its requests"
    assert run.totals is None


def test_a_recording_from_before_a_column_has_no_defect_and_no_value(builder):
    experiment = builder.experiment(builder.run(), builder.run("tuned"))
    older = rewrite(experiment.runs[1], lambda table: table.drop_columns(["connection"]))
    assert older.defects == ()
    assert older.requests["connection"].isna().all()
    both = open_experiment(experiment.directory)
    counts = both.rows.query("SELECT deployment, count(connection) AS known FROM measured GROUP BY deployment")
    assert counts.set_index("deployment")["known"].to_dict() == {"as-measured": 150, "tuned": 0}


def test_a_recording_from_before_the_loop_has_its_split_without_it(builder):
    (run,) = builder.experiment(builder.run()).runs
    rest_ms = run.requests["rest_ms"].tolist()
    older = rewrite(run, lambda table: table.drop_columns(["loop_us"]))
    assert older.defects == ()
    assert older.requests["loop_ms"].isna().all()
    assert older.requests["rest_ms"].tolist() == rest_ms
    split = older.by_endpoint[[f"{part}_ms" for part in SPLIT]]
    assert split.sum(axis=1).tolist() == pytest.approx(older.by_endpoint["mean_ms"].tolist())


def test_without_a_damaged_part_there_is_no_rest(builder):
    (run,) = builder.experiment(builder.run()).runs
    wrong = rewrite(run, lambda table: table.drop_columns(["loop_us"]).append_column("loop_us", [["a"] * len(table)]))
    assert wrong.requests["rest_ms"].isna().all()
    assert wrong.by_endpoint["loop_ms"].isna().all()


def test_a_later_column_of_another_kind_is_a_defect(builder):
    (run,) = builder.experiment(builder.run()).runs
    wrong = rewrite(
        run, lambda table: table.drop_columns(["connection"]).append_column("connection", [["a"] * len(table)])
    )
    (defect,) = wrong.defects
    assert "connection is string" in str(defect)
