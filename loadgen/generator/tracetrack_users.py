"""The users of TraceTrack: people in a warehouse who log in, look at the dashboard, search for bags and scan them."""

import random
from functools import partial

from locust import FastHttpUser, task

from ..accounts import PASSWORD, username
from ..search_terms import Terms, child
from . import checks, timestamps
from .config import ROWS, SCENARIO, SEED


class TraceTrackUser(FastHttpUser):
    """One person with their own cookie jar; the scenario decides what they do."""

    network_timeout = 300.0
    connection_timeout = 300.0

    def __init__(self, environment):
        super().__init__(environment)
        self.number = timestamps.person(self).number
        self.random = random.Random(f"{SEED}/{self.number}")
        self.terms = Terms(SCENARIO["terms"], ROWS, self.random)
        self.account = username(self.number, ROWS["user"])
        self.signed_in = False

    def on_start(self):
        """Log in beforehand, where the tasks do not begin with it."""
        if SCENARIO["kind"] == "open" or (SCENARIO["kind"] != "sustained" and "login" not in SCENARIO["steps"]):
            self.login()

    @task
    def act(self):
        """One pass, or where the scenario has shares one request drawn by them; a login, until one went well."""
        if SCENARIO["kind"] in ("single", "burst"):
            for step in SCENARIO["steps"]:
                getattr(self, step)()
        elif not self.signed_in:
            self.login()
        else:
            (name,) = self.random.choices(list(SCENARIO["shares"]), list(SCENARIO["shares"].values()))
            getattr(self, name)()

    def login(self):
        form = {"username": self.account, "password": PASSWORD}
        self.signed_in = self.send("POST", "/login", "login", checks.login_complaint, data=form)

    def dashboard(self):
        complaint = partial(checks.dashboard_complaint, unavailable=SCENARIO["unavailable"])
        self.send("GET", "/api/dashboard/stats", "dashboard", complaint)

    def search(self):
        term, expected = self.terms.draw()
        complaint = partial(checks.search_complaint, expected=expected)
        self.send("GET", "/api/bags/search", "search", complaint, params={"q": term})

    def scan(self):
        qr_id = child(self.random.randint(1, ROWS["link"]))
        # Whoever sends the same again gets the same scan: the row's name is looked for in the database afterwards.
        key = {"Idempotency-Key": timestamps.person(self).next_name()}
        complaint = partial(checks.scan_complaint, qr_id=qr_id)
        self.send("POST", "/api/scans", "scan", complaint, json={"qr_id": qr_id}, headers=key)

    def send(self, method, path, endpoint, complaint, **request) -> bool:
        """One request, judged by the content of its answer: whether that was right."""
        with self.client.request(
            method, path, name=endpoint, catch_response=True, allow_redirects=False, **request
        ) as response:
            if not response.status_code:
                return False  # Locust knows what happened
            if wrong := self.wrong(response, complaint):
                response.failure(wrong)
        return not wrong

    def wrong(self, response, complaint) -> str | None:
        return complaint(response)
