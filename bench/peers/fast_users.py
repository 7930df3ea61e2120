"""Locust's faster users, as cheap as they can be: a page without a session, which they do not look at."""

from locust import FastHttpUser, task

from bench.peers import user_pace


class FastPageUser(FastHttpUser):
    """Requests one page."""

    wait_time = user_pace.wait_time()

    def on_start(self) -> None:
        user_pace.wait_for_turn()

    @task
    def page(self) -> None:
        """Request the page."""
        self.client.get(user_pace.PATH, name="page")
