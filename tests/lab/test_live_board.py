"""The board of an experiment that goes on: states, p95, time left, and intervals with as many blocks as there are."""

import json
import shutil

import pytest

from lab.live_board import Board
from tests.builders import seal_experiment
from workbench.arms import BASELINE, BURST_50, TUNED
from workbench.primary_metrics import PrimaryMetric, to_record

PRIMARY = to_record([PrimaryMetric("makespan_s", BURST_50, (TUNED,))])


def arms(builder, block):
    spread = 1.0 + 0.01 * (block % 3)
    return [
        builder.run(BASELINE, BURST_50, block=block),
        builder.run(BASELINE, BURST_50, block=block, replicate=True, slower=spread),
        builder.run(TUNED, BURST_50, block=block, slower=spread),
    ]


@pytest.fixture
def grow(builder):
    """Writes an experiment of eight planned blocks, of which so many have ended and one run goes on."""

    def write(blocks, *, invalid=False, going=True):
        runs = [run for block in range(blocks) for run in arms(builder, block)]
        if invalid:
            runs[-1].invalid("the <reason>")
        if going:
            runs.append(builder.run(BASELINE, BURST_50, block=blocks).cut_off())
        made = builder.experiment(*runs, status="running", primary_metrics=PRIMARY)
        record = json.loads((made.directory / "experiment.json").read_text())
        planned = [entry for block in range(8) for entry in _entries(block)]
        names = [run.name for run in runs]
        record["runs"] = [{"run": name, **entry} for name, entry in zip(names, planned, strict=False)] + [
            {"run": f"{entry['block'] + 1}-9{number}-later", **entry}
            for number, entry in enumerate(planned[len(names) :])
        ]
        seal_experiment(made.directory, record)
        return made.directory

    return write


def _entries(block):
    arms_ = ((BASELINE, False), (BASELINE, True), (TUNED, False))
    return [{"deployment": name, "scenario": BURST_50, "block": block, "replicate": twice} for name, twice in arms_]


def test_runs_have_their_p95_and_state_as_they_end(grow):
    board = Board(grow(2))
    board.look()
    assert list(board.table["state"][:8]) == ["valid"] * 6 + ["going", "waiting"]
    assert board.table["p95_ms"][:6].notna().all()
    assert (board.ended, board.blocks_ended, board.going.name) == (6, 2, board.table["run"][6])
    assert not board.is_complete


def test_a_few_runs_are_read_at_a_time(grow):
    board = Board(grow(2))
    board.look(at_once=1)
    assert board.ended == 1
    board.look(at_once=4)
    assert board.ended == 5


def test_an_interval_takes_four_blocks_and_is_wider_than_that_of_a_fixed_number(grow):
    few = Board(grow(2))
    few.look()
    (effect,) = few.effects
    assert (effect.low, effect.blocks, effect.before, effect.after) == (None, 2, BASELINE, TUNED)
    assert effect.ratio < 0.1


def test_the_interval_of_now_contains_the_ratio(grow):
    board = Board(grow(5))
    board.look()
    (effect,) = board.effects
    assert effect.low < effect.ratio < effect.high
    assert effect.blocks == 5


def test_an_invalid_run_is_marked_with_its_reason_and_enters_no_interval(grow):
    board = Board(grow(4, invalid=True))
    board.look()
    assert board.invalid == ["the <reason>"]
    assert board.effects[0].blocks == 3
    shown = board.html()
    assert "○" in shown
    assert "the &lt;reason&gt;" in shown
    assert "<reason>" not in shown


def test_the_time_left_is_that_of_the_runs_so_far(grow):
    board = Board(grow(4, going=False))
    board.look()
    assert board.left_s == pytest.approx(60.0 * 12)  # each took a minute, and half of 24 are left


def test_before_the_record_there_is_nothing_and_after_damage_the_last_state(grow, tmp_path):
    empty = Board(tmp_path / "none")
    empty.look()
    assert (empty.table.empty, empty.left_s, empty.blocks_ended) == (True, 0, 0)
    directory = grow(2)
    board = Board(directory)
    board.look()
    (directory / "experiment.json").write_text("{")
    board.look()
    assert board.ended == 6


def test_a_run_that_was_deleted_meanwhile_keeps_its_value(grow):
    directory = grow(2)
    board = Board(directory)
    board.look()
    for path in (directory / board.table["run"][0]).iterdir():
        path.unlink()
    board.look()
    assert board.table["state"][0] == "valid"


def test_a_run_whose_record_is_damaged_or_whose_folder_is_gone_says_so(grow):
    directory = grow(2)
    first, second, *_ = sorted(path.parent.name for path in directory.glob("1-*/run.json"))
    (directory / first / "run.json").write_text("{")
    shutil.rmtree(directory / second)
    board = Board(directory)
    board.look()
    rows = board.table.set_index("run")
    assert (rows["state"][first], rows["reason"][first]) == (
        "not valid",
        "run.json is not readable JSON; measure again",
    )
    assert (rows["state"][second], rows["reason"][second]) == ("not valid", "its folder is gone")
    assert (board.ended, len(board.invalid), board.is_gone) == (4, 2, False)
    shutil.rmtree(directory)
    board.look()
    assert (board.ended, board.is_gone) == (4, True)
