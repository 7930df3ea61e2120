"""The draft of a recording: endpoints, weights, pauses and hosts, and no secret of it."""

import json
from pathlib import Path

import pytest

from loadgen.app_draft import recorded_draft
from tests.loadgen.app_draft.documents import ORIGIN, entry, har, write
from workbench.errors import UsageError


def test_requests_that_differ_in_ids_are_one_endpoint_with_its_weight(draft_of):
    draft = draft_of(
        entry("/"), entry("/posts/1"), entry("/posts/22?full=1"), entry("/"), entry("/posts/1"), entry("/", 5),
        entry("/posts/550e8400-e29b-41d4-a716-446655440000"), entry("/bags/M444-00012.json"), entry("/v2/posts"),
        entry("/posts/1"),
    )  # fmt: skip
    assert [(request.endpoint, request.weight) for request in draft.requests] == [
        ("GET /", 3), ("GET /posts/[id]", 5), ("GET /bags/[id].json", 1), ("GET /v2/posts", 1),
    ]  # fmt: skip
    assert draft.requests[1].urls[:2] == (("/posts/1",), ("/posts/22?full=1",))


def test_weights_have_no_common_divisor(draft_of):
    draft = draft_of(*[entry("/a")] * 6, *[entry("/b")] * 2)
    assert [request.weight for request in draft.requests] == [3, 1]


def test_pauses_are_those_from_a_response_to_the_next_request(draft_of):
    draft = draft_of(entry("/a", 0), entry("/b", 0.05), entry("/c", 2.15), entry("/d", 3.0), entry("/e", 300))
    assert draft.pauses_s == (0.0, 0.75, 2.0, 60.0)
    assert draft_of(entry("/a", 0), entry("/b", 5)).pauses_s == ()


def test_only_one_host_is_drafted_and_the_others_are_counted(draft_of):
    entries = [
        entry("/a"),
        entry("/b"),
        *[entry(f"https://{name}.example/x") for name in ("cdn", "ads", "ads", "map", "log")],
    ]
    draft = draft_of(*entries)
    assert (draft.url, len(draft.requests)) == (ORIGIN, 2)
    assert draft.notes == (
        "5 requests to other hosts (ads.example, cdn.example, map.example, …), one of which --host chooses",
    )
    assert draft_of(*entries, host="ads.example").url == "https://ads.example"


def test_host_that_was_not_recorded_is_refused_with_those_that_were(draft_of):
    with pytest.raises(UsageError, match=r"no such request to the host other; choose one of 127\.0\.0\.1:8000"):
        draft_of(entry("/a"), host="other")


def test_files_are_left_out_unless_they_are_wanted(draft_of):
    entries = [
        entry("/"), entry("/logo", mime="image/png"), entry("/app.js?v=2", mime=""), entry("/x",
         mime="text/css; charset=utf-8"),
        entry("/font", mime="", _resourceType="font"),
    ]  # fmt: skip
    draft = draft_of(*entries)
    assert [request.name for request in draft.requests] == ["/"]
    assert draft.notes == ("4 requests for files such as images and scripts, which --static includes",)
    assert len(draft_of(*entries, has_static=True).requests) == 5


def test_requests_that_no_load_can_send_are_left_out_and_counted(draft_of):
    draft = draft_of(
        entry("/"), entry("/a", method="OPTIONS"), entry("/b", status=404), entry("/c", status=0), entry("/d",
         status=101),
        entry("/e", mime="text/event-stream"), entry("/f", method="BREW"),
    )  # fmt: skip
    assert len(draft.requests) == 1
    assert sorted(draft.notes) == [
        "1 request with an error in response", "1 request without a response",
        "2 requests of connections that stay open", "2 requests of methods that no task sends, such as OPTIONS",
    ]  # fmt: skip


def test_redirect_is_sent_as_it_was_recorded_and_a_cached_response_whole(draft_of):
    draft = draft_of(entry("/old", status=302), entry("/cached", status=304))
    old, cached = draft.requests
    assert (old.follows_redirects, old.success) == (False, {"status": [302]})
    assert (cached.follows_redirects, cached.success) == (True, {"status": [200]})


def test_success_is_the_recorded_status_and_json_where_all_had_it(draft_of):
    draft = draft_of(entry("/a"), entry("/b", mime="text/html"), entry("/a", status=204, mime=""))
    assert [request.success for request in draft.requests] == [{"status": [200, 204]}, {"status": [200]}]
    assert draft_of(entry("/a")).requests[0].success == {"status": [200], "content_type": "application/json"}


def test_headers_of_the_application_are_kept_and_those_of_the_browser_are_not(draft_of):
    headers = {
        "X-Requested-With": "XMLHttpRequest", "Accept": "application/json", "User-Agent": "Mozilla/5.0",
        ":authority": "shop",
        "Sec-Fetch-Mode": "cors", "If-None-Match": '"x"', "X-Tenant": "7", "X-Shop": "ours",
    }  # fmt: skip
    (request,) = draft_of(entry("/a", headers=headers)).requests
    kept = {name: text[0] if isinstance(text[0], str) else text[0].name for name, text in request.headers}
    assert kept == {
        "X-Requested-With": "XMLHttpRequest",
        "Accept": "application/json",
        "X-Tenant": "7",
        "X-Shop": "APP_X_SHOP",
    }


