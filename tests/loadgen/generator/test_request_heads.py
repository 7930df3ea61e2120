"""The kept heads of requests: their text is the client's own, whatever the request."""

from string import ascii_letters

import pytest
from geventhttpclient.client import HTTPClient
from geventhttpclient.header import Headers
from hypothesis import given
from hypothesis import strategies as st

from loadgen.generator.request_heads import MAX_KEPT, RequestHeads

BUILD = HTTPClient._build_request
NAMES = st.text(ascii_letters + "-", min_size=1, max_size=8)
VALUES = st.one_of(st.text(ascii_letters + " /;=", max_size=8), st.integers(0, 3), st.booleans())


def headers(*pairs):
    """Headers as the client gets them; a name may come more than once."""
    result = Headers()
    for name, value in pairs:
        result.add(name, value)
    return result


def result(function, *arguments):
    """What a function returns, or its error."""
    try:
        return function(*arguments)
    except Exception as error:
        return type(error), str(error)


def without_end(*arguments):
    """The client's own text of a request without the empty line."""
    return BUILD(*arguments).removesuffix("\r\n")


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "GET ", "DELETE"]),
    paths=st.lists(st.one_of(st.text(max_size=6), st.just("/"), st.text(ascii_letters).map("/".__add__)), min_size=1),
    body=st.one_of(st.binary(max_size=3), st.just("text"), st.none()),
    pairs=st.lists(st.tuples(NAMES, VALUES), max_size=4),
    chunked=st.sampled_from([None, False, True]),
)
def test_the_text_is_that_of_the_client(method, paths, body, pairs, chunked):
    client, heads = HTTPClient("127.0.0.1", 8080, headers={"Accept": "text/html"}), RequestHeads(BUILD)
    for path in paths * 2:
        arguments = client, method, path, body, headers(*pairs), chunked
        assert result(heads.head, *arguments) == result(without_end, *arguments)


def test_a_head_is_built_once_for_its_headers():
    built = []

    def build(*arguments):
        built.append(arguments)
        return BUILD(*arguments)

    client, heads = HTTPClient("127.0.0.1", 8080), RequestHeads(build)
    for number in range(5):
        text = heads.head(client, "GET", f"/search?q={number}", b"", headers(("Cookie", "a=b")), False)
        assert text.startswith(f"GET /search?q={number} HTTP/1.1\r\n")
    assert len(built) == 1


def test_changed_headers_are_sent_at_once():
    client, heads = HTTPClient("127.0.0.1", 8080), RequestHeads(BUILD)
    sent = headers(("Cookie", "a=b"))
    assert "a=b" in heads.head(client, "GET", "/", b"", sent, False)
    sent["Cookie"] = "a=c"
    assert "a=c" in heads.head(client, "GET", "/", b"", sent, False)
    client.default_headers["X-More"] = "1"
    assert "X-More: 1" in heads.head(client, "GET", "/", b"", sent, False)


@pytest.mark.parametrize("values", [(1, True), (True, 1), ("1", 1)])
def test_equal_values_with_different_texts_are_kept_apart(values):
    client, heads = HTTPClient("127.0.0.1", 8080), RequestHeads(BUILD)
    texts = [heads.head(client, "GET", "/", b"", headers(("X-Value", value)), False) for value in values]
    assert [f"X-Value: {value}\r\n" in text for value, text in zip(values, texts, strict=True)] == [True, True]


def test_a_client_keeps_few_heads():
    client, heads = HTTPClient("127.0.0.1", 8080), RequestHeads(BUILD)
    for number in range(3 * MAX_KEPT):
        heads.head(client, "GET", "/", b"", headers(("Cookie", f"a={number}")), False)
    assert len(client._tracetrack_heads) <= MAX_KEPT


def test_a_proxy_gets_the_whole_address():
    client, heads = HTTPClient("127.0.0.1", 8080, proxy_host="127.0.0.1", proxy_port=1), RequestHeads(BUILD)
    for _ in range(2):
        text = heads.head(client, "GET", "/page", b"", headers(("Accept", "text/html")), False)
        assert text.startswith("GET http://127.0.0.1:8080/page HTTP/1.1\r\n")
