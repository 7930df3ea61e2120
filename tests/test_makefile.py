"""The Makefile in a folder of any name, and with any values: it removes and executes nothing but the project's own."""

import hashlib
import os
import shutil
import subprocess
import zipfile

import pytest

from workbench.paths import REPOSITORY

FOLDER = "my \"own\" 'work' $HOME $(touch pwned) `touch pwned` Lager-Größe; touch pwned"
DECOYS = ("my", 'my "own"', "Lager-Größe;", "touch", "pwned-not")
PACKAGES = ("workbench", "instrumentation", "reference_app", "loadgen", "analysis", "reports", "lab", "bench", "tests")
VALUES = [
    "x; touch pwned", "$(touch pwned)", "$(shell touch pwned)", "`touch pwned`", "'\"; touch pwned; '\"", "a\nb", "-x",
]  # fmt: skip


class Project:
    """A folder with the Makefile, beside decoys that have the first parts of its name."""

    def __init__(self, parent):
        self.parent = parent
        self.folder = parent / FOLDER
        self.folder.mkdir()
        for decoy in DECOYS:
            (parent / decoy).mkdir()
            (parent / decoy / "kept").touch()
        for package in PACKAGES:
            (self.folder / package).mkdir()
        for name in ("Makefile", "requirements.lock", "audit.lock", "scale.lock", "store.lock", "pyproject.toml"):
            shutil.copy2(REPOSITORY / name, self.folder / name)

    def make(self, *arguments, cwd=None, timeout=60, **variables):
        environ = {**os.environ, "TRACETRACK_DATA_DIR": str(self.parent / "data"), **variables}
        for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):  # of a make that runs the tests
            environ.pop(name, None)
        return subprocess.run(
            ["make", *arguments],
            cwd=cwd or self.folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def borrow_environment(self):
        """Use the tests' own environment, as if it were set up here."""
        (self.folder / ".venv").symlink_to(REPOSITORY / ".venv")

    def require_untouched(self):
        assert all((self.parent / decoy / "kept").exists() for decoy in DECOYS)
        assert not list(self.parent.rglob("pwned"))


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_clean_removes_what_was_built_and_nothing_else(project):
    built = [".venv/bin", "reports/html", "reports/executed", "data/postgres", "loadgen/__pycache__", ".mypy_cache"]
    kept = ["data/runs/one", "reports/sections", "mine/__pycache__", "notebooks"]
    for name in built + kept:
        (project.folder / name).mkdir(parents=True)
    finished = project.make("clean")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert not any((project.folder / name).exists() for name in built)
    assert all((project.folder / name).exists() for name in kept)
    project.require_untouched()


def test_clean_leaves_what_a_link_leads_to(project, tmp_path):
    shared = tmp_path / "shared"
    (shared / "bin").mkdir(parents=True)
    (project.folder / ".venv").symlink_to(shared)
    assert project.make("clean").returncode == 0
    assert (shared / "bin").exists()
    assert not (project.folder / ".venv").is_symlink()


def test_another_folder_is_refused_and_stays_as_it_is(project, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / ".venv").mkdir(parents=True)
    finished = project.make("-f", str(project.folder / "Makefile"), "clean", cwd=elsewhere)
    assert finished.returncode == 2
    assert "run make in the project's folder" in finished.stderr
    assert (elsewhere / ".venv").exists()


def test_help_lists_every_target(project):
    finished = project.make("help")
    assert (finished.returncode, finished.stderr) == (0, "")
    for target in (
        "setup",
        "scale",
        "report",
        "render",
        "test",
        "lab",
        "gate",
        "compare",
        "bench",
        "lint",
        "audit",
        "clean",
    ):
        assert f"make {target} " in finished.stdout


@pytest.mark.parametrize("value", VALUES)
def test_setup_refuses_what_is_no_python_in_one_line(project, value):
    finished = project.make("setup", f"PYTHON={value}")
    lines = [line for line in finished.stderr.splitlines() if not line.startswith("make")]
    assert finished.returncode == 2
    assert len(lines) == 1
    assert "is no Python 3.11, 3.12 or 3.13" in lines[0]
    assert not (project.folder / ".venv").exists()
    project.require_untouched()


def test_the_value_of_a_variable_is_an_argument(project):
    project.borrow_environment()
    value = " ".join(VALUES)
    finished = project.make("report", f"PROFILE={value}", "EXPERIMENT=$(shell touch pwned)")
    lines = [line for line in finished.stderr.splitlines() if not line.startswith("make")]
    assert finished.returncode == 2
    assert len(lines) == 1
    assert lines[0].startswith(f"Error: there is no profile {value!r}; choose one of ")
    project.require_untouched()


def test_a_value_from_the_environment_is_an_argument_too(project, monkeypatch):
    project.borrow_environment()
    monkeypatch.setenv("A", "$(shell touch pwned)/`touch pwned`")
    finished = project.make("compare", "B=--help")
    assert finished.returncode == 2
    assert "$(shell touch pwned)/`touch pwned` is not a run" in finished.stderr
    project.require_untouched()


@pytest.fixture
def wheels(tmp_path):
    """A folder with one package, `tiny`, in the place of a package registry; the SHA-256 of its file."""
    files = {
        "tiny.py": "",
        "tiny-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n",
        "tiny-1.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "tiny-1.dist-info/RECORD": "tiny.py,,\ntiny-1.dist-info/METADATA,,\ntiny-1.dist-info/WHEEL,,\n",
    }
    path = tmp_path / "wheels" / "tiny-1-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
    return path.parent, hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("given", ["none", "of another file", "its own"])
def test_setup_installs_only_what_has_its_locked_hash(project, wheels, tmp_path, given):
    folder, digest = wheels
    digests = {"none": "", "of another file": f" --hash=sha256:{64 * '0'}", "its own": f" --hash=sha256:{digest}"}
    (project.folder / "requirements.lock").write_text(f"tiny==1{digests[given]}\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "uv").symlink_to(REPOSITORY / ".venv" / "bin" / "uv")
    finished = project.make(
        "setup", PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}", UV_NO_INDEX="1", UV_FIND_LINKS=str(folder),
        UV_CACHE_DIR=str(tmp_path / "cache"),
    )  # fmt: skip
    assert finished.returncode == 2  # the project itself cannot be built here
    assert bool(list((project.folder / ".venv").rglob("tiny.py"))) == (given == "its own")
    assert ("hash" in finished.stderr.lower()) == (given != "its own")


def test_no_installer_downloads_an_interpreter(project):
    show = "--eval=show: ; @printenv UV_PYTHON_DOWNLOADS"
    assert project.make(show, "show", UV_PYTHON_DOWNLOADS="automatic").stdout == "never\n"


@pytest.mark.extra
def test_audit_without_a_database_of_advisories_is_one_line(project):
    project.borrow_environment()
    assert project.make(".venv/audit/installed", timeout=600).returncode == 0
    finished = project.make("audit", HTTPS_PROXY="http://127.0.0.1:1", timeout=600)
    lines = [line for line in finished.stderr.splitlines() if not line.startswith("make")]
    assert (finished.returncode, finished.stdout, len(lines)) == (2, "", 1)
    assert lines[0].startswith("audit: nothing is known, as a look-up failed: ")


@pytest.mark.extra
def test_setup_makes_an_environment_that_works(project):
    for package in PACKAGES:
        built = shutil.ignore_patterns("html", "executed")  # a page that was built here is no part of the project
        shutil.copytree(REPOSITORY / package, project.folder / package, ignore=built, dirs_exist_ok=True)
    shutil.copy2(REPOSITORY / "README.md", project.folder)
    finished = project.make("setup", timeout=600)
    assert finished.returncode == 0, finished.stderr
    finished = project.make("gate")
    assert "there is no findings.json yet" in finished.stdout
    project.require_untouched()