def test_cookie_that_a_recorded_response_set_is_the_clients_own(draft_of):
    draft = draft_of(entry("/a", set_cookies=["sid=1; Path=/"]), entry("/b", headers={"Cookie": "sid=1; _ga=GA1.2"}))
    assert draft.variables() == []
    draft = draft_of(entry("/b", headers={"Cookie": "sid=1; _ga=GA1.2"}))
    assert [variable.name for variable in draft.variables()] == ["APP_COOKIE"]


def test_recorded_sign_in_is_sent_first_with_the_account_of_the_environment(draft_of):
    form = "username=ann&password=hunter2&remember=on"
    draft = draft_of(
        entry("/login", mime="text/html"),
        entry("/login", 3, "POST", 302, body=("application/x-www-form-urlencoded", form), headers={"Cookie": "old=1"}),
        entry("/home", 4, headers={"Cookie": "old=1"}),
    )
    assert draft.sign_in.endpoint == "POST /login"
    assert [request.endpoint for request in draft.active()] == ["GET /login", "GET /home"]
    assert draft.sign_in.body.content["remember"] == "on"
    assert {variable.name for variable in draft.variables()} >= {"APP_USERNAME", "APP_PASSWORD"}
    assert draft.requests[-1].headers == ()


def test_sign_in_with_a_token_of_its_page_is_a_comment(draft_of):
    form = "username=ann&password=hunter2&csrf_token=abc"
    draft = draft_of(entry("/"), entry("/login", 3, "POST", body=("application/x-www-form-urlencoded", form)))
    assert draft.sign_in is None
    assert draft.requests[1].gaps == ("Its field csrf_token is new for each page or session: read it there first.",)
    assert draft.notes == (
        "the sign-in POST /login: its field csrf_token is new for each page or session: read it there first",
    )


BROKEN = {
    "no object": ([], "this is no HAR file"),
    "no entries": ({"log": {"entries": {}}}, "this is no HAR file"),
    "an entry of another type": ({"log": {"entries": [1]}}, "log.entries[0]: 1 is not an object"),
    "no request": ({"log": {"entries": [{}]}}, "log.entries[0].request: it is missing, and has to be an object"),
    "no address": ({"log": {"entries": [{"request": {"method": "GET"}}]}}, "log.entries[0].request.url: it is missing"),
    "a status of another type": (
        har(entry("/"), entry("/a") | {"response": {"status": "200"}}),
        "log.entries[1].response.status: 200 is not a number",
    ),
    "headers of another type": (
        {"log": {"entries": [{"request": {"method": "GET", "url": "http://a/", "headers": {}, "x": 1}}]}},
        "no request that",
    ),
    "headers that are texts": (
        {"log": {"entries": [{"request": {"method": "GET", "url": "http://a/", "headers": ["a"]}}]}},
        "log.entries[0].request.headers: a is not an object",
    ),
    "no usable entry": (har(entry("/", status=500)),
     "no request that a load can send (1 request with an error in response)"),
    "no entry": (har(), "no request that a load can send (it is empty)"),
    "other protocols": (har(entry("ws://host/a"), entry("data:x,y://")), "no request that a load can send"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_recording_that_cannot_be_used_is_one_line_with_its_place(tmp_path, content, message):
    path = write(tmp_path, content, "broken.har")
    with pytest.raises(UsageError) as raised:
        recorded_draft.draft(path)
    assert raised.value.message.startswith(path)
    assert message in raised.value.message
    assert "\n" not in raised.value.message


def test_recording_that_ends_in_the_middle_is_one_line(tmp_path):
    path = Path(write(tmp_path, har(entry("/")), "cut.har"))
    path.write_text(path.read_text()[:-40])
    with pytest.raises(UsageError, match=r"cut\.har, line 1: this is no JSON"):
        recorded_draft.draft(str(path))


def test_times_that_are_missing_or_wrong_only_cost_the_pauses(draft_of):
    entries = [entry("/a") | {"startedDateTime": when} for when in ("yesterday", "", "2026-11-30T08:00:00")]
    draft = draft_of(*entries, *[{key: value for key, value in entry("/b").items() if key != "time"}] * 3)
    assert [request.name for request in draft.requests] == ["/a", "/b"]
    assert json.dumps(draft.pauses_s)


def test_recording_of_many_secrets_of_one_endpoint_needs_one_variable(draft_of):
    draft = draft_of(*[entry(f"/a?x={number:08x}9fJ3kq81Zs7PwQ0b") for number in range(3_000)])
    assert [request.weight for request in draft.requests] == [1]
    assert len(draft.variables()) == 1
