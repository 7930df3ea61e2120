"""The users of `bench.open_load`: a page without a session, and nothing else."""

from locust import FastHttpUser, task


class PageUser(FastHttpUser):
    """Requests the page and does not look at it."""

    @task
    def page(self) -> None:
        """Request the login form."""
        self.client.get("/login", name="page")
