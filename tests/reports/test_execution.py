"""A notebook that did not run to its end has failed, with its name and the reason."""

import inspect
import re

import nbformat
import pytest

from loadgen.experiment import plan_for
from reports import build as building
from reports import execution
from workbench.errors import UserError
from workbench.interruption import Interrupted

DECLARED = 'experiment: str = ""  # an id\nblocks: int = 4  # a number'
CHECK = 'from workbench.notebook_parameters import check_parameters\ncheck_parameters("probe", globals())'


@pytest.fixture
def execute(monkeypatch, tmp_path):
    """Execute a notebook with these cells, the first of which declares parameters; returns its cells."""
    monkeypatch.setattr(execution, "NOTEBOOKS", tmp_path)

    def execute(*sources, parameters=None, **options):
        cells = [nbformat.v4.new_code_cell(source) for source in (DECLARED, *sources)]
        cells[0].metadata["tags"] = ["parameters"]
        kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec})
        nbformat.write(notebook, tmp_path / "probe.ipynb")
        executed = execution.execute("probe", parameters or {}, tmp_path / "executed", **options)
        return nbformat.read(executed, as_version=4).cells

    return execute


def refused(execute, *sources, **options):
    """The message with which the notebook fails."""
    with pytest.raises(UserError) as refusal:
        execute(*sources, **options)
    return refusal.value.message


def test_a_notebook_that_ran_to_its_end_is_returned_with_its_outputs(execute):
    *_, last = execute(CHECK, "", "experiment * blocks", parameters={"experiment": "ab", "blocks": 2})
    assert last.outputs[0].data["text/plain"] == "'abab'"


def test_an_interrupted_cell_is_an_interruption(execute):
    with pytest.raises(Interrupted, match="stopped by SIGTERM"):
        execute("raise KeyboardInterrupt('stopped by SIGTERM')")


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_kernel_that_ends_is_named(execute, end):
    assert "the kernel of probe ended before the notebook" in refused(execute, f"import os\n{end}")


@pytest.mark.parametrize("end", ["import sys; sys.exit(0)", "raise SystemExit"])
def test_a_cell_that_ends_the_notebook_with_success_is_named(execute, end):
    message = refused(execute, end, "1 + 1")
    assert message.startswith(f"probe ended early, in the cell that begins with {end!r}; its cells are in ")


def test_an_exit_in_the_last_cell_is_named_too(execute):
    assert refused(execute, "1 + 1", "raise SystemExit(0)").startswith("probe ended early")


def test_an_exit_with_a_code_is_an_error_of_the_notebook(execute):
    assert re.match(r"probe failed with SystemExit: 3; its cells are in \S+$", refused(execute, "raise SystemExit(3)"))


def test_quit_does_not_pass_for_a_success(execute):
    assert "probe" in refused(execute, "quit()", "import time; time.sleep(1)", "1")


def test_a_cell_that_runs_too_long_is_named_with_its_limit(execute):
    message = refused(execute, "import time\ntime.sleep(60)", max_cell_s=1)
    assert message == "probe was stopped: a cell ran longer than 1 s, the one that begins with 'import time'"


def test_a_cell_has_15_minutes_by_default():
    assert inspect.signature(execution.execute).parameters["max_cell_s"].default == 15 * 60


def test_a_failure_leaves_no_copy_of_an_earlier_execution(execute, tmp_path):
    (tmp_path / "executed").mkdir()
    (tmp_path / "executed" / "probe.ipynb").write_text("earlier")
    refused(execute, "import os; os._exit(0)")
    assert not (tmp_path / "executed" / "probe.ipynb").exists()


def test_a_parameter_that_the_notebook_does_not_have_is_refused(execute):
    message = refused(execute, CHECK, parameters={"colour": "green"})
    assert message == "probe has no parameter 'colour'; it has experiment, blocks"


def test_a_parameter_of_another_type_is_refused(execute):
    message = refused(execute, CHECK, parameters={"experiment": 5})
    assert message.startswith("probe: the parameter experiment is 5, which is of type int and has to be of type str")


def test_a_measurement_has_four_times_its_plan_two_hours_at_least_and_two_a_search():
    for profile in ("quick", "what-if", "smoke"):
        plan = plan_for(None, profile, None, 1)
        expected_s = max(7200, 4 * sum(plan.expected_s)) + 7200 * len(plan.searches)
        assert building._max_measure_s(plan) == pytest.approx(expected_s, abs=1)
