"""Sessions in files that cannot be read or written: 503 as long as that is so, and then as before."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from loadgen.accounts import PASSWORD
from loadgen.application import CONFIGURATION, Application
from loadgen.services import free_port
from loadgen.subprocesses import start

STATISTICS = "/api/dashboard/stats"
FORM = f"username=user001&password={PASSWORD}".encode()
PATIENCE_S = 20


@pytest.fixture
def settings(settings):
    return replace(settings, password_hash="argon2id")


def try_login(client):
    return client.post("/login", data={"username": "user001", "password": PASSWORD})


def is_unavailable(answer):
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json == {"success": False, "error": "the session store is not available"}
    assert not {"Set-Cookie", "Location"} & set(answer.headers.keys())
    return True


@pytest.mark.parametrize("threshold", [500, 0])
def test_a_folder_that_became_a_file_makes_sessions_unavailable(make_app, settings, tmp_path, threshold):
    app = make_app(replace(settings, session_threshold=threshold))
    person, stranger = app.test_client(), app.test_client()
    assert try_login(person).status_code == 302
    folder = (tmp_path / "sessions").rename(tmp_path / "aside")
    (tmp_path / "sessions").touch()
    for path in (STATISTICS, "/"):
        assert is_unavailable(person.get(path))
    assert is_unavailable(person.post("/logout"))
    assert is_unavailable(try_login(person))
    assert is_unavailable(try_login(stranger))
    assert stranger.get(STATISTICS).status_code == 401
    assert stranger.get("/login").status_code == 200
    (tmp_path / "sessions").unlink()
    folder.rename(tmp_path / "sessions")
    assert person.get(STATISTICS).status_code == 200
    assert try_login(stranger).status_code == 302
    assert stranger.get(STATISTICS).status_code == 200


@pytest.mark.parametrize("threshold", [500, 0])
def test_a_folder_that_is_gone_has_no_sessions_and_takes_none(make_app, settings, tmp_path, threshold):
    app = make_app(replace(settings, session_threshold=threshold))
    person = app.test_client()
    assert try_login(person).status_code == 302
    folder = (tmp_path / "sessions").rename(tmp_path / "aside")
    assert person.get(STATISTICS).status_code == 401
    assert is_unavailable(try_login(person))
    folder.rename(tmp_path / "sessions")
    assert person.get(STATISTICS).status_code == 200


@dataclass(frozen=True)
class Mounted:
    """A served application, and its sessions' folder as it alone sees it."""

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
        """The file that takes what room there is; its name is none of a session."""
        filler = self.inside / "filler.__wz_cache"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(1024))
        return filler


@pytest.fixture
def mounted(mount, settings, tmp_path, visit):
    """An application whose sessions are on a small file system of its own."""
    folder = tmp_path / "sessions"
    folder.mkdir()
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "gunicorn", "-c", str(CONFIGURATION)]
    environ = {**settings.to_env(), "TRACETRACK_BIND": address}
    with start("gunicorn", [*mount.before(folder, "size=256k"), *command], tmp_path / "gunicorn.log", environ) as child:
        served = Application(child, f"http://{address}", {})
        wait_until_it_answers(visit(served), child)
        yield Mounted(served, folder)


def wait_until_it_answers(visitor, child):
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s and not child.ended():
        with suppress(OSError):
            if visitor.get("/health").status == 200:
                return
        time.sleep(0.1)
    pytest.fail(child.log.read_text())


def is_refused(answer):
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json == {"success": False, "error": "the session store is not available"}
    return answer.headers["Set-Cookie"] is None


def lets_nobody_in(visitor):
    assert is_refused(visitor.post("/login", FORM))
    assert visitor.get(STATISTICS).status == 401
    return visitor.get("/login").status == 200


def test_a_full_disk_takes_no_session_and_lets_everybody_out(mounted, visit):
    person, other = visit(mounted.served).login(), visit(mounted.served).login()
    filler = mounted.fill()
    assert is_refused(person.get(STATISTICS))
    assert lets_nobody_in(visit(mounted.served))
    filler.unlink()
    assert person.get(STATISTICS).status == 200
    mounted.fill()
    assert other.post("/logout", b"").status == 302
    filler.unlink()
    assert other.get(STATISTICS).status == 401
    assert visit(mounted.served).login().get(STATISTICS).status == 200


def test_a_read_only_disk_takes_no_session_and_forgets_none(mounted, visit):
    person = visit(mounted.served).login()
    mounted.remount("ro")
    for answer in (person.get(STATISTICS), person.post("/logout", b""), person.post("/login", FORM)):
        assert is_refused(answer)
    assert lets_nobody_in(visit(mounted.served))
    mounted.remount("rw")
    assert person.get(STATISTICS).status == 200
    assert person.post("/logout", b"").status == 302
    assert person.get(STATISTICS).status == 401
