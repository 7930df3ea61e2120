"""A receiver of OTLP that is away, busy or hostile: one line each, and nothing is sent elsewhere."""

import socket
import threading

import pytest

from analysis.exports import otlp_client
from analysis.exports.otlp_client import OtlpReceiver
from tests.otlp_receiver import receiving
from workbench.errors import UsageError, UserError


def message(spans=2):
    span = {
        "traceId": "ab" * 16, "spanId": "cd" * 8, "name": "x", "kind": 3, "startTimeUnixNano": "1",
        "endTimeUnixNano": "2", "attributes": [],
    }  # fmt: skip
    return {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"scope": {}, "spans": [span] * spans}]}]}


def test_spans_are_sent_to_the_path_of_the_url_or_the_usual_one(receiver):
    for url in (receiver.url, f"{receiver.url}/", f"{receiver.url}/tenant/v1/traces?x=1"):
        assert OtlpReceiver(url).send([message()]) == (2, [])
    assert receiver.paths == ["/v1/traces", "/v1/traces", "/tenant/v1/traces?x=1"]
    assert receiver.headers["Content-Type"] == "application/json"


def test_keys_of_the_environment_and_of_the_url_are_sent(receiver, monkeypatch):
    monkeypatch.setenv(otlp_client.HEADERS_VARIABLE, "api-key=a%20b, x-tenant=t")
    OtlpReceiver(receiver.url.replace("://", "://me:p%40ss@")).send([message()])
    assert (receiver.headers["api-key"], receiver.headers["x-tenant"]) == ("a b", "t")
    assert receiver.headers["authorization"] == "Basic bWU6cEBzcw=="


@pytest.mark.parametrize(
    "url", ["", "4318", "ftp://host/x", "http://", "http://host:port/", "http://[::1/x", "file:///etc"]
)
def test_what_is_no_url_of_a_receiver_is_refused(url):
    with pytest.raises(UsageError, match="this is no URL of a receiver"):
        OtlpReceiver(url)


def test_a_receiver_that_is_away_is_one_line():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(
        UserError, match=f"the receiver {address} cannot be reached for the first spans: .*refused"
    ) as error:
        OtlpReceiver(f"http://{address}").send([message()])
    assert "\n" not in error.value.message


def test_a_receiver_that_is_busy_for_a_moment_gets_the_message_again(receiver):
    receiver.answers = [(429, {"Retry-After": "0"}, b""), (503, {"Retry-After": "0"}, b"")]
    assert OtlpReceiver(receiver.url).send([message()]) == (2, [])
    assert len(receiver.paths) == 3


def test_a_refusal_names_status_and_reason_without_controls(receiver):
    receiver.answers = [(200, {}, b"{}"), (400, {}, b"no such\n\x1b[2J tenant" + b"x" * 1000)]
    with pytest.raises(UserError) as error:
        OtlpReceiver(receiver.url).send([message(), message()])
    assert error.value.message.startswith(
        f"the receiver {receiver.url[7:]} answered 400 after 2 spans: no such  tenantx"
    )
    assert len(error.value.message) < 300


def test_rejected_spans_are_counted_and_the_reason_is_kept(receiver):
    partial = b'{"partialSuccess": {"rejectedSpans": "1", "errorMessage": "too old\\u001b[2J"}}'
    receiver.answers = [(200, {}, partial)]
    assert OtlpReceiver(receiver.url).send([message(3), message()]) == (4, ["1 of 3 spans: too old"])


@pytest.mark.parametrize(
    "answer", [b"", b"ok", b"[]", b'{"partialSuccess": 7}', b'{"partialSuccess": {"rejectedSpans": {}}}']
)
def test_an_answer_of_another_form_counts_as_taken(receiver, answer):
    receiver.answers = [(200, {}, answer)]
    assert OtlpReceiver(receiver.url).send([message()]) == (2, [])


def test_a_redirect_of_the_receiver_is_not_followed(receiver):
    with receiving() as other:
        receiver.answers = [(307, {"Location": f"{other.url}/v1/traces"}, b"")]
        with pytest.raises(UserError, match="answered 307"):
            OtlpReceiver(receiver.url).send([message()])
        assert other.paths == []


def test_an_answer_without_end_is_not_read_to_the_end(monkeypatch):
    monkeypatch.setattr(otlp_client, "ANSWER_S", 1.0)
    with endless(b"x" * 4096) as url:
        assert OtlpReceiver(url).send([message()]) == (2, [])


def test_an_answer_that_trickles_is_given_up(monkeypatch):
    monkeypatch.setattr(otlp_client, "ANSWER_S", 0.5)
    with endless(b"x", 0.05) as url, pytest.raises(UserError, match="did not end in time"):
        OtlpReceiver(url).send([message()])


class endless:
    """A server whose answer goes on for ever, with these bytes at a time."""

    def __init__(self, chunk, pause_s=0.0):
        self.chunk, self.pause_s = chunk, pause_s
        self.over = threading.Event()

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def __exit__(self, *exception):
        self.over.set()
        self.listener.close()

    def serve(self):
        connection, _ = self.listener.accept()
        with connection:
            connection.recv(65536)
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
                while not self.over.wait(self.pause_s):
                    connection.sendall(self.chunk)
            except OSError:
                pass
