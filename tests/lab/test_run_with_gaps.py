"""Views of a run that lost files, ended early, or is of another application: one line, and the rest; no traceback."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from plotly.callbacks import BoxSelector, Points

from lab import open_experiment
from lab.lab_run import LabRun
from lab.timeline_view import TimelineView
from tests.builders import Builder, RunFiles
from tests.lab.shown_parts import fallback
from tests.lab.test_microscope import text_of
from workbench.errors import RecordingError

VIEWS = ("over_time", "heat_map", "pool", "waits", "statements", "plans", "split", "timeline")
APPLICATION = (
    "queue_us", "pool_us", "db_us", "db_calls", "db_round_trips", "hash_us", "cache_us", "cache", "session_us",
    "loop_us", "app_us", "worker", "connection",
)  # fmt: skip


def said(run: LabRun) -> dict[str, str]:
    """What each view says; each shows itself with and without a front end."""
    views = {name: getattr(run, name)() for name in VIEWS}
    for view in views.values():
        assert fallback(view)
    return {name: " ".join(view.sentences) for name, view in views.items()}


def by_hand(view: TimelineView) -> tuple[str, str]:
    """What a box drawn with the mouse and then a click on the first point show below the figure."""
    texts = []
    view._selected(view.figure.data[0], None, BoxSelector(xrange=(-1.0, 1e4), yrange=(50.0, 1e6)))
    texts.append(text_of(view._below))
    view._clicked(view.figure.data[0], Points(point_inds=[0]), None)
    return texts[0], text_of(view._below)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:500])


def damage(path: Path) -> None:
    """Change the content of a file, and not its size."""
    content = bytearray(path.read_bytes())
    half = slice(50, len(content) // 2)
    content[half] = bytes(255 - byte for byte in content[half])
    path.write_bytes(content)


@pytest.fixture
def opened(builder: Builder) -> Callable[..., LabRun]:
    """The first of some runs of one arm, each changed by a function."""

    def opened(change: Callable[[RunFiles], RunFiles | None] = lambda files: None, blocks: int = 1) -> LabRun:
        runs = [builder.run("tuned", block=block) for block in range(blocks)]
        exp = open_experiment(builder.experiment(*(change(files) or files for files in runs)).directory)
        return exp.run("tuned", "burst-50")

    return opened


def test_a_run_that_was_deleted_under_its_views_is_one_line(opened):
    run = opened()
    timeline = run.timeline()
    shutil.rmtree(run.recorded.directory)
    assert all("1-01-tuned-burst-50 was deleted: there is no /" in text for text in said(run).values())
    box, click = by_hand(timeline)
    assert "was deleted" in box
    assert "was deleted" in click
    assert "was deleted" in repr(run)
    assert "was deleted" in repr(run.requests)
    with pytest.raises(RecordingError, match="cannot be read"):
        run.requests.slowest()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (truncate, "requests.parquet was changed (500 bytes, sealed with"),
        (damage, "1-01-tuned-burst-50: requests.parquet has a page that no run writes"),
    ],
)
def test_of_a_run_whose_requests_were_spoiled_the_readings_are_shown(opened, spoil, reason):
    run = opened()
    timeline = run.timeline()
    spoil(run.recorded.directory / "requests.parquet")
    texts = said(run)
    for name in ("over_time", "heat_map", "split", "timeline", "waits"):
        assert reason in texts[name]
    assert "connections were in use" in texts["pool"]
    assert "of the time of all statements" in texts["statements"]
    shown = run.over_time()
    assert {"worker 0", "server", "database"} <= {trace.name for trace in shown.figure.data}
    assert shown.figure.layout.xaxis3.title.text == "seconds since the start of the run"
    assert all(reason.removeprefix(f"{run.recorded.name}: ") in text for text in by_hand(timeline))


def test_readings_that_were_truncated_are_as_if_they_were_not_read(opened):
    run = opened()
    for name in ("pool", "process", "database"):
        truncate(run.recorded.directory / f"{name}.parquet")
    texts = said(run)
    assert "The pool and the CPU were not read in this run." in texts["over_time"]
    assert "was not read" in texts["pool"]
    assert "not read" in texts["waits"]
    assert "not counted" in texts["statements"]
    assert "150 measured requests" in texts["timeline"]


def test_other_runs_of_the_arm_that_were_lost_are_named_and_left_out(opened):
    run = opened(blocks=4)
    timeline = run.timeline()
    before = timeline.brush(min_latency_ms=50).table["blocks"].max()
    _, second, third, _ = run.siblings
    shutil.rmtree(second.directory)
    truncate(third.directory / "requests.parquet")
    answer = timeline.brush(min_latency_ms=50)
    assert (before, answer.table["blocks"].max()) == (4, 2)
    assert answer.sentences[-2].startswith("Left out: 2-02-tuned-burst-50 was deleted")
    assert answer.sentences[-1].startswith("Left out: 3-03-tuned-burst-50: requests.parquet was changed")
    damage(run.siblings[3].directory / "requests.parquet")
    for _ in range(2):
        answer = timeline.brush(min_latency_ms=50)
        assert answer.table["blocks"].max() == 1
        assert sum(text.startswith("Left out: ") for text in answer.sentences) == 3


def test_a_run_that_was_cut_off_is_brushed_alone(builder):
    runs = [builder.run("tuned", block=block) for block in range(4)]
    exp = open_experiment(builder.experiment(runs[0].cut_off(), *runs[1:]).directory)
    run = exp.run("tuned", "burst-50")
    texts = said(run)
    assert "A selection counts all of them, of this run alone." in texts["timeline"]
    assert "The pool and the CPU were not read in this run." in texts["over_time"]
    box, click = by_hand(run.timeline())
    assert "No interval: 1 block has" in box
    assert "no request has a wait event" in box
    assert "Not read in this run: the pools, the database&#x27;s sessions, its statements." in click


def test_a_run_that_sent_nothing_has_no_points(opened):
    def without_rows(files: RunFiles) -> RunFiles:
        files.rows = []
        return files.cut_off()

    texts = said(opened(without_rows))
    assert "No request was sent." in texts["over_time"]
    assert "no measured request has a latency" in texts["timeline"]


def test_an_application_without_server_timings_has_no_wait_and_no_worker(opened):
    def foreign(files: RunFiles) -> None:
        for row in files.rows:
            row.update(dict.fromkeys(APPLICATION))
        files.record["deployment"] = {"name": "tuned", "settings": {}, "target": "http://127.0.0.1:8000"}
        files.process = [row for row in files.process if row["role"] == "generator"]
        files.pool = files.database = None

    run = opened(foreign, blocks=4)
    texts = said(run)
    assert "parts are known (`Server-Timing`)" in texts["split"]
    assert (
        "The pool was not read in this run. The CPU of the application was not read, only that of generator."
        in (texts["over_time"])
    )
    assert "No request reported its worker." in run.timeline("worker").sentences
    box, click = by_hand(run.timeline())
    assert "no request has a wait event" in box
    assert "so nothing is known of its wait" in click


def test_a_run_with_failures_only_has_no_percentile_and_is_brushed(opened):
    def failed(files: RunFiles) -> None:
        for row in files.rows:
            row.update(ok=False, error="status 500", status=500)

    run = opened(failed)
    texts = said(run)
    assert "so there is no latency" in texts["over_time"]
    assert "no successful request" in texts["split"]
    assert "150 measured requests" in texts["heat_map"]
    assert "failed (status 500)" in by_hand(run.timeline())[1]


def test_requests_without_a_latency_are_in_no_figure(opened):
    def untimed(files: RunFiles) -> None:
        for row in files.rows:
            row.update(latency_us=None, response_us=None)

    run = opened(untimed)
    texts = said(run)
    assert "no measured request has a latency" in texts["timeline"]
    assert "no request with a latency" in texts["heat_map"]
    assert "no successful request" in texts["split"]
    assert "has a latency" in run.requests.slowest().sentences[0]


def test_a_single_request_is_shown_and_nothing_is_compared(opened):
    def first_only(files: RunFiles) -> None:
        files.rows = files.rows[:1]
        files.record["generator"] |= {"requests": 1, "rows": 1}

    run = opened(first_only)
    texts = said(run)
    assert "1 measured request." in texts["timeline"]
    assert "1 request of the tail" in texts["split"]
    assert "p99 in 1 (fewer than 100)" in texts["over_time"]
    view = run.timeline()
    assert "nothing to compare" in view.brush(min_latency_ms=0).sentences[0]


def test_menus_of_two_arms_answer_after_a_run_was_lost(builder):
    runs = [builder.run(name, block=block) for block in range(2) for name in ("as-measured", "tuned")]
    view = open_experiment(builder.experiment(*runs).directory).arms()
    truncate(view._experiment.runs[0].directory / "requests.parquet")
    view._menus["endpoint"].value = "login"
    assert "Under burst-50 login took" in view.sentences[0]  # of what was read when the experiment was opened
    assert fallback(view)
