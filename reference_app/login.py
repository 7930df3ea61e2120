"""Logging in and out, and the index page that a login leads to."""

import logging

from flask import Blueprint, current_app, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from . import hash_kinds, passwords
from .database import Row, read, rows, write_with
from .event_loop import completed
from .guards import sessions_required
from .rendering import page
from .session_account import current_user, log_in
from .settings import current_settings
from .throttle import client_address

blueprint = Blueprint("login", __name__)
log = logging.getLogger(__name__)

ACCOUNT = text('SELECT id, username, password_hash, role, active FROM tracetrack."user" WHERE username = :username')
# It finds its own new hash where it runs again, as its connection was lost.
REHASH = text(
    """
    UPDATE tracetrack."user" SET password_hash = :new
    WHERE id = :id AND password_hash IN (:stored, :new) RETURNING id
    """
)


@blueprint.get("/login", endpoint="form")
def login_form() -> ResponseReturnValue:
    """The login form."""
    return page("login.html", error=None)


@blueprint.post("/login")
@sessions_required
def login() -> ResponseReturnValue:
    """A redirect to the index on success; the form again with 401 on failure, with 429 after too many attempts."""
    form = completed(request.form)
    username, password = form.get("username", ""), form.get("password", "")
    throttle, address = current_app.extensions["throttle"], client_address(request, current_settings().proxies)
    if wait_s := throttle.wait_s(username, address):
        message = f"Too many attempts; try again in {wait_s} seconds."
        return page("login.html", error=message), 429, {"Retry-After": str(wait_s)}
    account = _authenticate(username, password)
    if not account:
        return page("login.html", error="Unknown user name or wrong password."), 401
    throttle.give_back(username, address)
    password_hash = account["password_hash"]
    if passwords.is_outdated(password_hash, current_settings().password_hash):
        password_hash = _rehash(account, password) or password_hash
    current_app.session_interface.renew(session)  # type: ignore[attr-defined]  # TimedSessions, set by `sessions`
    log_in(account, password_hash)
    return redirect(url_for("login.index"))


@blueprint.post("/logout")
@sessions_required
def logout() -> ResponseReturnValue:
    """End the session; a redirect to the login form."""
    session.clear()
    return redirect(url_for("login.form"))


@blueprint.get("/")
@sessions_required
def index() -> ResponseReturnValue:
    """The index page of the user; without one a redirect to the login form."""
    if not (user := current_user()):
        return redirect(url_for("login.form"))
    return page("index.html", user=user)


def _authenticate(username: str, password: str) -> Row | None:
    """The active account with this name and password; every failure takes the same time, account or not."""
    account = _find_account(username)
    stored = account["password_hash"] if account else ""
    # For scrypt a short password and the same with NULs at its end are equal: HMAC fills its key up with them.
    if hash_kinds.fits(stored, password) and "\0" not in password and account and account["active"]:
        return account
    hash_kinds.complete_failure(stored, password)
    return None


def _find_account(username: str) -> Row | None:
    # PostgreSQL's text holds no NUL, so no account has one.
    if not username or "\0" in username:
        return None
    return next(iter(read(ACCOUNT, username=username)), None)


def _rehash(account: Row, password: str) -> str | None:
    """Store the password under the deployment's own hash, and return that; None if it was not stored.

    A failure does not end the login. After a change of the password meanwhile nothing is stored.
    """
    new = passwords.new_hash(password)
    try:
        parameters = {"new": new, "id": account["id"], "stored": account["password_hash"]}
        return new if write_with(lambda opened: rows(opened, REHASH, **parameters)) else None
    except SQLAlchemyError as error:
        log.warning("password not rehashed", extra={"error": type(error).__name__, "reason": str(error).split("\n")[0]})
        return None


def warm_up(opened: Connection) -> None:
    """Read as a login does, of no account."""
    rows(opened, ACCOUNT, username="")
