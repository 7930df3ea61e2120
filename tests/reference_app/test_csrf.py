"""A post that a page of another site makes a browser send is refused, whatever its cookies."""

from dataclasses import replace

import pytest

from loadgen.accounts import PASSWORD
from reference_app.csrf import is_cross_site

FRAMEWORKS = ("flask", "quart")

SAME_SITE, CROSS_SITE = False, True


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        ("same-origin", SAME_SITE),
        ("none", SAME_SITE),
        ("same-site", CROSS_SITE),
        ("cross-site", CROSS_SITE),
        ("", CROSS_SITE),
        ("SAME-ORIGIN", CROSS_SITE),
        ("same-origin, same-origin", CROSS_SITE),
        ("something new", CROSS_SITE),
    ],
)
@pytest.mark.parametrize("origin", [None, "https://host", "https://evil", "null"])
def test_the_fetch_site_counts_before_the_origin(site, origin, expected):
    assert is_cross_site(site, origin, "host") is expected


@pytest.mark.parametrize(
    ("origin", "host", "expected"),
    [
        (None, "host", SAME_SITE),
        ("http://host", "host", SAME_SITE),
        ("http://host:8000", "host:8000", SAME_SITE),
        # the default port, left out and written
        ("https://host:443", "host", SAME_SITE),
        ("https://host", "host:443", SAME_SITE),
        ("https://host:443", "host:443", SAME_SITE),
        ("http://host:80", "host", SAME_SITE),
        ("http://host", "host:80", SAME_SITE),
        ("http://host:80", "host:80", SAME_SITE),
        ("http://host:443", "host", CROSS_SITE),
        ("https://host:80", "host", CROSS_SITE),
        ("http://host", "host:443", CROSS_SITE),
        ("https://host:4430", "host", CROSS_SITE),
        # another port
        ("http://host:8001", "host:8000", CROSS_SITE),
        ("http://host", "host:8000", CROSS_SITE),
        ("http://host:8000", "host", CROSS_SITE),
        ("http://host:", "host", CROSS_SITE),
        # the scheme is not known behind a proxy, but must be one of a page
        ("https://host", "host", SAME_SITE),
        ("https://host:8000", "host:8000", SAME_SITE),
        ("ftp://host", "host", CROSS_SITE),
        ("chrome-extension://host", "host", CROSS_SITE),
        ("//host", "host", CROSS_SITE),
        ("host", "host", CROSS_SITE),
        # upper case
        ("HTTPS://HOST:443", "host", SAME_SITE),
        ("https://host", "HOST", SAME_SITE),
        # another host
        ("https://evil", "host", CROSS_SITE),
        ("https://host.evil", "host", CROSS_SITE),
        ("https://evil.host", "host", CROSS_SITE),
        ("https://hos", "host", CROSS_SITE),
        ("https://host@evil", "host", CROSS_SITE),
        ("https://evil@host", "host", CROSS_SITE),
        ("https://evil?host", "host", CROSS_SITE),
        ("https://evil#@host", "host", CROSS_SITE),
        ("https://evil\\@host", "host", CROSS_SITE),
        ("https://evil https://host", "host", CROSS_SITE),
        # IPv6
        ("http://[::1]", "[::1]", SAME_SITE),
        ("http://[::1]:80", "[::1]", SAME_SITE),
        ("http://[2001:DB8::1]:8000", "[2001:db8::1]:8000", SAME_SITE),
        ("http://[::1]:8000", "[::1]", CROSS_SITE),
        ("http://[::2]", "[::1]", CROSS_SITE),
        ("https://[::443]", "[::]", CROSS_SITE),
        # no origin at all
        ("null", "host", CROSS_SITE),
        ("null", "null", CROSS_SITE),
        ("", "host", CROSS_SITE),
        ("", "", CROSS_SITE),
        ("https://", "", CROSS_SITE),
        ("http://:80", "", CROSS_SITE),
        ("http://[::1", "host", CROSS_SITE),
        ("https://\xfc", "host", CROSS_SITE),
        ("nonsense", "host", CROSS_SITE),
        ("x" * 8000, "host", CROSS_SITE),
    ],
)
def test_without_a_fetch_site_the_origin_has_to_name_the_host(origin, host, expected):
    assert is_cross_site(None, origin, host) is expected


@pytest.fixture
def settings(settings):
    return replace(settings, sessions="cookie", password_hash="argon2id")


FROM_ANOTHER_SITE = pytest.mark.parametrize(
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
FROM_THIS_SITE = pytest.mark.parametrize(
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


@FROM_ANOTHER_SITE
def test_another_site_can_neither_log_a_user_in_or_out_nor_scan(client, auth, headers):
    refused = client.post("/login", data=FORM, headers=headers)
    assert (refused.status_code, client.get_cookie("session")) == (403, None)
    assert "text/html" in refused.content_type
    auth.login()
    assert client.post("/logout", headers=headers).status_code == 403
    refused = client.post("/api/scans", json={"qr_id": "M444-0000001"}, headers={"Idempotency-Key": "1", **headers})
    assert refused.status_code == 403
    assert refused.json == {"success": False, "error": "this request was made by a page of another site"}
    assert client.get("/api/dashboard/stats").status_code == 200


@FROM_THIS_SITE
def test_pages_of_this_site_and_clients_without_pages_are_served(client, headers):
    assert client.post("/login", data=FORM, headers=headers).status_code == 302
    answer = client.post("/api/scans", json={"qr_id": "M444-0000001"}, headers={"Idempotency-Key": "1", **headers})
    assert answer.status_code == 201
    assert client.post("/logout", headers=headers).status_code == 302


@FROM_ANOTHER_SITE
def test_a_link_on_another_site_may_be_followed(client, auth, headers):
    auth.login()
    for path in ("/", "/login", "/api/dashboard/stats"):
        assert client.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods_are_checked_too(client, method):
    assert client.open("/login", method=method, headers={"Origin": "https://evil.example"}).status_code in (403, 405)


@pytest.mark.parametrize(("host", "status"), [("shop.example", 302), ("shop.example:443", 302), ("other.example", 403)])
def test_the_origin_is_compared_with_the_requested_host(client, host, status):
    headers = {"Origin": "https://shop.example", "Host": host}
    assert client.post("/login", data=FORM, headers=headers).status_code == status
