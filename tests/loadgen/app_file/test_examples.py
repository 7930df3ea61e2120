"""The examples of an application of one's own: their reports are built, from fewer and shorter runs."""

import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reports import page_numbers
from workbench.paths import REPOSITORY
from workbench.recording import open_experiment

SHORTER = {
    r"^blocks = \d+": "blocks = 1", r"^duration_s = \d+": "duration_s = 2", r"^users = \d+": "users = 5",
    r"^rate_rps = \d+": "rate_rps = 20", r"^first = \d+": "first = 10", r"^most = \d+": "most = 10",
}  # fmt: skip
EXAMPLES = {
    "blog-on-sqlite": ("one-thread", "four-threads", "Blog on SQLite", ["at", "steady", "open"]),
    "blog-on-postgresql": ("one-worker", "two-workers", "Blog on PostgreSQL", ["at", "readers"]),
}


def reports(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "TRACETRACK_DATA_DIR": str(data)}
    return subprocess.run([sys.executable, "-m", "reports", *words], cwd=REPOSITORY, env=environ, capture_output=True,
                          text=True, timeout=400, check=False)  # fmt: skip


@pytest.fixture(scope="module", params=EXAMPLES)
def built(request, command, tmp_path_factory):
    """Name of an example, the folder of its page, and its experiment."""
    folder = tmp_path_factory.mktemp(request.param)
    shutil.copytree(REPOSITORY / "examples", folder / "examples", ignore=shutil.ignore_patterns("*.sqlite"))
    path = folder / "examples" / request.param / "workbench.toml"
    text = path.read_text()
    for pattern, shorter in SHORTER.items():
        text = re.sub(pattern, shorter, text, flags=re.MULTILINE)
    path.write_text(text)
    # A process that takes over tests of another one may come back to an example.
    name = f"{request.param}-{secrets.token_hex(4)}"
    made = reports(command.data, "report", "--app", str(path), "--experiment", name, "--output", str(folder))
    assert made.returncode == 0, made.stdout + made.stderr
    return request.param, folder, open_experiment(command.data / "runs" / name, checks_digests=True)


def text_of(folder):
    page = (folder / "optimization-results.html").read_text().partition("<body>")[2]
    page = re.sub("<script.*?</script>", "", page, flags=re.DOTALL)
    return " ".join(re.sub("<[^>]+>", " ", page).split())


def test_every_arm_runs_under_every_load_and_serves_it(built):
    name, _, experiment = built
    baseline, candidate, _, loads = EXAMPLES[name]
    assert experiment.is_complete()
    measured = {(run.deployment, run.scenario.partition("-")[0]) for run in experiment.runs}
    assert measured == {(arm, load) for arm in (baseline, candidate) for load in loads}
    counts = experiment.by_endpoint.groupby("endpoint")[["requests", "failures"]].sum()
    assert set(counts.index) == {"GET /", "GET /post/[number]", "POST /post"}
    assert (counts["requests"] > 0).all()
    assert counts["failures"].sum() == 0


def test_page_compares_the_arms_and_splits_their_time(built):
    name, folder, _ = built
    baseline, candidate, title, _ = EXAMPLES[name]
    text = text_of(folder)
    assert f"{title}: {baseline} and {candidate}" in text
    assert f"{candidate} against {baseline}" in text
    assert "database" in text.rpartition("Where the time goes")[2].partition("How far to trust")[0]
    assert "sends no Server-Timing" not in text
    assert re.search("GET /: p ?95 (latency|response time) below 100 ms", text)
    assert "published" not in text.lower()


def test_every_number_of_the_page_has_a_source_and_comes_again(built, command):
    _, folder, _ = built
    page = folder / "optimization-results.html"
    assert list(page_numbers.without_source(page_numbers.read(page))) == []
    verified = reports(command.data, "verify", str(page))
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_report_is_in_the_index_of_its_folder(built):
    name, folder, _ = built
    assert name in (folder / "index.html").read_text()
