"""Commands to be typed next name the interpreter, files and the repository so that they work in this folder."""

import sys
from pathlib import Path

import pytest

from workbench import shell_commands
from workbench.paths import REPOSITORY


@pytest.mark.parametrize(
    ("program", "shown"),
    [
        ("FOLDER/.venv/bin/python", ".venv/bin/python"),
        ("FOLDER/python", "./python"),
        ("FOLDER/my tools/python", "'my tools/python'"),
        ("/opt/tools/bin/python3", "/opt/tools/bin/python3"),
        ("/opt/my tools/python", "'/opt/my tools/python'"),
        ("FOLDER-2/python", "FOLDER-2/python"),
        ("", "python3"),
    ],
)
def test_interpreter_is_the_one_in_use(monkeypatch, tmp_path, program, shown):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", program.replace("FOLDER", str(tmp_path)))
    assert shell_commands.python() == shown.replace("FOLDER", str(tmp_path))


def test_repository_is_named_outside_of_it_alone(monkeypatch, tmp_path):
    monkeypatch.chdir(REPOSITORY)
    assert shell_commands.make("report", "EXPERIMENT=mine") == "make report EXPERIMENT=mine"
    assert shell_commands.file(Path("load/my app.toml")) == "'load/my app.toml'"
    monkeypatch.chdir(tmp_path)
    assert shell_commands.make("report", "EXPERIMENT=mine") == f"make -C {REPOSITORY} report EXPERIMENT=mine"
    assert shell_commands.file(Path("app.toml")) == str(tmp_path / "app.toml")
