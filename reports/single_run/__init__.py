"""The page of one run: a deployment, a target, or a Locust that was started manually."""
