"""The folder of the published sessions' files is closed to other users, whatever the umask."""

import os
from dataclasses import replace

import pytest

from reference_app.sessions.session_files import make_directory
from reference_app.settings import SettingsError
from tests.reference_app.sign_in import STATISTICS, logged_in


@pytest.fixture(params=[0, 0o022, 0o077])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path):
    return path.stat().st_mode & 0o7777


def test_a_new_folder_and_its_files_are_the_owners_only(make_app, settings, tmp_path, umask):
    folder = tmp_path / "instance" / "sessions"
    user = logged_in(make_app(replace(settings, session_directory=str(folder))))
    assert user.get(STATISTICS).status_code == 200
    assert mode(folder) == 0o700
    assert {mode(file) for file in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("open_mode", [0o755, 0o777, 0o710])
def test_an_open_folder_of_sessions_is_closed(make_app, settings, tmp_path, open_mode):
    folder = tmp_path / "sessions"
    user = logged_in(make_app(settings))
    folder.chmod(open_mode)
    again = make_app(settings).test_client()
    assert mode(folder) == 0o700
    again.set_cookie("session", user.get_cookie("session").value)
    assert again.get(STATISTICS).status_code == 200


@pytest.mark.parametrize(("open_mode", "content"), [(0o755, "notes.txt"), (0o755, "etc"), (0o1777, None)])
def test_an_open_folder_with_other_content_is_refused_and_left_alone(tmp_path, open_mode, content):
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(open_mode)
    if content:
        (folder / content).touch()
    with pytest.raises(SettingsError, match=f"session_directory {folder} is open to other users") as refused:
        make_directory(str(folder))
    assert f"chmod 700 {folder}" in str(refused.value)
    assert mode(folder) == open_mode


def test_a_private_folder_with_other_content_is_used(tmp_path):
    (tmp_path / "mine").mkdir(mode=0o700)
    (tmp_path / "mine" / "notes.txt").touch()
    make_directory(str(tmp_path / "mine"))
