"""The folder that workers share without a server of ours: it is the user's alone, or it is not used."""

import os
import tempfile

import pytest

from instrumentation import shared_files
from instrumentation.shared_files import NotShared

PORT = 1


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where the folder of `PORT` belongs."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"instrumentation-{os.getuid()}-{PORT}"


@pytest.mark.parametrize("umask", [0, 0o022])
def test_a_new_folder_is_the_users_alone(place, umask):
    before = os.umask(umask)
    try:
        assert shared_files._private_folder(PORT) == place
    finally:
        os.umask(before)
    assert place.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o701, 0o750, 0o777])
def test_a_folder_that_others_may_enter_is_refused(place, mode):
    place.mkdir()
    place.chmod(mode)
    with pytest.raises(NotShared, match="is not a folder of this user alone"):
        shared_files.claim(PORT, "an application")
    assert list(place.iterdir()) == []


def test_a_link_in_the_place_of_the_folder_is_refused(place, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotShared, match="is not a folder of this user alone"):
        shared_files.claim(PORT, "an application")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(place):
    place.mkdir(mode=0o700)
    os.chown(place, 65534, 65534)
    with pytest.raises(NotShared, match="is not a folder of this user alone"):
        shared_files.claim(PORT, "an application")
