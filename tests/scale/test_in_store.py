"""Experiments in an object store: a real S3 by moto, read by this process and by a Dask cluster."""

import json
import re
import shutil
import socket
import time
from contextlib import closing

import pytest

import lab
from tests.analysis.command_output import require_refused
from tests.reports.page_reader import TAG
from tests.scale.conftest import S3_ENVIRON, run
from workbench import object_store

pytestmark = pytest.mark.extra  # moto is in store.lock, Dask in scale.lock
URL = "s3://recordings"


@pytest.fixture
def stored(builder, bucket, request):
    """An experiment, and its URL in the store."""
    experiment = builder.experiment(builder.run("tuned"), builder.run("tuned", block=1), builder.run())
    name = re.sub("[^a-z]+", "-", request.node.name).strip("-")
    bucket.put(experiment.directory, name)
    return experiment, f"{URL}/{name}"


@pytest.fixture
def data(tmp_path):
    """A folder of data without copies."""
    return {"TRACETRACK_DATA_DIR": str(tmp_path / "copies")}


@pytest.mark.parametrize("engine", ["duckdb", "dask"])
def test_an_experiment_in_a_store_gives_what_its_folder_gives(stored, store, data, scheduler, engine):
    experiment, url = stored
    local = run("tests.scale.answers", experiment.directory)
    there = run("tests.scale.answers", url, TRACETRACK_DASK=scheduler if engine == "dask" else "", **store, **data)
    assert (there.returncode, there.stderr) == (0, "")
    expected, content = json.loads(local.stdout), json.loads(there.stdout)
    assert content["problems"] == []
    assert {**content, "findings": 0} == {**expected, "findings": 0}
    names = experiment.name, url.rpartition("/")[2]
    assert json.dumps(content["findings"]).replace(names[1], names[0]) == json.dumps(expected["findings"])


def test_commands_take_a_url(stored, store, data, scheduler):
    experiment, url = stored
    run_name = experiment.runs[0].name
    shown = run("analysis", "show", url, "--engine", "dask", TRACETRACK_DASK=scheduler, **store, **data)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "3 of 3 planned runs are complete, valid and readable" in shown.stdout
    one = run("analysis", "show", f"{url}/{run_name}", **store, **data)
    assert one.stdout == run("analysis", "show", experiment.directory / run_name).stdout
    compared = run("analysis", "compare", url, str(experiment.directory), **store, **data)
    assert (compared.returncode, compared.stderr) == (0, "")


def test_the_report_of_an_experiment_in_a_store_is_that_of_its_folder(builder, bucket, store, data, tmp_path):
    experiment = builder.full()
    bucket.put(experiment.directory, experiment.name)
    url = f"{URL}/{experiment.name}"
    pages = {}
    for place, given in {url: {**store, **data}, str(experiment.directory): {}}.items():
        folder = tmp_path / f"page-{len(pages)}"
        built = run("reports", "build", "--experiment", place, "--output", folder, timeout=300, **given)
        assert built.returncode == 0, built.stderr
        decided = run("reports", "gate", "--experiment", place, "--output", folder, **given)
        page = (folder / "optimization-results.html").read_text()
        pages[place] = decided.returncode, (folder / "findings.json").read_text(), TAG.sub("", page)
    assert pages[url] == pages[str(experiment.directory)]


def test_the_lab_opens_a_url(stored, store, data, monkeypatch):
    experiment, url = stored
    for name, value in {**store, **data}.items():
        monkeypatch.setenv(name, value)
    there, local = lab.open_experiment(url), lab.open_experiment(experiment.directory)
    assert str(there.runs).replace(url.rpartition("/")[2], experiment.name) == str(local.runs)
    run_name = experiment.runs[0].name
    runs = lab.open_run(f"{url}/{run_name}"), lab.open_run(experiment.directory / run_name)
    assert str(runs[0].over_time()) == str(runs[1].over_time())


@pytest.mark.parametrize("engine", ["duckdb", "dask"])
def test_rows_that_were_changed_in_the_store_are_named_and_left_out(stored, store, bucket, data, scheduler, engine):
    experiment, url = stored
    name = url.rpartition("/")[2]
    key = f"{name}/{experiment.runs[0].name}/requests.parquet"
    bucket.write(key, b"something else")
    address = scheduler if engine == "dask" else ""
    content = json.loads(run("tests.scale.answers", url, TRACETRACK_DASK=address, **store, **data).stdout)
    (problem,) = content["problems"]
    assert problem.startswith(f"{experiment.runs[0].name}: requests.parquet was changed after the run had ended")
    assert experiment.runs[0].name not in content["by_run"]["run"]


