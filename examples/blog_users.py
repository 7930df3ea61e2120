"""The readers and writers of the blog: most look at the newest posts and at one of them, a few write."""

import random

from locust import FastHttpUser, task


class Reader(FastHttpUser):
    """A user of the blog, who knows the first posts."""

    @task(6)
    def newest(self):
        """The newest posts."""
        self.client.get("/", name="/")

    @task(3)
    def show(self):
        """One of the first posts."""
        self.client.get(f"/post/{random.randint(1, 20)}", name="/post/[number]")

    @task(1)
    def write(self):
        """A new post."""
        self.client.post("/post", data={"title": "A title", "body": "A body"}, name="/post")
