"""Logging in and out, and the index that a login leads to."""

from flask import Blueprint, current_app, jsonify, redirect, render_template, request, session, url_for
from sqlalchemy import text

from . import passwords
from .database import connection, rows

blueprint = Blueprint("login", __name__)

ACCOUNT = text('SELECT id, username, password_hash, role, active FROM tracetrack."user" WHERE username = :username')


@blueprint.get("/login")
def form():
    return render_template("login.html", error=None)


@blueprint.post("/login")
def login():
    """A redirect to the index on success, 401 with the form again on failure."""
    username, password = request.form.get("username", ""), request.form.get("password", "")
    account = _account(username)
    stored = account["password_hash"] if account else passwords.decoy(current_app.settings.password_hash)
    # For scrypt a short password and the same with NULs at its end are one: HMAC fills its key up with them.
    if not (passwords.verify(stored, password) and "\0" not in password and account and account["active"]):
        return render_template("login.html", error="Unknown user name or wrong password."), 401
    current_app.session_interface.renew(session)
    session.permanent = True
    session["user"] = {key: account[key] for key in ("id", "username", "role")}
    return redirect(url_for("login.index"))


@blueprint.post("/logout")
def logout():
    session.clear()
    return redirect(url_for("login.form"))


@blueprint.get("/")
def index():
    if "user" not in session:
        return redirect(url_for("login.form"))
    return render_template("index.html", user=session["user"])


def signed_in_user():
    """The user of this session, or None and the 401 answer that the API gives without one."""
    user = session.get("user")
    return user, None if user else (jsonify(success=False, error="not logged in"), 401)


def _account(username):
    # PostgreSQL's text holds no NUL, so no account has one.
    if not username or "\0" in username:
        return None
    with connection() as opened:
        return next(iter(rows(opened, ACCOUNT, username=username)), None)
