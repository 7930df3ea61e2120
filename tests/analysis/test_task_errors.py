"""Tasks that ended with an error of their own are named, with their errors, wherever an experiment is shown."""

from analysis import task_errors
from tests.builders import Builder
from workbench.arms import BURST_50, TUNED


def experiment(builder: Builder, *errors):
    """A run a block with these errors of its tasks, by kind; None for a run that is not valid."""
    runs = []
    for block, kinds in enumerate(errors):
        run = builder.run(TUNED, BURST_50, block=block)
        run.record["generator"] = {**run.record.get("generator", {}), "task_errors": kinds or {"ValueError": 7}}
        runs.append(run if kinds is not None else run.invalid())
    return builder.experiment(*runs)


def test_errors_of_valid_runs_are_counted_by_kind(builder):
    errors = ({"KeyError: 'bag'": 1000, "IndexError": 2}, {"KeyError: 'bag'": 500}, None)
    text = task_errors.remark(experiment(builder, *errors))
    assert text.startswith("1,502 tasks of the locustfile ended with an error of its own, in 2 of 2 valid runs: ")
    assert "1,500 × KeyError: 'bag', 2 × IndexError; " in text


def test_rare_kinds_are_counted_together(builder):
    kinds = {f"Error{number}": 10 - number for number in range(5)}
    assert "8 × Error2, 13 others; " in task_errors.remark(experiment(builder, kinds))


def test_a_secret_in_an_error_is_left_out(builder):
    text = task_errors.remark(experiment(builder, {"ValueError: http://me:correct-horse@host/": 1}))
    assert "correct-horse" not in text


def test_nothing_is_printed_without_errors(builder):
    run = builder.run(TUNED, BURST_50)
    assert task_errors.remark(builder.experiment(run)) == ""
