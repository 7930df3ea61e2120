"""Shipments, on both frameworks: what the carrier answers, and each way in which it gives no answer."""

import json
import socketserver
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from loadgen.services import free_port, upstream_server
from tests.reference_app.leaks import LEAK
from tests.reference_app.sign_in import give_session

FRAMEWORKS = ("flask", "quart")
PATH = "/api/shipments/TT-00012345"
ANSWER = {"id": "TT-00012345", "status": "in transit", "place": "Lucknow"}
UNAVAILABLE = {"success": False, "error": "the carrier is not available"}
TOO_SLOW = {"success": False, "error": "the carrier did not answer in time"}
OK, NOT_FOUND = "200 OK", "404 Not Found"
TIMEOUT_MS = 300

# Newer Pythons warn of any fork beside threads, and the carriers here are threads.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def response(content, status=OK, more=""):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextmanager
def serving(handler):
    """The URL of a server that passes each connection to the handler, in a thread."""
    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def carrier(*parts, pause_s=0.0):
    """The URL of a carrier that sends these bytes to each request, with a pause before each but the first part.

    It notes the heads that it gets in a list, which comes with the URL, and closes each connection then.
    """
    heads = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with suppress(OSError):
                heads.append(self.request.recv(10_000).decode())
                for number, part in enumerate(parts):
                    time.sleep(pause_s if number else 0)
                    self.request.sendall(part)

    with serving(Handler) as url:
        yield url, heads


@pytest.fixture
def ask(make_app, settings):
    """The response to a question for a shipment, of an application with a carrier at this URL."""

    def ask(url, path=PATH, **more):
        client = make_app(replace(settings, upstream_url=url, **more)).test_client()
        give_session(client)
        return client.get(path)

    return ask


@pytest.fixture(scope="module")
def working(tmp_path_factory):
    with upstream_server(30, tmp_path_factory.mktemp("carrier") / "upstream.log") as started:
        yield started


def require_failure(answer, status, content):
    assert (answer.status_code, answer.json) == (status, content)
    assert answer.headers["Retry-After"] == "1"
    assert not LEAK.search(answer.text)


def test_the_carriers_answer_is_passed_on(ask, working):
    answer = ask(working.url)
    assert (answer.status_code, answer.json) == (200, {"success": True, "shipment": ANSWER})


def test_a_path_of_the_url_is_kept_and_nothing_of_the_user_is_sent(ask):
    with carrier(response(ANSWER, more="Set-Cookie: a=b\r\n")) as (url, heads):
        assert ask(f"{url}/v1/").status_code == 200
    (head,) = heads
    assert head.startswith("GET /v1/shipments/TT-00012345 HTTP/1.1\r\n")
    assert not {"cookie", "authorization"} & {line.partition(":")[0].lower() for line in head.splitlines()}


def test_an_answer_in_chunks_is_read_whole(ask):
    body = json.dumps(ANSWER).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:]))
    with carrier(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunks, b"0\r\n\r\n") as (url, _):
        assert ask(url).json["shipment"] == ANSWER


def test_a_connection_to_the_carrier_is_used_again(make_app, settings):
    connections = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            connections.append(self.client_address)
            with suppress(OSError):
                while self.request.recv(10_000):
                    self.request.sendall(response(ANSWER))

    with serving(Handler) as url:
        client = make_app(replace(settings, upstream_url=url)).test_client()
        give_session(client)
        assert [client.get(PATH).status_code for _ in range(3)] == [200] * 3
    assert len(connections) == 1


def test_without_a_login_the_carrier_is_not_asked(make_app, settings):
    with carrier(response(ANSWER)) as (url, heads):
        assert make_app(replace(settings, upstream_url=url)).test_client().get(PATH).status_code == 401
    assert heads == []


def test_without_a_carrier_there_are_no_shipments(ask):
    answer = ask("")
    assert (answer.status_code, answer.json) == (404, {"success": False, "error": "no carrier is configured"})


@pytest.mark.parametrize("name", ["x" * 41, "a b", "TT_1", "%00", "%0A", "TT-1%0A", "%ff", "ü", "..", "a%3Fb"])
def test_a_malformed_number_is_refused_and_the_carrier_not_asked(ask, name):
    with carrier(response(ANSWER)) as (url, heads):
        answer = ask(url, f"/api/shipments/{name}")
    assert answer.status_code in (400, 404)
    assert answer.json["success"] is False
    assert heads == []


def test_a_shipment_that_the_carrier_does_not_know_is_not_found(ask):
    with carrier(response({}, NOT_FOUND)) as (url, _):
        answer = ask(url)
    assert (answer.status_code, answer.json["error"]) == (404, "there is no such shipment")