def test_a_file_that_the_store_lost_is_named(stored, store, bucket, data):
    experiment, url = stored
    bucket.remove(f"{url.rpartition('/')[2]}/{experiment.runs[0].name}/requests.parquet")
    (problem,) = json.loads(run("tests.scale.answers", url, **store, **data).stdout)["problems"]
    assert "requests.parquet is missing" in problem


def test_a_copy_is_made_once_and_another_content_is_never_used(stored, store, data, tmp_path):
    _, url = stored
    assert run("analysis", "show", url, **store, **data).returncode == 0
    copies = sorted((tmp_path / "copies" / "copies").glob("*/requests.parquet"))
    assert len(copies) == 3
    before = [path.stat().st_mtime_ns for path in copies]
    assert run("analysis", "show", url, **store, **data).returncode == 0
    assert [path.stat().st_mtime_ns for path in copies] == before
    copies[0].write_bytes(b"something else")
    shown = run("analysis", "show", url, **store, **data)
    assert "3 of 3 planned runs" in shown.stdout


def test_names_in_a_store_never_lead_out_of_the_copy(stored, store, bucket, data, tmp_path, monkeypatch):
    _, url = stored
    name = url.rpartition("/")[2]
    for key in (
        "../leaked.json",
        "a/../leaked.json",
        "../../leaked.json",
        "a/../../../leaked.json",
        "a/b/c/leaked.json",
    ):
        bucket.write(f"{name}/{key}", b"{}")
    for variable, value in store.items():
        monkeypatch.setenv(variable, value)
    copy = tmp_path / "here" / "copy"
    copy.mkdir(parents=True)
    object_store.mirror(url, copy, "requests.parquet")
    assert (copy / "experiment.json").is_file()
    assert not list(tmp_path.rglob("leaked.json"))


def test_a_copy_of_what_is_in_a_store_ends_with_its_process(stored, store, data, tmp_path, monkeypatch):
    _, url = stored
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert run("analysis", "show", url, **store, **data).returncode == 0
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("tracetrack-locked")]


@pytest.mark.parametrize("name", ["..", ".", "%2e%2e"])
def test_a_url_whose_last_part_is_no_id_is_one_line(store, data, name):
    finished = run("analysis", "show", f"{URL}/{name}", **store, **data)
    (line,) = finished.stderr.splitlines()
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "names no recording" in line


def test_what_is_not_there_is_one_line(store, data):
    for url in (f"{URL}/none", "s3://no-such-bucket/none"):
        require_refused(run("analysis", "show", url, **store, **data), url)


@pytest.mark.parametrize("url", ["nothing://recordings/one", "s3://"])
def test_what_is_no_url_of_a_store_is_one_line(store, data, url):
    finished = run("analysis", "show", url, **store, **data)
    assert finished.returncode in (1, 2)
    assert len(finished.stderr.splitlines()) == 1
    assert url in finished.stderr


def test_a_store_that_refuses_connections_is_one_line(data):
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        environ = {**S3_ENVIRON, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{unused.getsockname()[1]}"}
    finished = run("analysis", "show", f"{URL}/one", TRACETRACK_STORE_TIMEOUT_S="3", **environ, **data)
    require_refused(finished, f"{URL}/one", "AWS_ENDPOINT_URL")


def test_a_store_that_never_answers_is_one_line_within_its_time(data):
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:  # the kernel accepts, and no program answers
        environ = {**S3_ENVIRON, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{listener.getsockname()[1]}"}
        start_s = time.monotonic()
        finished = run("analysis", "show", f"{URL}/one", TRACETRACK_STORE_TIMEOUT_S="2", **environ, **data)
    assert time.monotonic() - start_s < 2 + 15
    require_refused(finished, f"{URL}/one cannot be read from its object store within 2 s", "AWS_ENDPOINT_URL")


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "nan", "1e9"])
def test_a_timeout_that_is_none_is_one_line(store, data, seconds):
    finished = run("analysis", "show", f"{URL}/one", TRACETRACK_STORE_TIMEOUT_S=seconds, **store, **data)
    assert finished.returncode == 2
    assert f"TRACETRACK_STORE_TIMEOUT_S={seconds} is no number of seconds" in finished.stderr.splitlines()[0]


def test_the_folder_of_copies_can_go(stored, store, data, tmp_path):
    _, url = stored
    assert run("analysis", "show", url, **store, **data).returncode == 0
    shutil.rmtree(tmp_path / "copies")
    assert run("analysis", "show", url, **store, **data).returncode == 0
