"""What goes on, in a real JupyterLab: watched, stopped, attached to, ended with its kernel; and notebooks 00 to 03."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import psutil
import pytest

from tests.browser.jupyter_lab import Lab, chromium, contrast, serving, wait_for
from tests.builders import Builder
from workbench.arms import BASELINE, TUNED
from workbench.paths import REPOSITORY
from workbench.recording import open_run

pytestmark = pytest.mark.extra

CELLS = (
    'from lab import attach, start_run\nlive = start_run("tuned", "sustained-8", scale="small", duration=600)\nlive',
    "live.recorded",
    "attach()",
)
LINES = "return [...document.querySelectorAll('.js-plotly-plot')].at(-1).data[0].x.length"
HEADLINE = "return [...document.querySelectorAll('.workbench-lab strong')].at(-1).innerText"
INKS_AND_GROUND = """
const ink = selector => [...document.querySelectorAll(selector)].at(-1);
return [getComputedStyle(ink('.js-plotly-plot text')).fill, getComputedStyle(ink('.workbench-lab strong')).color,
        getComputedStyle(ink('.workbench-lab th')).color,
        getComputedStyle(document.querySelector('.jp-Notebook')).backgroundColor];
"""
SPREAD = (1.0, 1.02, 0.98, 1.01)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small experiment, copies of the notebooks (02 and 03 keep their findings here), and one of this test."""
    folder = tmp_path_factory.mktemp("live")
    builder = Builder(folder / "data" / "runs")
    arms = [(name, block, slower) for name in (BASELINE, TUNED) for block, slower in enumerate(SPREAD)]
    builder.experiment(*(builder.run(name, "burst-50", block=block, slower=slower) for name, block, slower in arms))
    notebooks = shutil.copytree(REPOSITORY / "notebooks", folder / "notebooks")
    for name, parameters in (
        ("01-measure", {'profile: str = ""': 'profile: str = "smoke"'}),
        ("02-analyse", {'findings: str = ""': f'findings: str = "{folder}/findings.json"'}),
        ("03-report", {'findings: str = ""': f'findings: str = "{folder}/findings.json"'}),
    ):
        _set_parameters(notebooks / f"{name}.ipynb", parameters)
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(made, notebooks / "live.ipynb")
    return folder


def _set_parameters(path: Path, parameters: dict[str, str]) -> None:
    notebook = nbformat.read(path, as_version=4)
    (cell,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ()))
    for before, after in parameters.items():
        assert before in cell.source
        cell.source = cell.source.replace(before, after)
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def lab(folder: Path) -> Iterator[Lab]:
    """JupyterLab on the folder; a test opens its notebook."""
    with serving(folder / "data", folder) as server, chromium(folder / "profile", 3200) as driver:
        yield Lab(driver, server)


@pytest.mark.parametrize("name", ["00-start", "02-analyse", "03-report"])
def test_a_notebook_runs_cell_by_cell(lab, name):
    lab.open(f"notebooks/{name}.ipynb")
    for number in range(len(lab.execution_counts())):
        lab.run_cell(number)
        lab.wait_until_idle(f"end of cell {number}")
    assert lab.errors() == []
    assert lab.execution_counts() == list(range(1, len(lab.execution_counts()) + 1))
    lab.save()
    lab.execute("kernelmenu:shutdown")


def test_a_run_is_watched_stopped_and_opened(lab, folder):
    lab.open("notebooks/live.ipynb")
    lab.run_cell(0)
    wait_for(lambda: lab.run(LINES) >= 2, "seconds in the chart")
    headline, seconds = lab.run(HEADLINE), lab.run(LINES)
    assert str(headline).startswith("tuned sustained-8: ")
    wait_for(lambda: lab.run(LINES) > seconds and lab.run(HEADLINE) != headline, "next second")
    lab.button("Stop this run").click()
    wait_for(lambda: "It is not valid: stopped by SIGTERM" in lab.text(), "end of the run")
    lab.run_cell(1)
    wait_for(lambda: "tuned under sustained-8, aborted, not valid: stopped by SIGTERM" in lab.text(), "opened run")
    (directory,) = (folder / "data" / "runs" / "single-runs").iterdir()
    run = open_run(directory)
    assert (run.status, run.defects) == ("aborted", ())
    assert len(run.requests) > 0
    assert lab.errors() == []


def test_a_run_goes_on_while_the_page_is_loaded_anew(lab):
    """It goes on with the notebook of the test before."""
    lab.run_cell(0)
    wait_for(lambda: lab.run(LINES) >= 2, "seconds in the chart")
    lab.reload()
    lab.run_cell(2)
    wait_for(lambda: lab.run(LINES) >= 2, "seconds in the chart of the new page")
    seconds = lab.run(LINES)
    wait_for(lambda: lab.run(LINES) > seconds, "next second")
    assert "sustained-8: measure" in str(lab.run(HEADLINE))
    assert lab.errors() == []


def test_the_end_of_the_kernel_ends_the_run_and_leaves_no_process(lab):
    """It ends the run of the test before."""
    (kernel,) = (child for child in psutil.Process(lab.server.pid).children() if "ipykernel" in str(child.cmdline()))
    processes = [kernel, *kernel.children(recursive=True)]
    assert any("loadgen.generator" in str(process.cmdline()) for process in processes)
    lab.save()
    lab.execute("kernelmenu:shutdown")
    gone, left = psutil.wait_procs(processes, timeout=30)
    assert left == []
    assert len(gone) > 5


def test_01_shows_a_board_whose_buttons_answer_while_its_last_cell_waits(lab, folder):
    lab.open("notebooks/01-measure.ipynb")
    lab.begin("notebook:run-all-cells")
    wait_for(lambda: "block 1" in lab.text() and "…" in lab.text(), "run on the board")
    wait_for(lambda: lab.button("Stop now").is_enabled(), "button")
    wait_for(lab.are_figures_fitted, "chart as wide as its place, though it was added to what was shown already")
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        lab.execute("apputils:change-theme", json.dumps({"theme": theme}))
        wait_for(lambda: lab.run("return document.body.dataset.jpThemeName") == theme, theme)  # noqa: B023
        wait_for(lambda: min(_contrasts(lab)) >= 4.5, f"readable text on {theme}")
    lab.button("Stop now").click()
    wait_for(lambda: "It was stopped" in lab.text(), "end of the experiment")
    lab.wait_until_idle("end of the last cell")
    (error,) = lab.errors()
    assert error.splitlines()[-1] == "KeyboardInterrupt: stopped by SIGTERM"
    assert "It can be resumed: start_experiment(experiment=" in lab.text()
    lab.execute("kernelmenu:shutdown")


def _contrasts(lab: Lab) -> list[float]:
    *inks, ground = lab.run(INKS_AND_GROUND)  # type: ignore[misc]
    return [contrast(ink, ground) for ink in inks]


def test_nothing_was_requested_of_the_network_and_nothing_failed_in_the_console(lab):
    assert lab.requests_elsewhere() == []
    assert lab.console_errors() == []
