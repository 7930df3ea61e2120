"""A user's own application with two lines of instrumentation, as an arm of an experiment: its rows have the split."""

import sys

from loadgen import services
from workbench.paths import REPOSITORY
from workbench.recording import open_experiment

LOCUSTFILE = """
from locust import FastHttpUser, constant, task

class Reader(FastHttpUser):
    wait_time = constant(0.05)

    @task
    def index(self):
        self.client.get("/")
"""


def test_rows_of_an_instrumented_command_have_queue_pool_and_database(command, tmp_path):
    (tmp_path / "reader.py").write_text(LOCUSTFILE)
    words = f"{sys.executable} -m gunicorn --chdir {REPOSITORY / 'examples'} --threads 2 --bind $HOST:$PORT"
    finished = command.run(
        "experiment", "--arm", f"blog=command:{words} flask_blog:app", "--p95-ms", "5000",
        "--locustfile", str(tmp_path / "reader.py"), "--scenario", "burst-8", "--experiment", "instrumented",
        timeout=240, BLOG_DATABASE=f"sqlite:///{tmp_path}/blog.sqlite",
        INSTRUMENTATION_PORT=str(services.free_port()),
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    runs = open_experiment(command.data / "runs" / "instrumented").runs
    assert len(runs) >= 4
    for run in runs:
        rows = run.requests
        assert len(rows) > 0
        assert rows[["queue_ms", "app_ms", "pool_ms", "db_ms"]].notna().all(axis=None)
        assert (rows["db_ms"] > 0).all()
        assert (rows["db_calls"] == 1).all()
        assert ((rows["pool_ms"] + rows["db_ms"]) <= rows["app_ms"]).all()