def test_a_carrier_that_is_down_is_unavailable(ask):
    require_failure(ask(f"http://127.0.0.1:{free_port()}"), 503, UNAVAILABLE)


def test_a_carrier_whose_name_is_unknown_is_unavailable(ask):
    require_failure(ask("http://carrier.invalid"), 503, UNAVAILABLE)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\0\xff\xfe\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        response(b""),
        response(b"<html>"),
        response(b"\xff\xfe"),
        response(b"[" * 60_000),
        response(b"9" * 60_000),
        response(b" " * 100_000),
        response([]),
        response("text"),
        response(ANSWER | {"id": "TT-1"}),
        response(ANSWER | {"status": None}),
        response(ANSWER | {"place": "x" * 1000}),
        response({"id": "TT-00012345"}),
        response(b"\x1f\x8b\x08\x00", more="Content-Encoding: gzip\r\n"),
        response(ANSWER, "204 No Content"),
        response(ANSWER, "301 Moved Permanently", "Location: http://127.0.0.1:1/\r\n"),
        response(ANSWER, "401 Unauthorized"),
        response(ANSWER, "500 Internal Server Error"),
    ],
    ids=lambda sent: repr(sent[:40]),
)
def test_a_carrier_that_answers_garbage_is_unavailable(ask, sent):
    with carrier(sent) as (url, _):
        require_failure(ask(url), 503, UNAVAILABLE)


def test_a_redirect_of_the_carrier_is_not_followed(ask):
    with carrier(response(ANSWER)) as (elsewhere, heads):
        for target in (f"{elsewhere}/shipments/TT-00012345", "/shipments/another"):
            moved = response(b"", "302 Found", f"Location: {target}\r\n")
            with carrier(moved) as (url, asked):
                require_failure(ask(url), 503, UNAVAILABLE)
            assert len(asked) == 1
    assert heads == []


def test_an_answer_without_end_is_not_read_to_the_end(ask):
    """The white space that it ends with does not make it another answer."""
    parts = [b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps(ANSWER).encode(), *[b" " * 20_000] * 10]
    with carrier(*parts) as (url, _):
        require_failure(ask(url), 503, UNAVAILABLE)


def test_a_carrier_that_is_slow_is_waited_for_no_longer_than_the_timeout(ask):
    with carrier(b"", response(ANSWER), pause_s=1.0) as (url, _):
        require_failure(ask(url, upstream_timeout_ms=TIMEOUT_MS), 504, TOO_SLOW)


def test_a_carrier_that_sends_byte_by_byte_is_too_slow(ask):
    """Each byte comes in time, the whole answer does not."""
    head, body = response(ANSWER).partition(b"\r\n\r\n")[::2]
    parts = [head + b"\r\n\r\n", *(body[place : place + 1] for place in range(len(body)))]
    with carrier(*parts, pause_s=TIMEOUT_MS / 5000) as (url, _):
        require_failure(ask(url, upstream_timeout_ms=TIMEOUT_MS), 504, TOO_SLOW)


def test_after_a_failure_the_next_question_gets_its_own_answer(make_app, settings):
    """The late answer to the first question must not become the answer to the second."""
    late, other = response(ANSWER | {"place": "late"}), "TT-00000002"

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with suppress(OSError):
                while head := self.request.recv(10_000):
                    if other.encode() in head:
                        self.request.sendall(response(ANSWER | {"id": other}))
                    else:
                        time.sleep(0.5)
                        self.request.sendall(late)

    with serving(Handler) as url:
        client = make_app(replace(settings, upstream_url=url, upstream_timeout_ms=TIMEOUT_MS)).test_client()
        give_session(client)
        assert client.get(PATH).status_code == 504
        assert client.get(f"/api/shipments/{other}").json["shipment"]["id"] == other


def test_no_database_connection_is_held_meanwhile(make_app, settings, tmp_path):
    """With a pool of one, all wait for the carrier at once; a connection that was held would let one at a time."""
    settings = replace(settings, pool_size=1, pool_max_overflow=0, threads=8)
    with upstream_server(300, tmp_path / "upstream.log") as started:
        app = make_app(replace(settings, upstream_url=started.url))
        clients = [app.test_client() for _ in range(8)]
        for client in clients:
            give_session(client)
        with ThreadPoolExecutor(len(clients)) as pool:
            statuses = list(pool.map(lambda client: client.get(PATH).status_code, clients))
        assert statuses == [200] * 8
        assert started.readings()["most_at_once"] == 8
