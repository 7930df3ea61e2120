"""What runs in Locust's own processes: who comes when, what they do, and one row for each request."""
