"""Notebooks run in this interpreter, whatever the caller's Jupyter, IPython, Python and matplotlib are set to."""

import json
import sys

import nbformat
import pytest

from reports import execution, render

STALE = {"argv": ["/no/such/python", "-f", "{connection_file}"], "display_name": "Stale", "language": "python"}
PROBE = """
import ipykernel, json, sys, IPython, matplotlib.pyplot
json.dumps([sys.executable, ipykernel.__file__, IPython.paths.get_ipython_dir(), __debug__, sys.warnoptions])
"""


@pytest.fixture
def notebook(monkeypatch, tmp_path):
    """Execute a notebook with one cell; returns the text of its output."""
    monkeypatch.setattr(execution, "NOTEBOOKS", tmp_path)

    def execute(source):
        cells = [nbformat.v4.new_code_cell(source)]
        kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        made = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec})
        nbformat.write(made, tmp_path / "probe.ipynb")
        executed = execution.execute("probe", {}, tmp_path / "executed")
        (cell,) = (cell for cell in nbformat.read(executed, as_version=4).cells if cell.source == source)
        return cell.outputs[0]["data"]["text/plain"].strip("'")

    return execute


@pytest.fixture
def hostile(monkeypatch, tmp_path):
    """An environment in which Jupyter, IPython and Python would each start something else."""
    folder = tmp_path / "hostile"
    for name in ("path", "data"):
        (folder / name / "kernels" / "python3").mkdir(parents=True)
        (folder / name / "kernels" / "python3" / "kernel.json").write_text(json.dumps(STALE))
    profile = folder / "ipython" / "profile_default"
    (profile / "startup").mkdir(parents=True)
    (profile / "startup" / "00.py").write_text("raise SystemExit(3)")
    (profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.exec_lines = ['raise SystemExit(4)']")
    (folder / "modules").mkdir()
    (folder / "modules" / "ipykernel_launcher.py").write_text("raise SystemExit(5)")
    (folder / "startup.py").write_text("raise SystemExit(6)")
    base = folder / "path" / "nbconvert" / "templates" / "base"
    base.mkdir(parents=True)
    (base / "conf.json").write_text('{"preprocessors": {"x": {"type": "no.such.Preprocessor", "enabled": true}}}')
    (base / "display_priority.j2").write_text("FOREIGN")
    for variable, place in {
        "JUPYTER_PATH": "path", "JUPYTER_DATA_DIR": "data", "IPYTHONDIR": "ipython", "PYTHONPATH": "modules",
        "PYTHONSTARTUP": "startup.py", "JUPYTER_CONFIG_DIR": "path", "JUPYTER_RUNTIME_DIR": "absent/folder",
        "PAPERMILL_KERNEL": "stale", "MATPLOTLIBRC": "absent/file",
    }.items():  # fmt: skip
        monkeypatch.setenv(variable, str(folder / place))
    for variable, value in {"PYTHONOPTIMIZE": "2", "PYTHONWARNINGS": "error", "MPLBACKEND": "no.such.backend"}.items():
        monkeypatch.setenv(variable, value)
    return folder


def test_the_kernel_is_this_interpreter(notebook, hostile):
    executable, ipykernel, ipython, has_assertions, warnings = json.loads(notebook(PROBE))
    assert executable == sys.executable
    assert not ipykernel.startswith(str(hostile))
    assert not ipython.startswith(str(hostile))
    assert (has_assertions, warnings) == (True, [])


def test_the_page_has_no_template_of_the_callers(hostile):
    cells = [
        nbformat.v4.new_code_cell(
            "1", outputs=[nbformat.v4.new_output("execute_result", {"text/plain": "report complete"})]
        )
    ]
    executed = hostile / "page.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), executed)
    render.render(executed, hostile / "page.html")
    assert "FOREIGN" not in (hostile / "page.html").read_text()
