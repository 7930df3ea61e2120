"""What is read back from a run and an experiment on disk: whole, cut off, missing and damaged ones."""

import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.builders import reseal
from workbench.recording import RecordingError, arm, newest_experiment, open_experiment, open_run

PARTS_US = {"pool_us": 1000, "db_us": 20_000, "hash_us": 3000, "cache_us": 500, "session_us": 1500}


def require_one_line(excinfo, *words):
    message = excinfo.value.message
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_a_complete_run_is_read_as_it_was_written(builder):
    (run,) = builder.experiment(builder.run("tuned", "burst-50", block=2)).runs
    assert (run.name, run.deployment, run.scenario, run.block) == ("3-01-tuned-burst-50", "tuned", "burst-50", 2)
    assert (run.status, len(run.requests)) == ("complete", 150)
    assert set(run.process["role"]) == {"generator", "server", "database"}
    assert set(run.pool["worker"]) == {0, 1}
    assert set(run.database["source"]) == {"activity", "database", "statement"}
    assert run.log == []


def test_times_are_milliseconds_once_read(builder):
    recorded = builder.run()
    recorded.rows = [recorded.rows[0] | {"start_us": 2_000_250, "latency_us": 1500, "queue_us": 250}]
    (row,) = builder.experiment(recorded).runs[0].requests.to_dict("records")
    assert (row["start_ms"], row["latency_ms"], row["queue_ms"]) == (2000.25, 1.5, 0.25)
    assert not [name for name in row if name.endswith("_us")]


def test_the_rest_is_the_application_less_its_parts_and_the_residual_what_nobody_accounts_for(builder):
    recorded = builder.run()
    recorded.rows = [recorded.rows[0] | PARTS_US | {"latency_us": 100_000, "queue_us": 58_000, "app_us": 40_000}]
    requests = builder.experiment(recorded).runs[0].requests
    assert requests["rest_ms"].tolist() == [14.0]
    assert requests["residual_ms"].tolist() == [2.0]


def test_a_part_that_was_not_measured_counts_as_nothing_but_without_app_there_is_no_rest(builder):
    recorded = builder.run()
    first, second = recorded.rows[:2]
    recorded.rows = [first | PARTS_US | {"app_us": 40_000, "hash_us": None}, second | {"app_us": None}]
    requests = builder.experiment(recorded).runs[0].requests
    assert requests["rest_ms"][0] == 17.0
    assert requests[["rest_ms", "residual_ms"]].loc[1].isna().all()


def test_the_warm_up_is_among_the_requests_and_not_among_the_measured(builder):
    (run,) = builder.experiment(builder.run("as-measured", "single")).runs
    assert (len(run.requests), len(run.measured)) == (93, 90)
    assert run.measured["latency_ms"].max() == 100


def test_a_run_that_was_cut_off_says_so_and_is_read_from_its_streams(builder):
    (run,) = builder.experiment(builder.run().cut_off()).runs
    assert run.status == "cut off"
    assert not (run.directory / "requests.parquet").exists()
    assert len(run.measured) == 150
    assert run.requests["latency_ms"].iloc[0] == 100


def test_missing_readings_are_empty(builder):
    (run,) = builder.experiment(builder.run().cut_off()).runs
    (run.directory / "gunicorn.log").unlink()
    assert run.process.empty
    assert run.database.empty
    assert run.pool.empty
    assert run.log == []


def test_a_run_that_was_cut_off_before_its_first_row_has_none_to_read(builder):
    (run,) = builder.experiment(builder.run().cut_off()).runs
    for stream in run.directory.glob("requests-*.arrows"):
        stream.write_bytes(b"torn")
    with pytest.raises(RecordingError) as excinfo:
        _ = run.requests
    require_one_line(excinfo, run.name, "ended before its first request")


def test_log_lines_that_are_no_json_are_skipped(builder):
    recorded = builder.run()
    recorded.log = ["[INFO] Starting gunicorn", '{"request_id": "0-2"}', "{'of': 'python'}", '{"torn": ', "{}", ""]
    assert builder.experiment(recorded).runs[0].log == [{"request_id": "0-2"}, {}]


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


def test_an_experiment_with_a_damaged_run_is_refused(builder):
    experiment = builder.experiment(builder.run())
    (experiment.runs[0].directory / "run.json").write_text("{")
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


def test_rows_without_a_latency_are_reported(builder):
    (run,) = builder.experiment(builder.run()).runs

    def without(table):
        latency = [None if n % 3 == 0 else value for n, value in enumerate(table["latency_us"].to_pylist())]
        return table.set_column(table.schema.get_field_index("latency_us"), "latency_us", pa.array(latency, pa.int32()))

    assert "50 of 150 rows without latency_us" in str(rewrite(run, without).defects[0])


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


def test_an_experiment_without_a_run_is_not_complete_and_can_be_shown(builder):
    experiment = builder.experiment()
    assert not experiment.is_complete()
    assert "0 of 0 planned runs" in repr(experiment)
    assert experiment._repr_html_()


def test_runs_that_are_all_of_another_machine_than_their_experiment_are_refused(builder):
    other = builder.run()
    other.record["environment"] = other.record["environment"] | {"cpu_count": 64}
    with pytest.raises(RecordingError) as excinfo:
        builder.experiment(other, environment=builder.run().record["environment"])
    require_one_line(excinfo, "differ in number of cores")


def test_a_file_without_rows_says_so(builder):
    (run,) = builder.experiment(builder.run()).runs
    run = rewrite(run, lambda table: table.slice(0, 0))
    assert str(run.defects[0]) == "requests.parquet has no rows; not available: everything about its requests"
    assert run.totals is None


