"""The same as `fast_users` with Locust's other users, whose client is requests."""

from locust import HttpUser, task

from bench.peers import user_pace


class PageUser(HttpUser):
    """Requests one page."""

    wait_time = user_pace.wait_time()

    def on_start(self) -> None:
        user_pace.wait_for_turn()

    @task
    def page(self) -> None:
        """Request the page."""
        self.client.get(user_pace.PATH, name="page")
