"""A folder of a git repository as it was at a commit: a copy, which leaves the repository and its index alone."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import UserError
from workbench.temporary_folder import temporary_folder

GIT_TIMEOUT_S = 120


@dataclass(frozen=True)
class ArmCommit:
    """A commit of the repository around a folder: its full id, and the folder's path within the repository."""

    repository: Path
    inner: Path
    commit: str

    @classmethod
    def find(cls, arm: str, folder: Path, revision: str) -> "ArmCommit":
        """The commit that a revision names, such as `HEAD~1` or a tag.

        Raises `UserError` for a folder that is in no repository, and for a revision or folder that is not in that.
        """
        root = _git(folder, "rev-parse", "--show-toplevel")
        if root is None:
            raise UserError(f"arm {arm}: {folder} is in no git repository, so it has no commit {revision!r}")
        commit = (
            None
            if revision.startswith("-")
            else _git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        )
        if commit is None:
            raise UserError(f"arm {arm}: the repository {root} has no commit {revision!r}; git log lists them")
        repository = Path(root)
        inner = folder.resolve().relative_to(repository.resolve())
        if inner.parts and _git(folder, "rev-parse", "--verify", "--quiet", f"{commit}:{inner.as_posix()}") is None:
            raise UserError(f"arm {arm}: there is no folder {inner} in commit {commit[:12]} of {root}")
        return cls(repository, inner, commit)

    @contextmanager
    def unpacked(self) -> Iterator[Path]:
        """Unpack the commit for the block; yields the folder in the copy.

        git writes the files through an index of its own, which is outside the copy.
        """
        with temporary_folder("commit") as work:
            copy, index = work / "copy", {"GIT_INDEX_FILE": str(work / "index")}
            for words in (["read-tree", self.commit], ["checkout-index", "--all", "--quiet", f"--prefix={copy}/"]):
                if _git(self.repository, *words, variables=index) is None:
                    raise UserError(f"git could not unpack commit {self.commit[:12]} of {self.repository}")
            yield copy / self.inner


def _git(folder: Path, *words: str, variables: Mapping[str, str] | None = None) -> str | None:
    """The output of a command of git in a folder; None where it fails."""
    command, environment = ["git", "-C", str(folder), *words], {**os.environ, **(variables or {})}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_TIMEOUT_S, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
