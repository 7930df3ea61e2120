"""Signing in to the application, and what its responses say about the session."""

from loadgen.accounts import PASSWORD
from loadgen.dataset import SALT
from reference_app import session_account
from reference_app.passwords import hash_password

ACCOUNT = {"id": 1, "username": "user001", "role": "admin"}
STATISTICS = "/api/dashboard/stats"
WRONG_PASSWORD = "count every bug"
SESSIONS_UNAVAILABLE = {"success": False, "error": "the session store is not available"}


def form(username="user001", password=PASSWORD):
    """The fields of the login form."""
    return {"username": username, "password": password}


def encoded_form(username="user001"):
    """The login form as a browser sends it."""
    return f"username={username}&password={PASSWORD.replace(' ', '+')}".encode()


def try_login(client, username="user001", password=PASSWORD):
    """The response to a login."""
    return client.post("/login", data=form(username, password))


def logged_in(app, username="user001"):
    """A client that has logged in."""
    client = app.test_client()
    assert try_login(client, username).status_code == 302
    return client


def give_session(client):
    """Log in without the cost of a password, whatever the state of the database."""
    with client.session_transaction() as session:
        session["user"] = ACCOUNT | {"credential": credential(application_of(client))}


def application_of(client):
    """The application that a client calls, on either framework."""
    return getattr(client, "application_served", client.application)


def credential(app, password_hash=None):
    """What a session of the application knows of a password; of the tests' own without a hash."""
    settings = app.extensions["settings"]
    with app.app_context():
        return session_account._credential(password_hash or hash_password(PASSWORD, settings.password_hash, SALT))


def token_of(client):
    """The content of the client's session cookie; None without one."""
    cookie = client.get_cookie("session")
    return cookie and cookie.value


def status_with(app, token):
    """The status of a request with this session cookie."""
    return app.test_client(use_cookies=False).get(STATISTICS, headers={"Cookie": f"session={token}"}).status_code


def require_unavailable(response):
    """Fail unless the response says that sessions are unavailable, and nothing that only a session allows."""
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert response.json == SESSIONS_UNAVAILABLE
    assert not {"Set-Cookie", "Location"} & set(response.headers.keys())


def cache_outcome(response):
    """The outcome of the cache, by Server-Timing."""
    return response.headers["Server-Timing"].partition("cache;dur=")[2].partition('desc="')[2].partition('"')[0]
