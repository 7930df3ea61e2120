"""The import of one file, as a command."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.analysis.imports import result_files
from tests.analysis.imports.result_files import NAME
from workbench.recording import Run


@pytest.fixture
def import_file(command, tmp_path: Path) -> Callable[..., Run]:
    """Import a file of this name and content as the only arm; gives the run."""

    def run(content: str | bytes, *options: str, name: str = "results") -> Run:
        path = result_files.write(tmp_path / name, content)
        result = command("import", "--experiment", NAME, "--arm", f"arm={path}", *options)
        assert result.exit_code == 0, result.output
        return result_files.run_of(tmp_path)

    return run


@pytest.fixture
def refused(command, tmp_path: Path) -> Callable[..., None]:
    """Require that the import of a file is refused in one line with these words, and leaves nothing behind."""

    def require(content: str | bytes, *words: str, options: tuple[str, ...] = (), name: str = "results") -> None:
        path = result_files.write(tmp_path / name, content)
        result = command("import", "--experiment", NAME, "--arm", f"arm={path}", *options)
        assert result.exit_code in (1, 2)
        assert result.stdout == ""
        (line,) = result.stderr.splitlines()
        assert line.startswith("Error: ")
        assert all(word in line for word in words), line
        assert [*(tmp_path / "runs").glob("*")] == []

    return require
