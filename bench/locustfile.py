"""The users of `bench.open_load`: a page without a session, and nothing else."""

from locust import FastHttpUser, task


class Visitor(FastHttpUser):
    @task
    def page(self):
        self.client.get("/login", name="page")
