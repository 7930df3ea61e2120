"""Checkouts for tests: a repository with the application of this one, to be changed and committed."""

import shutil
import subprocess
from pathlib import Path

from workbench.paths import REPOSITORY

PACKAGES = ("reference_app", "instrumentation")
IDENTITY = ("-c", "user.name=Tests", "-c", "user.email=tests@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *IDENTITY, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def make_checkout(folder: Path) -> Path:
    """A repository in `folder` with one commit."""
    for package in PACKAGES:
        shutil.copytree(REPOSITORY / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".gitignore").write_text("__pycache__/\n")
    git(folder, "init", "--quiet")
    return commit(folder)


def commit(folder: Path) -> Path:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "a change")
    return folder


def replace(path: Path, old: str, new: str) -> None:
    """Replace a text that the file has."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
