"""The draft of a recording has no secret of it, and has what is ordinary as it was recorded."""

import json

import pytest

from loadgen.app_draft import app_file_text, locustfile_text
from loadgen.app_draft.app_file_text import DraftArm
from tests.loadgen.app_draft.documents import entry

SECRETS = {
    "a bearer token": {"headers": {"Authorization": "Bearer abc.def-short"}},
    "a password of the header": {"headers": {"Authorization": "Basic YW5uOmh1bnRlcjI="}},
    "a scheme of its own": {"headers": {"authorization": "topsecretword"}},
    "a cookie": {"headers": {"Cookie": "sid=topsecretword; theme=dark"}},
    "a key of a header": {"headers": {"X-Api-Key": "topsecretword"}},
    "a header of any name": {"headers": {"X-Whatever": "topsecretword"}},
    "a value of Accept": {"headers": {"Accept": "application/eyJhbGciOiJIUzI1NiJ9AbCdEfGh1234567"}},
    "the page before": {"headers": {"Referer": "http://127.0.0.1/?token=topsecretword"}},
    "a token of the query": {"url": "/a?access_token=topsecretword"},
    "a random value of the query": {"url": "/a?x=9fJ3kq81Zs7PwQ0bT4vY"},
    "one in a nested address": {"url": "/a?next=http%3A%2F%2Fhost%2F%3Ftoken%3Dtopsecretword"},
    "a name that is random": {"url": "/a?9fJ3kq81Zs7PwQ0bT4vY"},
    "a random part of the path": {"url": "/a/9fJ3kq81Zs7PwQ0bT4vY"},
    "a short part behind reset": {"url": "/reset/topsecret1"},
    "an id behind invite": {"url": "/invite/550e8400-e29b-41d4-a716-446655440000"},
    "a session in the path": {"url": "/a;jsessionid=topsecretword"},
    "a user in the address": {"url": "http://anneliese:topsecretword@127.0.0.1:8000/a"},
    "a fragment": {"url": "/a#access_token=topsecretword"},
    "a password of a form": {"method": "POST", "body": ("application/x-www-form-urlencoded",
     "user=anneliese&password=topsecretword")},
    "a password of JSON": {"method": "POST", "body": ("application/json", '{"a": [{"newPassword": "topsecretword"}]}')},
    "a random value of JSON": {"method": "POST", "body": ("application/json", '["9fJ3kq81Zs7PwQ0bT4vY"]')},
    "a random name of JSON": {"method": "POST", "body": ("application/json", '{"9fJ3kq81Zs7PwQ0bT4vY": 1}')},
    "JSON within JSON": {"method": "POST", "body": ("application/json", '{"a": "{\\"token\\": \\"topsecretword\\"}"}')},
    "a number of a card": {"method": "POST", "body": ("application/json", '{"a": 4111111111111111}')},
    "a form of parts": {"method": "POST", "body": ("multipart/form-data; boundary=x", "--x\r\ntopsecretword")},
    "a body of another kind": {"method": "PUT", "body": ("text/plain", "topsecretword")},
    "broken JSON": {"method": "POST", "body": ("application/json", '{"topsecretword')},
    "the body of a GET": {"body": ("application/json", '{"password": "topsecretword"}')},
    **{f"the field {name}": {"method": "POST", "body": ("application/json", f'{{"a": {{"{name}": "topsecretword"}}}}')}
       for name in ("securityCode", "cvv2", "secretAnswer", "security_answer", "mothersMaidenName", "code",
                    "verification_code", "sms-code", "otpCode", "dob", "birthDate", "pin", "new_passcode", "userName")},
    **{f"the parameter {name}": {"url": f"/a?page=2&{name}=topsecretword"}
       for name in ("user", "username", "login", "code", "otp", "passcode", "birth_date")},
    "a state of a sign-in": {"url": "/a?code=4&state=topsecretword"},
    "a state that is no word": {"url": "/a?state=topsecret77"},
    "a pair of JSON": {"method": "POST", "body": ("application/json",
     '[{"name": "password", "value": "topsecretword"}]')},
    "a pair with a key": {"method": "POST", "body": ("application/json",
     '{"key": "user_secret", "value": ["topsecretword"]}')},
    "a pair of a form": {"method": "POST", "body": ("application/x-www-form-urlencoded",
     "Name=pin&Value=topsecretword")},
    "a pair of a query": {"url": "/a?field=password&value=topsecretword"},
    "a field of GraphQL": {"method": "POST", "body": ("application/json",
     json.dumps({"query": 'mutation { login(password: "topsecretword") { id } }'}))},
    "a default of GraphQL": {"method": "POST", "body": ("application/json",
     json.dumps({"query": 'mutation M($password: String = "topsecretword") { id }'}))},
    "a field of XML": {"method": "POST", "body": ("application/json", '["<password>topsecretword</password>"]')},
    "a sentence": {"method": "POST", "body": ("application/json", '["the password is topsecretword"]')},
    "a query without a name": {"url": "/a?topsecret77"},
    "a query with a name alone": {"url": "/a?topsecret77="},
    "a word behind a flag": {"url": "/a?debug&topsecretword"},
    **{f"a part behind {before}": {"url": f"/{before}/topsecret"}
       for before in ("reset", "invite", "api_key", "share", "dl", "phone", "passwordReset", "magic-link", "pin")},
    "an id behind share": {"url": "/share/topsecret12"},
    "hexadecimal digits": {"url": "/dl/9fJ3kq81cafe"},
    "a number of a phone": {"url": "/phone/+494111111"},
    "a number of a phone elsewhere": {"url": "/a?x=%2B494111111"},
    "parts behind a hidden one": {"url": "/hook/T02/topsecret4"},
    "a number of a header": {"headers": {"X-Account": "4111111"}},
    "a token for one page": {"method": "POST", "headers": {"X-CSRFToken": "topsecretword"}},
    "a cookie of a response": {"set_cookies": ["sid=topsecretword; HttpOnly"]},
}  # fmt: skip
WORDS = (
    "topsecret", "9fJ3kq81", "4111111", "hunter2", "YW5u", "abc.def", "550e8400", "eyJhbGci", "anneliese",
)  # fmt: skip


