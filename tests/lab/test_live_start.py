"""Measurements that are started from a notebook: real runs, their views, and nothing left behind."""

import asyncio

import pytest
from jupyter_client.manager import start_new_kernel

from lab import attach, live_start, start_experiment, start_run
from tests.lab.shown_parts import fallback
from workbench.errors import RecordingError, UsageError
from workbench.paths import REPOSITORY
from workbench.polling import attempts

PATIENCE_S = 60


@pytest.fixture(autouse=True)
def own_data(command, monkeypatch):
    """The measurements of a test are in the data directory of the tests, and end with it."""
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(command.data))
    monkeypatch.setattr(live_start, "_started", [])
    yield
    for live in live_start._started:
        live._measurement.close()
    assert command.processes() == []


def test_a_run_is_followed_and_opened_when_it_has_ended(command):
    live = start_run("tuned", "burst-8", scale="small")
    assert attach() is live
    with pytest.raises(UsageError, match="two at once would measure each other"):
        start_run("tuned", "burst-8")
    with pytest.raises(RecordingError, match="the run goes on"):
        _ = live.recorded
    assert live.wait(PATIENCE_S)
    assert live.table["successes"].sum() == 24
    assert "tuned burst-8: complete" in fallback(live)
    assert len(live.recorded.requests.slowest("login", 3).table) == 3
    assert live.figure.data[0].x[0] == 0


def test_a_run_is_stopped_between_cells(command):
    async def cells():
        live = start_run("tuned", "sustained-8", scale="small")
        live._repr_mimebundle_()  # what a cell does: it follows the run from now on
        for _ in attempts(PATIENCE_S, 0.0):
            await asyncio.sleep(0.2)
            if len(live.figure.data[0].x) > 1:
                break
        live._button.click()
        await live._task
        return live

    live = asyncio.run(cells())
    assert not live.is_going
    assert live._button.disabled
    assert "stopped by SIGTERM" in repr(live)
    assert live.recorded.recorded.status == "aborted"


ARMS = ["base=deployment:tuned", "head=deployment:as-claimed"]


async def waiting(live):
    """What ends a cell that waits for an experiment."""
    try:
        return await live.completed()
    except KeyboardInterrupt as interrupt:
        return str(interrupt)


async def until(condition):
    for _ in attempts(PATIENCE_S, 0.0):
        await asyncio.sleep(0.2)
        if condition():
            return
    pytest.fail(f"not true after {PATIENCE_S} s")


def test_an_experiment_is_waited_for_while_its_buttons_stop_a_run_and_all_of_it(command, capsys):
    async def cells():
        live = start_experiment(arm=ARMS, scenario="sustained-8", blocks=4, scale="small")
        live._repr_mimebundle_()
        cell = asyncio.create_task(waiting(live))
        await until(lambda: not live._stop_run.disabled and live._run.table["successes"].sum() > 0)
        cell.cancel()  # as interrupting it does
        ends = [await cell]
        assert live.is_going
        live._stop_run.click()
        assert live._stop_run.disabled
        assert any("is being stopped" in text for text in live.sentences)
        assert live._run_box.children == (live._run.widget,)
        await until(lambda: live._board.ended == 1)
        live._stop.click()
        return live, [*ends, await waiting(live)]

    live, ends = asyncio.run(cells())
    assert ends == ["this cell waits no longer; the measurement goes on", "stopped by SIGTERM"]
    live.look()
    ended = live.table[live.table["state"] == "not valid"]
    assert [reason.partition(" by ")[2] for reason in ended["reason"]] == ["hand", "SIGTERM"]
    assert any("It can be resumed" in text for text in live.sentences)
    assert capsys.readouterr().out.count("is not valid: stopped by hand") == 1
    assert command.processes() == []


def test_waiting_for_what_cannot_be_measured_raises_its_error():
    with pytest.raises(RuntimeError, match="there is no profile 'nope'"):
        asyncio.run(start_experiment("nope").completed())


@pytest.mark.parametrize(
    ("start", "problem"),
    [
        (lambda: start_run("fastest", "burst-8"), "there is no deployment 'fastest'"),
        (lambda: start_experiment("smoke", until_decided=8), "the profile smoke compares nothing"),
        pytest.param(lambda: start_run("tuned", "burst-8", wrong=1), "No such option", marks=pytest.mark.exhaustive),
    ],
)
def test_what_cannot_be_measured_is_one_line(start, problem):
    live = start()
    assert live.wait(PATIENCE_S)
    assert problem in live.sentences[0]
    assert problem.partition("'")[0] in fallback(live)
    assert live.table.empty


def test_a_name_that_is_no_id_is_refused_before_anything_starts():
    with pytest.raises(UsageError, match="cannot be an id"):
        start_experiment(experiment="../x")
    with pytest.raises(RecordingError, match="this kernel has started no measurement"):
        attach()


@pytest.mark.parametrize("end", ["shutdown", pytest.param("kill", marks=pytest.mark.exhaustive)])
def test_the_end_of_the_kernel_ends_the_run_and_leaves_nothing(command, end):
    kernel, client = start_new_kernel(cwd=str(REPOSITORY))
    try:
        code = "from lab import start_run\nlive = start_run('tuned', 'sustained-8', scale='small')\nlive"
        client.execute_interactive(code, timeout=PATIENCE_S, output_hook=lambda message: None)
        for _ in attempts(PATIENCE_S, 0.2):
            if any("loadgen.generator" in line for line in command.processes()):
                break
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=end == "kill")
    for _ in attempts(PATIENCE_S, 0.2):
        if not command.processes():
            break
    assert command.processes() == []
