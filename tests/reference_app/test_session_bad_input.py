"""A cookie that is no session is answered as none is, whatever it holds, and does not stand in a login's way."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from loadgen.accounts import PASSWORD

STATISTICS = "/api/dashboard/stats"
IN_VALKEY = ("flask-session-redis", "shared")
KINDS = pytest.mark.parametrize("kind", ["filesystem", *IN_VALKEY, "cookie"])
GOOD = {"data": {"user": {"id": 1, "username": "user001", "role": "admin"}}, "began_s": 2**40, "seen_s": 2**40}
OTHER_SHAPES = {
    "text": "user001",
    "list": [GOOD],
    "nothing": None,
    "number": 10**400,
    "data is a list": GOOD | {"data": ["user"]},
    "no times": {"data": GOOD["data"]},
    "times in text": GOOD | {"began_s": "0"},
    "another user": GOOD | {"data": {"user": "user001"}},
    "half a user": GOOD | {"data": {"user": {"id": 1}}},
}
COOKIES = {
    "empty": "",
    "short": "x",
    "path": "../../../../etc/passwd",
    "wrong syntax": "!" * 43,
    "right syntax": "A" * 43,
    "dots": "...",
    "signature alone": ".aaaa",
    "forged": "eyJ1c2VyIjp7ImlkIjoxfX0.bbbbbbbbbbbbbbbbbbbbbbbbbbb",
    "huge": "A" * 100_000,
    "huge and compressed": ".eJ" + "A" * 100_000,
    "not ASCII": "sitzung-süß-€".encode().decode("latin-1"),
    "not UTF-8": "\xff\xfe\x80",
    "escaped bytes": '"\\377\\000\\012"',
    "only a quote": '"',
    "surrogate": b"\xed\xa0\x80".decode("latin-1"),
}


@pytest.fixture
def settings(settings, store, kind):
    return replace(settings, sessions=kind, redis_url=store.url, store_prefix=store.prefix, password_hash="argon2id")


def ask(app, path, cookie, method="GET", **more):
    client = app.test_client(use_cookies=False)
    return client.open(path, method=method, environ_overrides={"HTTP_COOKIE": f"session={cookie}"}, **more)


def login(app, cookie=""):
    answer = ask(app, "/login", cookie, "POST", data={"username": "user001", "password": PASSWORD})
    assert answer.status_code == 302
    return answer.headers["Set-Cookie"].split(";")[0].removeprefix("session=")


def is_no_session(app, cookie):
    assert ask(app, STATISTICS, cookie).status_code == 401
    assert ask(app, "/api/scans", cookie, "POST", json={"qr_id": "x"}).status_code == 401
    assert ask(app, "/", cookie).location == "/login"
    assert ask(app, "/logout", cookie, "POST").location == "/login"
    return ask(app, STATISTICS, login(app, cookie)).status_code == 200


@KINDS
@pytest.mark.parametrize("name", COOKIES)
def test_a_cookie_of_anybodys_making_is_no_session(app, kind, name):
    assert is_no_session(app, COOKIES[name])


@KINDS
def test_a_part_of_a_real_cookie_is_no_session(app, kind):
    cookie = login(app)
    for part in (cookie[:-1], cookie[1:], cookie[: len(cookie) // 2], f"{cookie}A"):
        assert ask(app, STATISTICS, part).status_code == 401
    assert ask(app, STATISTICS, cookie).status_code == 200


@pytest.mark.parametrize("kind", ["cookie"])
def test_a_changed_content_keeps_no_signature(app):
    content, dot, signature = login(app).rpartition(".")
    assert is_no_session(app, f"{content[:-4]}{content[-4:].swapcase()}{dot}{signature}")


@pytest.mark.parametrize("kind", ["cookie"])
def test_what_another_key_has_signed_is_no_session(app, make_app, settings):
    other = make_app(replace(settings, secret_key="another key of the tests"))
    assert is_no_session(app, login(other))


@pytest.mark.parametrize("kind", IN_VALKEY)
def test_a_session_of_another_deployment_in_the_same_store_is_none(app, make_app, settings, kind):
    other = make_app(replace(settings, store_prefix="other:"))
    cookie = login(other)
    assert is_no_session(app, cookie)
    assert ask(other, STATISTICS, cookie).status_code == 200


@pytest.mark.parametrize("kind", ["filesystem"])
def test_a_session_of_another_folder_is_none(app, make_app, settings, tmp_path):
    assert is_no_session(app, login(make_app(replace(settings, session_directory=str(tmp_path / "others")))))


@pytest.mark.parametrize("kind", ["cookie"])
@pytest.mark.parametrize("shape", OTHER_SHAPES)
def test_a_signed_content_of_another_shape_is_no_session(app, shape):
    assert is_no_session(app, app.session_interface._inner._signed.dumps(OTHER_SHAPES[shape]))


@pytest.mark.parametrize("kind", IN_VALKEY)
@pytest.mark.parametrize("shape", OTHER_SHAPES)
def test_a_stored_content_of_another_shape_is_no_session(app, stored, kind, shape):
    cookie = login(app)
    stored.set(stored.keys("*session:*")[0], json.dumps(OTHER_SHAPES[shape]))
    assert is_no_session(app, cookie)


@pytest.mark.parametrize("kind", IN_VALKEY)
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{", b"NaN", b'{"data": ', b"[" * 100_000, b"\x80\x05."])
def test_a_damaged_stored_content_is_no_session(app, stored, kind, content):
    cookie = login(app)
    stored.set(stored.keys("*session:*")[0], content)
    assert is_no_session(app, cookie)


class Trap:
    """Whoever unpickles it makes a folder."""

    def __init__(self, folder: Path):
        self._folder = folder

    def __reduce__(self):
        return (Path.mkdir, (self._folder,))


@pytest.mark.parametrize("kind", ["shared", "cookie"])
def test_nothing_is_unpickled(app, stored, kind, tmp_path):
    cookie, trap = login(app), pickle.dumps(Trap(tmp_path / "sprung"))
    if kind == "shared":
        stored.set(stored.keys("*session:*")[0], trap)
    else:
        cookie = app.session_interface._inner._signed.make_signer().sign(trap).decode("latin-1")
    assert is_no_session(app, cookie)
    assert not (tmp_path / "sprung").exists()


PICKLED = [
    pickle.dumps(["user"]),
    pickle.dumps("user"),
    b"cnowhere\nmissing\n.",
    b"I1x\n.",
    b"\x80\x05\x95",
    b"(dh\x09.",
]


@pytest.mark.parametrize("kind", ["filesystem"])
@pytest.mark.parametrize("content", [b"", b"\0\0", *(b"\0\0\0\0" + pickled for pickled in PICKLED)])
def test_a_damaged_file_is_no_session(app, tmp_path, content):
    cookie = login(app)
    (file,) = (path for path in (tmp_path / "sessions").iterdir() if b"user001" in path.read_bytes())
    file.write_bytes(content)
    assert is_no_session(app, cookie)