@pytest.mark.parametrize("recorded", SECRETS.values(), ids=SECRETS)
def test_no_secret_of_a_recording_is_in_a_file(draft_of, recorded):
    given = {"url": "/a", **recorded}
    draft = draft_of(entry("/ok"), entry(given.pop("url"), 1, **given))
    files = locustfile_text.text(draft) + app_file_text.text(draft, DraftArm(url=draft.url))
    assert [word for word in WORDS if word in files] == []
    assert "/ok" in files


def test_ordinary_parts_of_a_request_stay(draft_of):
    addresses = [
        "/a?page=2&limit=10&q=thing&sort=name&lang=de&id=5&user_id=7&user=5&state=open&country_code=DE&max_tokens=9",
        "/b?ticket_id=7&email_template=short", "/c?debug", "/password/reset", "/share/12", "/keyboards/small",
        "/invite/new", "/reset/confirm", "/shareholders/list", "/download/12",
    ]  # fmt: skip
    assert draft_of(*map(entry, addresses)).variables() == []


def test_graphql_whose_secrets_are_variables_of_its_own_is_kept(draft_of):
    text = "mutation M($email: String!, $password: String!) { login(email: $email, password: $password) { id } }"
    body = json.dumps({"query": text, "variables": {"email": "x", "password": "y"}})
    (request,) = draft_of(entry("/ok"), entry("/a", 1, "POST", body=("application/json", body))).requests[1:]
    assert request.body.content["query"] == text
    assert {each.name for each in request.body.content["variables"].values()} == {"APP_EMAIL", "APP_PASSWORD"}


def test_addresses_with_different_secrets_are_all_drawn(draft_of):
    draft = draft_of(
        entry("/search?q=thing&assignee=erika@shop.example"), entry("/search?q=M%C3%BCll&api_token=short"),
        entry("/search?q=other&api_token=short"), entry("/search?q=other&api_token=renewed"),
    )  # fmt: skip
    drawn = draft.requests[0].urls
    assert ["".join(part if isinstance(part, str) else part.name for part in url) for url in drawn] == [
        "/search?q=thing&assignee=APP_ASSIGNEE", "/search?q=M%C3%BCll&api_token=APP_API_TOKEN",
        "/search?q=other&api_token=APP_API_TOKEN",
    ]  # fmt: skip
    assert draft.notes == ()


def test_secret_of_one_name_and_two_values_is_two_variables(draft_of):
    draft = draft_of(entry("/a?token=first"), entry("/b?token=second"), entry("/c?token=first"))
    assert [request.urls[0][-1].name for request in draft.requests] == ["APP_TOKEN", "APP_TOKEN_2", "APP_TOKEN"]
    assert [variable.name for variable in draft.variables()] == ["APP_TOKEN", "APP_TOKEN_2"]


def test_address_without_a_secret_is_taken_before_one_with(draft_of):
    draft = draft_of(entry("/a?token=first"), entry("/a?page=2"), entry("/a?token=second"))
    assert draft.requests[0].urls == (("/a?page=2",),)
    assert draft.notes == ("2 requests whose address needs a secret, where the endpoint has addresses without one",)
