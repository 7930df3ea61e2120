"""Users of the reference server without think time; each task has the name of its service-time distribution."""

from locust import FastHttpUser, task


class DistributionUser(FastHttpUser):
    """Requests each distribution's path equally often."""

    @task
    def fixed(self) -> None:
        self.client.get("/fixed", name="fixed")

    @task
    def exponential(self) -> None:
        self.client.get("/exponential", name="exponential")

    @task
    def two_point(self) -> None:
        self.client.get("/two-point", name="two-point")
