"""Logging in and out, and the index that a login leads to."""

import logging

from flask import Blueprint, current_app, jsonify, redirect, render_template, request, session, url_for
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from . import passwords
from .database import connection, rows, transaction
from .sessions.timed import UNAVAILABLE, is_unavailable

blueprint = Blueprint("login", __name__)
log = logging.getLogger(__name__)

ACCOUNT = text('SELECT id, username, password_hash, role, active FROM tracetrack."user" WHERE username = :username')
REHASH = text('UPDATE tracetrack."user" SET password_hash = :fresh WHERE id = :id AND password_hash = :stored')


@blueprint.get("/login")
def form():
    return render_template("login.html", error=None)


@blueprint.post("/login")
def login():
    """A redirect to the index on success; the form again with 401 on failure, with 429 after too many attempts."""
    if is_unavailable(session):
        return no_sessions()
    username, password = request.form.get("username", ""), request.form.get("password", "")
    if wait_s := current_app.extensions["throttle"].wait_s(username, request.remote_addr or ""):
        told = f"Too many attempts; try again in {wait_s} seconds."
        return render_template("login.html", error=told), 429, {"Retry-After": str(wait_s)}
    account = _account(username)
    stored = account["password_hash"] if account else passwords.decoy(current_app.settings.password_hash)
    # For scrypt a short password and the same with NULs at its end are one: HMAC fills its key up with them.
    if not (passwords.verify(stored, password) and "\0" not in password and account and account["active"]):
        return render_template("login.html", error="Unknown user name or wrong password."), 401
    if passwords.is_outdated(stored, current_app.settings.password_hash):
        _rehash(account, password)
    current_app.session_interface.renew(session)
    session["user"] = {key: account[key] for key in ("id", "username", "role")}
    return redirect(url_for("login.index"))


@blueprint.post("/logout")
def logout():
    if is_unavailable(session):
        return no_sessions()
    session.clear()
    return redirect(url_for("login.form"))


@blueprint.get("/")
def index():
    if is_unavailable(session):
        return no_sessions()
    if not (user := _user()):
        return redirect(url_for("login.form"))
    return render_template("index.html", user=user)


def signed_in_user():
    """The user of this session and None, or None and the answer that the API gives without one."""
    if is_unavailable(session):
        return None, no_sessions()
    user = _user()
    return user, None if user else (jsonify(success=False, error="not logged in"), 401)


def no_sessions():
    """The answer while nobody can be known."""
    return jsonify(success=False, error=UNAVAILABLE), 503, {"Retry-After": "1"}


def _user():
    match session.get("user"):
        case {"id": int(), "username": str(), "role": str()} as user:
            return user
    return None


def _account(username):
    # PostgreSQL's text holds no NUL, so no account has one.
    if not username or "\0" in username:
        return None
    with connection() as opened:
        return next(iter(rows(opened, ACCOUNT, username=username)), None)


def _rehash(account, password):
    """Store the password under the deployment's own hash. That it fails is no reason to refuse a right password."""
    fresh = passwords.fresh(password)
    try:
        with transaction() as opened:
            rows(opened, REHASH, fresh=fresh, id=account["id"], stored=account["password_hash"])
    except SQLAlchemyError as error:
        log.warning("password not rehashed", extra={"error": type(error).__name__, "reason": str(error).split("\n")[0]})