def test_runs_of_another_kernel_or_other_versions_are_marked(builder):
    other = builder.run(block=1)
    other.record["environment"] = other.record["environment"] | {"kernel": "6.2", "packages": {"Flask": "1"}}
    experiment = builder.experiment(builder.run(), other)
    assert experiment.differences == ["kernel", "versions of packages"]
    assert "its runs differ in kernel, versions of packages" in repr(experiment)
    assert "its runs differ in kernel, versions of packages" in experiment._repr_html_()
    assert builder.experiment(builder.run(), builder.run(block=1), name="alike").differences == []


@pytest.mark.parametrize(
    ("fact", "value", "name"),
    [
        ("cpu_count", 64, "number of cores"),
        ("postgresql", "17.1", "version of PostgreSQL"),
        ("commit", "fedcba", "commit"),
        ("changes", "0123456789ab", "local changes to the code"),
    ],
)
def test_runs_of_different_machines_or_code_are_no_experiment(builder, fact, value, name):
    first, other = builder.run(), builder.run("tuned")
    first.record["environment"] = first.record["environment"] | {"changes": None}
    other.record["environment"] = first.record["environment"] | {fact: value}
    with pytest.raises(RecordingError) as excinfo:
        builder.experiment(first, other)
    require_one_line(excinfo, f"differ in {name}")


def test_an_experiment_shows_itself_as_text_and_as_a_table(builder):
    experiment = builder.experiment(builder.run(), builder.run("tuned").invalid())
    text, html = repr(experiment), experiment._repr_html_()
    assert "1 of 2 planned runs are complete, valid and readable" in text
    assert "1-01-as-measured-burst-50" in text
    assert "<table" in html
    assert html.count("<tr") == 3
    run = experiment.runs[1]
    assert repr(run).startswith("tuned under burst-50, complete, not valid: ")
    assert "<table" in run._repr_html_()


def test_text_of_a_record_is_escaped(builder):
    run = builder.run().invalid("<script>alert(1)</script>")
    (shown,) = builder.experiment(run).runs
    assert "<script>" not in shown._repr_html_()


def test_an_experiment_is_complete_when_every_planned_run_ended_by_itself(builder):
    assert builder.experiment(builder.run(), builder.run().invalid()).is_complete()


def test_an_experiment_with_a_run_that_never_started_is_not_complete(builder):
    experiment = builder.experiment(builder.run(), not_started=("1-02-tuned-burst-50",))
    assert len(experiment.runs) == 1
    assert not experiment.is_complete()


def test_an_experiment_with_a_run_that_did_not_complete_is_not_complete(builder):
    assert not builder.experiment(builder.run(), builder.run().cut_off(), name="killed").is_complete()
    assert not builder.experiment(builder.run(), builder.run().aborted(), name="stopped").is_complete()


def test_an_experiment_that_says_it_is_running_is_not_complete(builder):
    assert not builder.experiment(builder.run(), status="running").is_complete()


def test_only_complete_and_valid_runs_are_found(builder):
    good = [builder.run(block=block) for block in (0, 3)]
    bad = (builder.run(block=1).invalid(), builder.run(block=2).aborted(), builder.run(block=4).cut_off())
    others = (builder.run("tuned"), builder.run("as-measured", "burst-25"))
    experiment = builder.experiment(good[0], *bad, good[1], *others)
    assert [run.block for run in experiment.find("as-measured", "burst-50")] == [0, 3]
    of = arm(experiment.by_run, "as-measured", "burst-50")
    assert dict(zip(of["block"], of["requests"], strict=True)) == {0: 150, 3: 150}


def test_a_baseline_has_two_runs_in_a_block(builder):
    runs = [builder.run("tuned", block=block, replicate=replicate) for block in (0, 1) for replicate in (True, False)]
    experiment = builder.experiment(*runs, builder.run("tuned", block=2))
    found = experiment.find("tuned", "burst-50")
    assert [(run.block, run.replicate) for run in found] == [(0, True), (0, False), (1, True), (1, False), (2, False)]
    assert experiment.blocks("tuned", "burst-50") == 3
    assert arm(experiment.by_run, "tuned", "burst-50")["requests"].to_list() == [150] * 5


def test_a_record_without_the_mark_is_no_replicate(builder):
    (run,) = builder.experiment(builder.run()).runs
    del run.record["replicate"]
    assert not run.replicate


def test_an_arm_that_was_not_run_has_no_rows(builder):
    assert arm(builder.experiment(builder.run()).by_run, "tuned", "burst-50").empty


def test_the_newest_experiment_is_the_complete_one_that_ended_last(builder):
    builder.experiment(builder.run("tuned", "burst-25"), name="old")
    builder.experiment(builder.run("tuned", "burst-25"), name="new")
    builder.experiment(builder.run("tuned", "burst-25").cut_off(), name="unfinished")
    damaged = builder.experiment(builder.run("tuned", "burst-25"), name="damaged").directory
    (damaged / "experiment.json").write_text("{")
    (builder.runs / "single-runs").mkdir()
    for age, name in enumerate(("damaged", "unfinished", "new", "old")):
        os.utime(builder.runs / name / "experiment.json", (1e9 - age, 1e9 - age))
    assert newest_experiment(builder.runs) == builder.runs / "new"


def test_without_a_complete_experiment_there_is_no_newest(builder):
    builder.experiment(builder.run().cut_off())
    with pytest.raises(RecordingError) as excinfo:
        newest_experiment(builder.runs)
    require_one_line(excinfo, str(builder.runs), "make report")
