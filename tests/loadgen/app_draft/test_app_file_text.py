"""The `workbench.toml` of a draft: TOML that means what the draft has, and that the reader takes, whatever is in it."""

import tomllib

import pytest
from hypothesis import given, settings

from loadgen.app_draft import app_file_text, locustfile_text
from loadgen.app_draft.app_file_text import LOCUSTFILE, DraftArm, quoted
from loadgen.app_draft.draft_request import MAX_REQUESTS, Draft, DraftRequest
from loadgen.app_draft.endpoint_names import unique_names
from loadgen.app_file.app_file import AppFile
from tests.loadgen.app_draft import hostile

ARM = DraftArm(url="http://127.0.0.1:8000")


@settings(max_examples=150, deadline=None)
@given(hostile.texts)
def test_text_is_read_as_it_was(text):
    assert "\n" not in quoted(text)
    assert tomllib.loads(f"a = {quoted(text)}\nb = 1") == {
        "a": text.replace("\ud800", "\N{REPLACEMENT CHARACTER}"),
        "b": 1,
    }


@settings(max_examples=150, deadline=None)
@given(hostile.drafts)
def test_file_of_any_draft_has_its_arm_and_its_success_alone(draft):
    content = tomllib.loads(app_file_text.text(draft, ARM))
    sent = ([draft.sign_in] if draft.sign_in else []) + draft.active()
    assert set(content) <= {"name", "blocks", "users", "arms", "scenarios", "success"}
    assert content["arms"] == {"now": {"url": ARM.url}}
    assert content["users"] == {"locustfile": LOCUSTFILE}
    assert list(content["scenarios"]) == ["one-user", "at-once", "steady"]
    assert len(content.get("success", {})) <= len([request for request in sent if request.success])


@settings(max_examples=25, deadline=None)
@given(hostile.drafts)
def test_reader_takes_the_file_of_any_draft(tmp_path_factory, draft):
    folder = tmp_path_factory.getbasetemp()
    (folder / LOCUSTFILE).write_text(locustfile_text.text(draft))
    (folder / "workbench.toml").write_text(app_file_text.text(draft, ARM))
    read = AppFile.read(folder / "workbench.toml")
    assert [arm.value for arm in read.arms] == [ARM.url]


@pytest.mark.parametrize("character", ['"', "\\", "\N{GRINNING FACE}"])
def test_reader_takes_the_largest_draft(tmp_path, character):
    rules = {"status": [200, 404], "content_type": "application/json"}
    names = [f"/{number}{character * 150}" for number in range(MAX_REQUESTS)]
    requests = unique_names(DraftRequest("GET", name, (("/",),), success=rules) for name in names)
    draft = Draft("Shop", "x", "", tuple(requests))
    (tmp_path / LOCUSTFILE).write_text(locustfile_text.text(draft))
    (tmp_path / "workbench.toml").write_text(app_file_text.text(draft, ARM))
    assert len(AppFile.read(tmp_path / "workbench.toml").success) == MAX_REQUESTS


def test_command_has_its_folder_and_the_path_that_says_that_it_is_ready():
    draft = Draft(
        "Shop", "x", "", (DraftRequest("GET", "/", (("/",),)), DraftRequest("GET", "/health", (("/health",),)))
    )
    assert [request.name for request in draft.active()] == ["/"]
    text = app_file_text.text(draft, DraftArm('serve "it" $PORT', "../app"))
    assert tomllib.loads(text)["arms"]["now"] == {"command": 'serve "it" $PORT', "folder": "../app", "ready": "/health"}
