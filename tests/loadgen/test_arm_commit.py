"""A folder at a commit: unpacked as it was, with the repository left alone, and refused by name where there is none."""

import subprocess

import pytest

from loadgen.arm_commit import ArmCommit
from workbench.errors import UserError


def git(folder, *words):
    identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    """A repository with two commits, a change that is staged and in none, and a folder in it."""
    folder = tmp_path / "my repository"
    (folder / "shop").mkdir(parents=True)
    git(folder.parent, "init", "--quiet", str(folder))
    for content in ("first", "second"):
        (folder / "shop" / "app.py").write_text(content)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message", content)
    (folder / "shop" / "app.py").write_text("third")
    git(folder, "add", ".")
    return folder


@pytest.mark.parametrize(("revision", "content"), [("HEAD~1", "first"), ("HEAD", "second")])
def test_commit_is_unpacked_as_it_was(repository, revision, content):
    commit = ArmCommit.find("old", repository / "shop", revision)
    index = (repository / ".git" / "index").read_bytes()
    assert len(commit.commit) == 40
    with commit.unpacked() as folder:
        assert (folder / "app.py").read_text() == content
        assert folder.name == "shop"
    assert not folder.exists()
    assert (repository / "shop" / "app.py").read_text() == "third"
    assert (repository / ".git" / "index").read_bytes() == index


def test_revision_that_is_missing_is_refused(repository):
    for revision in ("none", "--help", "HEAD~9"):
        with pytest.raises(UserError, match=r"arm old: the repository .* has no commit"):
            ArmCommit.find("old", repository, revision)


def test_folder_without_a_repository_is_refused(tmp_path):
    with pytest.raises(UserError, match="is in no git repository, so it has no commit 'HEAD'"):
        ArmCommit.find("old", tmp_path, "HEAD")


def test_folder_that_the_commit_has_not_is_refused(repository):
    (repository / "new").mkdir()
    with pytest.raises(UserError, match="there is no folder new in commit"):
        ArmCommit.find("old", repository / "new", "HEAD")
