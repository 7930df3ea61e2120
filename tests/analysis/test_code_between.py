"""The commits between two experiments, from real repositories."""

import pytest

from analysis.history.code_between import MAX_LISTED, CodeBetween
from analysis.history.headline_values import Code
from tests.histories import commit


@pytest.fixture
def repository(tmp_path):
    return tmp_path / "repository"


def between(folder, before, after, **dirty):
    return CodeBetween.of(Code(before, folder=str(folder)), Code(after, folder=str(folder), **dirty))


def test_commits_between_are_listed_newest_first(repository):
    ids = commit(repository, "one", "two", "three")
    code = between(repository, ids[0], ids[2])
    assert code.text() == "2 commits"
    assert [line.split(" ", 1) for line in code.commits] == [[ids[2][:7], "three"], [ids[1][:7], "two"]]


def test_many_commits_are_counted_and_some_listed(repository):
    ids = commit(repository, *map(str, range(MAX_LISTED + 5)))
    code = between(repository, ids[0], ids[-1])
    assert (code.text(), len(code.commits)) == (f"{MAX_LISTED + 4} commits", MAX_LISTED)


def test_the_same_commit_is_said_with_its_local_changes(repository):
    (first,) = commit(repository, "one")
    assert between(repository, first, first).text() == "the same commit"
    assert between(repository, first, first, is_dirty=True).text() == "the same commit, with local changes after"


def test_a_commit_of_another_branch_names_what_was_left_behind(repository):
    first, second = commit(repository, "one", "two")
    commit(repository, branch="other")
    assert between(repository, second, first).text() == "0 commits, without 1 of before"
    assert between(repository, first, second).text() == "1 commit"


def test_an_unknown_commit_is_said():
    assert CodeBetween.of(Code(None), Code("0" * 40)).text() == "the commit before was not recorded"
    assert CodeBetween.of(Code("1" * 40), Code("0" * 40)).text() == "no repository here has both commits"


def test_a_repository_that_is_gone_is_said(tmp_path):
    code = between(tmp_path / "gone", "1" * 40, "0" * 40)
    assert code.text() == "no repository here has both commits"


@pytest.mark.parametrize("text", ["--output=/tmp/x", "HEAD", "main..x", "-n1", "0123456 0123456", "$(id)"])
def test_a_commit_that_is_none_never_reaches_git(repository, text):
    (first,) = commit(repository, "one")
    code = between(repository, text, first)
    assert (code.count, code.commits) == (None, ())


@pytest.fixture
def program(tmp_path):
    """A program that leaves a trace, and signs what git gives it."""
    path = tmp_path / "program"
    path.write_text(
        f"#!/bin/sh\ntouch {tmp_path / 'started'}\ncat > /dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\n"
        "printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nx\\n-----END PGP SIGNATURE-----\\n'\n"
    )
    path.chmod(0o755)
    return path


def settle(repository, text):
    """Add settings to a repository, as whoever made it could."""
    with (repository / ".git" / "config").open("a") as settings:
        settings.write(text)


def test_a_signed_commit_starts_no_program_of_its_repository(repository, program, tmp_path):
    first = commit(repository, "one", "two")[0]
    settle(repository, f"[log]\nshowSignature = true\n[commit]\ngpgSign = true\n[gpg]\nprogram = {program}\n")
    signed = commit(repository, "three")[-1]
    (tmp_path / "started").unlink()
    assert between(repository, first, signed).text() == "2 commits"
    assert not (tmp_path / "started").exists()


def test_a_missing_commit_starts_no_program_of_its_repository(repository, program, tmp_path):
    (first,) = commit(repository, "one")
    settle(
        repository,
        "[core]\nrepositoryformatversion = 1\n[extensions]\npartialClone = origin\n"
        f'[remote "origin"]\nurl = {repository}\npromisor = true\nuploadpack = {program}\n',
    )
    assert between(repository, first, "1" * 40).text() == "no repository here has both commits"
    assert not (tmp_path / "started").exists()
