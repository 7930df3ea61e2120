"""Users of the truth server who ask again at once; each task has the name of its distribution."""

from locust import FastHttpUser, task


class Visitor(FastHttpUser):
    @task
    def fixed(self):
        self.client.get("/fixed", name="fixed")

    @task
    def exponential(self):
        self.client.get("/exponential", name="exponential")

    @task
    def two_point(self):
        self.client.get("/two-point", name="two-point")
