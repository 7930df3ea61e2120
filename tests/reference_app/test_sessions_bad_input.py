"""A cookie that is no session is treated as none, whatever its content, and does not prevent a login."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from itsdangerous import URLSafeSerializer
from itsdangerous.encoding import base64_encode

from tests.reference_app.sign_in import STATISTICS, form

IN_VALKEY = ("flask-session-redis", "shared")
ALL_KINDS = pytest.mark.parametrize("kind", ["filesystem", *IN_VALKEY, "database", "cookie"])
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


def send(app, path, cookie, method="GET", **more):
    client = app.test_client(use_cookies=False)
    return client.open(path, method=method, environ_overrides={"HTTP_COOKIE": f"session={cookie}"}, **more)


def log_in(app, cookie=""):
    answer = send(app, "/login", cookie, "POST", data=form())
    assert answer.status_code == 302
    return answer.headers["Set-Cookie"].split(";")[0].removeprefix("session=")


def require_no_session(app, cookie):
    assert send(app, STATISTICS, cookie).status_code == 401
    assert send(app, "/api/scans", cookie, "POST", json={"qr_id": "x"}).status_code == 401
    assert send(app, "/", cookie).location == "/login"
    assert send(app, "/logout", cookie, "POST").location == "/login"
    assert send(app, STATISTICS, log_in(app, cookie)).status_code == 200


@ALL_KINDS
@pytest.mark.parametrize("name", COOKIES)
def test_an_invented_cookie_is_no_session(app, kind, name):
    require_no_session(app, COOKIES[name])


@ALL_KINDS
def test_a_part_of_a_real_cookie_is_no_session(app, kind):
    cookie = log_in(app)
    for part in (cookie[:-1], cookie[1:], cookie[: len(cookie) // 2], f"{cookie}A"):
        assert send(app, STATISTICS, part).status_code == 401
    assert send(app, STATISTICS, cookie).status_code == 200


@pytest.mark.parametrize("kind", ["cookie"])
def test_a_cookie_with_changed_content_is_no_session(app):
    content, dot, signature = log_in(app).rpartition(".")
    require_no_session(app, f"{content[:-4]}{content[-4:].swapcase()}{dot}{signature}")


@pytest.mark.parametrize("kind", ["cookie"])
def test_a_cookie_that_its_owner_prolonged_is_no_session(app):
    cookie = log_in(app)
    content = app.session_interface._inner._serializer.loads(cookie) | {"began_s": 2**40, "seen_s": 2**40}
    forged = URLSafeSerializer("another key", "tracetrack-session").dumps(content)
    require_no_session(app, f"{forged.rpartition('.')[0]}.{cookie.rpartition('.')[2]}")


@pytest.mark.parametrize("kind", ["cookie"])
def test_a_cookie_signed_with_another_key_is_no_session(app, make_app, settings):
    other = make_app(replace(settings, secret_key="another key of the tests"))
    require_no_session(app, log_in(other))


@pytest.mark.parametrize("kind", IN_VALKEY)
def test_a_session_of_another_deployment_in_the_same_store_is_no_session(app, make_app, settings, kind):
    other = make_app(replace(settings, store_prefix="other:"))
    cookie = log_in(other)
    require_no_session(app, cookie)
    assert send(other, STATISTICS, cookie).status_code == 200


@pytest.mark.parametrize("kind", ["filesystem"])
def test_a_session_of_another_folder_is_no_session(app, make_app, settings, tmp_path):
    require_no_session(app, log_in(make_app(replace(settings, session_directory=str(tmp_path / "others")))))


@pytest.mark.parametrize("kind", ["cookie"])
@pytest.mark.parametrize("shape", OTHER_SHAPES)
def test_a_signed_content_of_another_shape_is_no_session(app, shape):
    require_no_session(app, app.session_interface._inner._serializer.dumps(OTHER_SHAPES[shape]))


@pytest.mark.parametrize("kind", IN_VALKEY)
@pytest.mark.parametrize("shape", OTHER_SHAPES)
def test_a_stored_content_of_another_shape_is_no_session(app, store_client, kind, shape):
    cookie = log_in(app)
    store_client.set(store_client.keys("*session:*")[0], json.dumps(OTHER_SHAPES[shape]))
    require_no_session(app, cookie)


@pytest.mark.parametrize("kind", IN_VALKEY)
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{", b"NaN", b'{"data": ', b"[" * 100_000, b"\x80\x05."])
def test_a_damaged_stored_content_is_no_session(app, store_client, kind, content):
    cookie = log_in(app)
    store_client.set(store_client.keys("*session:*")[0], content)
    require_no_session(app, cookie)


@pytest.mark.parametrize("kind", ["database"])
@pytest.mark.parametrize("shape", [name for name in OTHER_SHAPES if name != "number"])
def test_a_row_of_another_shape_is_no_session(app, own_rows, shape, kind):
    cookie = log_in(app)
    own_rows("UPDATE tracetrack.session SET content = %s", json.dumps(OTHER_SHAPES[shape]))
    require_no_session(app, cookie)


class Trap:
    """Creates a folder when it is unpickled."""

    def __init__(self, folder: Path):
        self._folder = folder

    def __reduce__(self):
        return (Path.mkdir, (self._folder,))


@pytest.mark.parametrize("kind", ["shared", "cookie"])
def test_nothing_is_unpickled(app, store_client, kind, tmp_path):
    cookie, trap = log_in(app), pickle.dumps(Trap(tmp_path / "sprung"))
    if kind == "shared":
        store_client.set(store_client.keys("*session:*")[0], trap)
    else:
        cookie = app.session_interface._inner._serializer.make_signer().sign(base64_encode(trap)).decode()
    send(app, STATISTICS, cookie)
    assert not (tmp_path / "sprung").exists()
    require_no_session(app, cookie)


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
    cookie = log_in(app)
    (file,) = (path for path in (tmp_path / "sessions").iterdir() if b"user001" in path.read_bytes())
    file.write_bytes(content)
    require_no_session(app, cookie)
