"""Sessions in files that cannot be read or written: 503 during the failure, and as before after it."""

import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from loadgen.app_code import AppCode
from loadgen.application import Application
from loadgen.services import free_port
from loadgen.subprocesses import start
from tests.reference_app.sign_in import (
    SESSIONS_UNAVAILABLE,
    STATISTICS,
    encoded_form,
    require_unavailable,
    try_login,
)
from workbench.polling import attempts

FORM = encoded_form()
PATIENCE_S = 20


@pytest.fixture
def settings(settings):
    return replace(settings, password_hash="argon2id")


@pytest.mark.parametrize("threshold", [500, 0])
def test_a_folder_that_became_a_file_makes_sessions_unavailable(make_app, settings, tmp_path, threshold):
    app = make_app(replace(settings, session_threshold=threshold))
    user, stranger = app.test_client(), app.test_client()
    assert try_login(user).status_code == 302
    folder = (tmp_path / "sessions").rename(tmp_path / "aside")
    (tmp_path / "sessions").touch()
    for path in (STATISTICS, "/"):
        require_unavailable(user.get(path))
    require_unavailable(user.post("/logout"))
    require_unavailable(try_login(user))
    require_unavailable(try_login(stranger))
    assert stranger.get(STATISTICS).status_code == 401
    assert stranger.get("/login").status_code == 200
    (tmp_path / "sessions").unlink()
    folder.rename(tmp_path / "sessions")
    assert user.get(STATISTICS).status_code == 200
    assert try_login(stranger).status_code == 302
    assert stranger.get(STATISTICS).status_code == 200


@pytest.mark.parametrize("threshold", [500, 0])
def test_a_missing_folder_has_no_sessions_and_stores_none(make_app, settings, tmp_path, threshold):
    app = make_app(replace(settings, session_threshold=threshold))
    user = app.test_client()
    assert try_login(user).status_code == 302
    folder = (tmp_path / "sessions").rename(tmp_path / "aside")
    assert user.get(STATISTICS).status_code == 401
    require_unavailable(try_login(user))
    folder.rename(tmp_path / "sessions")
    assert user.get(STATISTICS).status_code == 200


@dataclass(frozen=True)
class Mounted:
    """A served application, and the folder of its sessions, which only the application sees."""

    served: Application
    folder: Path

    @property
    def inside(self) -> Path:
        return Path(f"/proc/{self.served.child.pid}/root{self.folder}")

    def remount(self, options: str) -> None:
        enter = ["nsenter", "-m", "-t", str(self.served.child.pid)]
        if os.geteuid() != 0:
            enter += ["-U", "--preserve-credentials"]
        subprocess.run([*enter, "mount", "-o", f"remount,bind,{options}", str(self.folder)], check=True)

    def fill(self) -> Path:
        """Fill the file system with a file that is no session; its path."""
        filler = self.inside / "filler.__wz_cache"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(1024))
        return filler


@pytest.fixture
def mounted(mount, settings, tmp_path, visit):
    """An application whose sessions are on a small file system that only it sees."""
    folder = tmp_path / "sessions"
    folder.mkdir()
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "gunicorn", "-c", str(AppCode().configuration)]
    environ = {**settings.to_env(), "TRACETRACK_BIND": address}
    with start(
        "gunicorn", [*mount.before(folder, "size=256k,mode=700"), *command], tmp_path / "gunicorn.log", environ
    ) as child:
        served = Application(child, f"http://{address}", {})
        wait_until_it_answers(visit(served), child)
        yield Mounted(served, folder)


def wait_until_it_answers(visitor, child):
    for _ in attempts(PATIENCE_S, 0.1):
        with suppress(OSError):
            if visitor.get("/health").status == 200:
                return
        if child.ended():
            break
    pytest.fail(child.log.read_text())


def require_refusal(answer):
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json == SESSIONS_UNAVAILABLE
    assert answer.headers["Set-Cookie"] is None


def require_no_login(visitor):
    require_refusal(visitor.post("/login", FORM))
    assert visitor.get(STATISTICS).status == 401
    assert visitor.get("/login").status == 200


def test_a_full_disk_stores_no_session_loses_none_and_allows_logouts(mounted, visit):
    user, other = visit(mounted.served).login(), visit(mounted.served).login()
    names = {path.name for path in mounted.inside.iterdir()}
    filler = mounted.fill()
    headers = {"Idempotency-Key": "full", "Content-Type": "application/json"}
    assert user.get(STATISTICS).status == 200
    assert user.post("/api/scans", b'{"qr_id": "M444-0000001"}', **headers).status == 201
    require_no_login(visit(mounted.served))
    filler.unlink()
    assert {path.name for path in mounted.inside.iterdir()} == names
    assert user.get(STATISTICS).status == 200
    mounted.fill()
    assert other.post("/logout", b"").status == 302
    filler.unlink()
    assert other.get(STATISTICS).status == 401
    assert visit(mounted.served).login().get(STATISTICS).status == 200


def test_a_read_only_disk_stores_no_session_and_loses_none(mounted, visit):
    user = visit(mounted.served).login()
    mounted.remount("ro")
    assert user.get(STATISTICS).status == 200
    for answer in (user.post("/logout", b""), user.post("/login", FORM)):
        require_refusal(answer)
    require_no_login(visit(mounted.served))
    mounted.remount("rw")
    assert user.get(STATISTICS).status == 200
    assert user.post("/logout", b"").status == 302
    assert user.get(STATISTICS).status == 401
