"""A post that a page of another site makes a browser send is refused, with whatever cookies it comes."""

from dataclasses import replace

import pytest

from loadgen.accounts import PASSWORD
from reference_app.csrf import is_cross_site

OWN, OTHER = False, True


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        ("same-origin", OWN),
        ("none", OWN),
        ("same-site", OTHER),
        ("cross-site", OTHER),
        ("", OTHER),
        ("SAME-ORIGIN", OTHER),
        ("same-origin, same-origin", OTHER),
        ("something new", OTHER),
    ],
)
@pytest.mark.parametrize("origin", [None, "https://host", "https://evil", "null"])
def test_the_word_of_the_browser_goes_before_its_origin(site, origin, expected):
    assert is_cross_site(site, origin, "host") is expected


@pytest.mark.parametrize(
    ("origin", "host", "expected"),
    [
        (None, "host", OWN),
        ("http://host", "host", OWN),
        ("http://host:8000", "host:8000", OWN),
        # the default port, left out and written
        ("https://host:443", "host", OWN),
        ("https://host", "host:443", OWN),
        ("https://host:443", "host:443", OWN),
        ("http://host:80", "host", OWN),
        ("http://host", "host:80", OWN),
        ("http://host:80", "host:80", OWN),
        ("http://host:443", "host", OTHER),
        ("https://host:80", "host", OTHER),
        ("http://host", "host:443", OTHER),
        ("https://host:4430", "host", OTHER),
        # another port
        ("http://host:8001", "host:8000", OTHER),
        ("http://host", "host:8000", OTHER),
        ("http://host:8000", "host", OTHER),
        ("http://host:", "host", OTHER),
        # the scheme is not known behind a proxy, but must be one of a page
        ("https://host", "host", OWN),
        ("https://host:8000", "host:8000", OWN),
        ("ftp://host", "host", OTHER),
        ("chrome-extension://host", "host", OTHER),
        ("//host", "host", OTHER),
        ("host", "host", OTHER),
        # upper case
        ("HTTPS://HOST:443", "host", OWN),
        ("https://host", "HOST", OWN),
        # another host
        ("https://evil", "host", OTHER),
        ("https://host.evil", "host", OTHER),
        ("https://evil.host", "host", OTHER),
        ("https://hos", "host", OTHER),
        ("https://host@evil", "host", OTHER),
        ("https://evil@host", "host", OTHER),
        ("https://evil?host", "host", OTHER),
        ("https://evil#@host", "host", OTHER),
        ("https://evil\\@host", "host", OTHER),
        ("https://evil https://host", "host", OTHER),
        # IPv6
        ("http://[::1]", "[::1]", OWN),
        ("http://[::1]:80", "[::1]", OWN),
        ("http://[2001:DB8::1]:8000", "[2001:db8::1]:8000", OWN),
        ("http://[::1]:8000", "[::1]", OTHER),
        ("http://[::2]", "[::1]", OTHER),
        ("https://[::443]", "[::]", OTHER),
        # no origin at all
        ("null", "host", OTHER),
        ("null", "null", OTHER),
        ("", "host", OTHER),
        ("", "", OTHER),
        ("https://", "", OTHER),
        ("http://:80", "", OTHER),
        ("http://[::1", "host", OTHER),
        ("https://\xfc", "host", OTHER),
        ("nonsense", "host", OTHER),
        ("x" * 8000, "host", OTHER),
    ],
)
def test_without_it_the_origin_has_to_name_the_host(origin, host, expected):
    assert is_cross_site(None, origin, host) is expected


@pytest.fixture
def settings(settings):
    return replace(settings, sessions="cookie", password_hash="argon2id")


FROM_ELSEWHERE = pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://localhost:8000"},
    ],
)
FROM_HERE = pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
        {"Origin": "http://localhost"},
        {"Origin": "http://localhost:80"},
        {"Origin": "https://LOCALHOST"},
        {"Origin": "https://localhost:443"},
    ],
)
FORM = {"username": "user001", "password": PASSWORD}


@FROM_ELSEWHERE
def test_no_other_site_logs_anybody_in_or_out_or_scans_for_them(client, auth, headers):
    refused = client.post("/login", data=FORM, headers=headers)
    assert (refused.status_code, client.get_cookie("session")) == (403, None)
    assert "text/html" in refused.content_type
    auth.login()
    assert client.post("/logout", headers=headers).status_code == 403
    refused = client.post("/api/scans", json={"qr_id": "M444-0000001"}, headers={"Idempotency-Key": "1", **headers})
    assert refused.status_code == 403
    assert refused.json == {"success": False, "error": "this request was made by a page of another site"}
    assert client.get("/api/dashboard/stats").status_code == 200


@FROM_HERE
def test_our_own_pages_and_clients_without_pages_are_served(client, headers):
    assert client.post("/login", data=FORM, headers=headers).status_code == 302
    answer = client.post("/api/scans", json={"qr_id": "M444-0000001"}, headers={"Idempotency-Key": "1", **headers})
    assert answer.status_code == 201
    assert client.post("/logout", headers=headers).status_code == 302


@FROM_ELSEWHERE
def test_a_link_of_another_site_may_be_followed(client, auth, headers):
    auth.login()
    for path in ("/", "/login", "/api/dashboard/stats"):
        assert client.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_no_other_method_is_a_way_round(client, method):
    assert client.open("/login", method=method, headers={"Origin": "https://evil.example"}).status_code in (403, 405)


@pytest.mark.parametrize(("host", "status"), [("shop.example", 302), ("shop.example:443", 302), ("other.example", 403)])
def test_it_is_the_host_that_was_asked_for(client, host, status):
    headers = {"Origin": "https://shop.example", "Host": host}
    assert client.post("/login", data=FORM, headers=headers).status_code == status
