"""The users of TraceTrack: warehouse staff who log in, look at the dashboard, search for bags and scan them.

Locust loads this file by path, outside of any package, so that its imports have to be absolute.
"""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

from locust import FastHttpUser, task
from locust.env import Environment

from loadgen.accounts import PASSWORD, username
from loadgen.generator.checks import (
    dashboard_failure,
    login_failure,
    refusal,
    scan_failure,
    search_failure,
    shipment_failure,
)
from loadgen.generator.config import ROWS, SCENARIO, SEED, SESSION_LIFETIMES_S
from loadgen.generator.session_age import NOT_SIGNED_IN, SessionAge
from loadgen.generator.virtual_user import virtual_user_of
from loadgen.search_terms import Terms, child_qr_id
from workbench.endpoints import DASHBOARD, LOGIN, SCAN, SEARCH, SHIPMENT, Endpoint

sharers: list["TraceTrackUser"] = []  # users of this process with a session, whose cookies others share


class TraceTrackUser(FastHttpUser):
    """One user with a cookie jar; the scenario decides which requests they send.

    Where the scenario has fewer `sessions` than users, the first of these log in, and each other user has the cookies
    of one of them. A login is then sent without cookies, as it would end the session that others share.

    Methods such as `login` and `dashboard` have the names of the endpoints, which scenarios list.
    """

    network_timeout = connection_timeout = SCENARIO.get("client_timeout_s", 300.0)

    def __init__(self, environment: Environment):
        super().__init__(environment)
        self.number = virtual_user_of(self).number
        self.random = random.Random(f"{SEED}/{self.number}")
        self.terms = Terms(SCENARIO["terms"], ROWS, self.random)
        self.account = username(self.number, ROWS["user"])
        self.signed_in = False
        self.session_age = SessionAge(SESSION_LIFETIMES_S)

    def on_start(self) -> None:
        """Log in beforehand, where the tasks do not begin with a login."""
        if self.shares_cookies:
            return
        logs_in_first = SCENARIO["kind"] == "open" or SCENARIO["tracking_users"]
        if logs_in_first or (SCENARIO["kind"] != "sustained" and LOGIN.name not in SCENARIO["steps"]):
            self.login()

    @property
    def shares_cookies(self) -> bool:
        """True for a user who has no session of their own."""
        return bool(SCENARIO["sessions"]) and self.number >= SCENARIO["sessions"]

    def share_cookies(self) -> None:
        """Take the cookies of a user who has logged in; without one this user logs in."""
        if sharers:
            for cookie in sharers[self.number % len(sharers)].client.cookiejar:
                self.client.cookiejar.set_cookie(cookie)
            self.signed_in = True

    @task
    def run_scenario(self) -> None:
        """Do one pass, or where the scenario has shares one request drawn by them; a login, until one succeeded."""
        if self.shares_cookies and not self.signed_in:
            self.share_cookies()
        if SCENARIO["kind"] in ("single", "burst"):
            for step in SCENARIO["steps"]:
                getattr(self, step)()
        elif not self.signed_in:
            self.login()
        elif self.number < SCENARIO["searching_users"]:
            self.search()
        elif self.number < SCENARIO["tracking_users"]:
            self.shipment()
        else:
            (name,) = self.random.choices(list(SCENARIO["shares"]), list(SCENARIO["shares"].values()))
            getattr(self, name)()

    def login(self) -> None:
        """Log in, and note whether that succeeded."""
        if SCENARIO["from_new_browsers"]:
            self.client.cookiejar.clear()
        form = {"username": self.account, "password": PASSWORD}
        if SCENARIO["sessions"] and self.signed_in:
            self.login_elsewhere(form)
            return
        self.signed_in = self.send(LOGIN, login_failure, data=form)
        if self.signed_in:
            self.session_age.begin()
            if SCENARIO["sessions"]:
                sharers.append(self)

    def login_elsewhere(self, form: dict[str, str]) -> None:
        """Log in as from another browser: the session that others share stays as it is, whatever the answer."""
        kept = list(self.client.cookiejar)
        self.client.cookiejar.clear()
        self.send(LOGIN, login_failure, data=form)
        self.client.cookiejar.clear()
        for cookie in kept:
            self.client.cookiejar.set_cookie(cookie)

    def dashboard(self) -> None:
        """Read the statistics."""
        self.send(DASHBOARD, partial(dashboard_failure, unavailable=SCENARIO["unavailable"]))

    def search(self) -> None:
        """Search for a drawn term."""
        term, expected = self.terms.draw()
        self.send(SEARCH, partial(search_failure, expected=expected), params={"q": term})

    def scan(self) -> None:
        """Scan a drawn bag."""
        qr_id = child_qr_id(self.random.randint(1, ROWS["link"]))
        # The same key again returns the same scan: the audit of writes looks the request's name up in the database.
        key = {"Idempotency-Key": virtual_user_of(self).next_request_name()}
        self.send(SCAN, partial(scan_failure, qr_id=qr_id), json={"qr_id": qr_id}, headers=key)

    def shipment(self) -> None:
        """Ask where a drawn shipment is."""
        shipment = f"TT-{self.random.randrange(10**8):08d}"
        path = SHIPMENT.path.format(shipment=shipment)
        self.send(SHIPMENT, partial(shipment_failure, shipment=shipment), path=path)

    def send(self, endpoint: Endpoint, check: Callable[[Any], str | None], path: str = "", **request: Any) -> bool:
        """Send one request and judge its response by the content; returns whether it was successful.

        `path` is that of the request where the endpoint's has a parameter. A response that the session has ended, when
        it may have, is no failure: its row has the status 401 and is a success, and the user's next task is a login.
        """
        request |= {"name": endpoint.name, "catch_response": True, "allow_redirects": False}
        with self.client.request(endpoint.method, path or endpoint.path, **request) as response:
            if not response.status_code:
                return False  # Locust has reported the failure
            if endpoint is not LOGIN and self.is_signed_out_by(response):
                self.signed_in = False
                response.success()
                return False
            if reason := self.failure_reason(response, check):
                response.failure(reason)
            else:
                self.session_age.note_use()
        return not reason

    def is_signed_out_by(self, response: Any) -> bool:
        """True for a response that the session has ended, at a time when it may have."""
        return response.status_code == NOT_SIGNED_IN and self.signed_in and self.session_age.may_have_ended()

    def failure_reason(self, response: Any, check: Callable[[Any], str | None]) -> str | None:
        """The reason for which a response is a failure, if it is one."""
        return refusal(response) or check(response)
