"""`python -m loadgen init`: files that measure without an edit, and one line and nothing written for every mistake."""

import os
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
from flask import Flask, abort, jsonify, redirect, request
from werkzeug.serving import make_server

from loadgen.app_draft.app_file_text import LOCUSTFILE
from loadgen.app_file.app_file import AppFile
from tests.loadgen.app_draft.documents import entry, get, har, openapi, parameter, write
from workbench.paths import REPOSITORY
from workbench.recording import open_experiment

SECURED = {
    "security": [{"bearer": []}],
    "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
}
JSON = {"200": {"description": "Done", "content": {"application/json": {}}}}


def blog():
    """A blog, its OpenAPI document, and what was posted to it."""
    app = Flask("blog")
    app.posted = []

    @app.get("/openapi.json")
    def document():
        return jsonify(openapi({
            "/": {"get": get(responses=JSON)},
            "/posts/{number}": {"get": get(parameter("number", "path", schema={"enum": [1, 2]}), responses=JSON),
                                "delete": get(parameter("number", "path", example=1))},
            "/search": {"get": get(parameter("q", required=True, example='a "quoted" \\ {term}'), responses=JSON)},
            "/unknown/{id}": {"get": get(parameter("id", "path"))},
        }))  # fmt: skip

    @app.get("/")
    def index():
        return jsonify([1, 2])

    @app.get("/posts/<int:number>")
    def show(number):
        return jsonify(number=number) if number < 3 else abort(404)

    @app.get("/search")
    def search():
        return jsonify(term=request.args["q"]) if request.args["q"] == 'a "quoted" \\ {term}' else abort(400)

    @app.delete("/posts/<int:number>")
    def remove(number):
        app.posted.append(number)
        return redirect("/")

    return app


@contextmanager
def serving(app):
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        server.server_close()


def succeed(command, *words, **environ):
    finished = command.run("init", *words, **environ)
    assert finished.returncode == 0, finished.stderr
    return finished


def measured(command, folder, name="drafted", *, has_all=False, **environ):
    """Successful and failed requests of one block of the files in a folder, by scenario and endpoint.

    Without `has_all` only the first scenario is measured, to save time.
    """
    path = folder / "workbench.toml"
    text = path.read_text().replace("blocks = 4", "blocks = 1").replace("duration_s = 10", "duration_s = 2")
    if not has_all:
        begin, end = text.index("[scenarios.at-once]"), text.index("# How many requests a second")
        text = text[:begin] + text[end:]
    path.write_text(text)
    words = ("experiment", "--app", str(path), "--experiment", name)
    finished = command.run(*words, timeout=120, **environ)
    assert finished.returncode == 0, finished.stderr
    runs = open_experiment(command.data / "runs" / name, checks_digests=True).runs
    query = (
        "SELECT endpoint, count(*) FILTER (ok) AS good, count(*) FILTER (NOT ok) AS bad FROM requests GROUP BY endpoint"
    )
    return {
        (run.scenario, row.endpoint): (row.good, row.bad) for run in runs for row in run.rows.query(query).itertuples()
    }


def test_files_of_a_running_application_measure_it_without_an_edit(own_command, tmp_path):
    app = blog()
    with serving(app) as url:
        made = succeed(own_command, "--openapi", f"{url}/openapi.json", "--output", str(tmp_path / "new" / "folder"))
        folder = tmp_path / "new" / "folder"
        assert made.stdout == f"{folder / 'workbench.toml'}\n"
        assert (
            f"measure it, and make its page: .venv/bin/python -m reports report --app {folder / 'workbench.toml'}"
            in made.stderr
        )
        counts = measured(own_command, folder, has_all=True)
    assert {endpoint for _, endpoint in counts} == {"GET /", "GET /posts/[number]", "GET /search"}
    assert {scenario for scenario, _ in counts} == {"one-user", "at-once", "steady"}
    assert sum(bad for _, bad in counts.values()) == 0
    assert sum(good for good, _ in counts.values()) > 50
    assert app.posted == []


def test_recording_measures_with_its_secret_from_the_environment(own_command, tmp_path):
    app = Flask("shop")

    @app.get("/items/<int:number>")
    def item(number):
        is_known = request.headers.get("Authorization") == "Bearer right" and request.args["key"] == "a/b &c"
        return jsonify(number=number) if is_known else abort(401)

    with serving(app) as url:
        headers = {"Authorization": "Bearer wrong-and-secret"}
        entries = [entry(f"{url}/items/{number}?key=alsosecret", number, headers=headers) for number in (1, 2, 3, 1)]
        recording = write(tmp_path, har(*entries, entry("https://cdn.example/x"), entry(f"{url}/logo.png")), "shop.har")
        made = succeed(own_command, "--har", recording, "--output", str(tmp_path / "out"))
        assert "set APP_TOKEN before you measure: the header Authorization, behind Bearer" in made.stderr
        assert "set APP_KEY before you measure: the parameter key of a query" in made.stderr
        assert "left out: 1 request to other hosts (cdn.example)" in made.stderr
        counts = measured(own_command, tmp_path / "out", APP_TOKEN="right", APP_KEY="a/b &c")
    assert {endpoint for _, endpoint in counts} == {"GET /items/[id]"}
    assert sum(bad for _, bad in counts.values()) == 0
    written = "".join(path.read_text() for path in (tmp_path / "out").iterdir() if path.is_file())
    assert "wrong-and-secret" not in written
    assert "alsosecret" not in written


def test_variable_that_is_missing_is_named_before_anything_is_sent(own_command, tmp_path):
    with serving(Flask("nothing")) as url:
        document = write(tmp_path, openapi({"/": {"get": get()}}, servers=[{"url": url}], **SECURED))
        succeed(own_command, "--openapi", document, "--output", str(tmp_path / "out"))
        words = ("experiment", "--app", str(tmp_path / "out" / "workbench.toml"), "--experiment", "refused")
        refused = own_command.run(*words, timeout=60)
    assert refused.returncode == 1
    assert "LookupError in workbench_users.py" in refused.stderr
    assert "set in the environment: APP_TOKEN" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_command_is_an_arm_that_runs_in_this_folder(own_command, tmp_path):
    (tmp_path / "app").mkdir()
    document = write(tmp_path / "app", openapi({"/": {"get": get()}}))
    words = ("--openapi", document, "--command", "$PYTHON -m http.server --bind $HOST $PORT", "--output", "load")
    made = own_command.run("init", *words, cwd=tmp_path / "app", PYTHONPATH=str(REPOSITORY))
    assert made.returncode == 0, made.stderr
    file = tmp_path / "app" / "load" / "workbench.toml"
    assert made.stderr.splitlines()[-1].endswith(f": {sys.executable} -m reports report --app {file}")
    (arm,) = AppFile.read(file).arms
    assert (arm.kind, arm.folder) == ("command", str(tmp_path / "app"))
    counts = measured(own_command, tmp_path / "app" / "load")
    assert sum(bad for _, bad in counts.values()) == 0


def test_command_without_a_port_is_said_to_lack_one(own_command, tmp_path):
    document = write(tmp_path, openapi({"/": {"get": get()}}))
    made = succeed(own_command, "--openapi", document, "--command", "flask run", "--output", str(tmp_path / "out"))
    assert "the command names no $PORT" in made.stderr


def test_address_of_another_machine_needs_its_confirmation(own_command, tmp_path):
    document = write(tmp_path, openapi({"/s": {"get": get()}}, servers=[{"url": "https://shop.example/base"}]))
    made = succeed(own_command, "--openapi", document, "--output", str(tmp_path / "out"))
    assert made.stderr.rstrip().endswith("--confirm-target shop.example")
    assert 'url = "https://shop.example"' in (tmp_path / "out" / "workbench.toml").read_text()
    assert '"/base/s"' in (tmp_path / "out" / LOCUSTFILE).read_text()


def test_document_without_a_request_that_can_be_sent_is_written_with_a_word(own_command, tmp_path):
    document = write(tmp_path, openapi({"/s": {"post": get()}}))
    made = succeed(own_command, "--openapi", document, "--url", "http://127.0.0.1:9", "--output", str(tmp_path / "out"))
    assert "workbench_users.py: 0 endpoints, and 1 comment on others" in made.stderr
    assert "no endpoint can be requested as it is" in made.stderr
    compile((tmp_path / "out" / LOCUSTFILE).read_text(), LOCUSTFILE, "exec")


@pytest.fixture
def refused(own_command, tmp_path):
    """Runs the command with a document; gives its only line, once nothing was written."""
    write(tmp_path, openapi({"/": {"get": get()}}), "good.json")
    write(tmp_path, har(entry("/")), "good.har")

    def refuse(*words):
        output = tmp_path / "never"
        given = [word.replace("FOLDER", str(tmp_path)) for word in words]
        finished = own_command.refuse("init", *given, *(() if "--output" in words else ("--output", str(output))))
        assert finished.returncode == 2
        assert not output.exists()
        (line,) = [line for line in finished.stderr.splitlines() if not line.startswith("See ")]
        return line

    return refuse


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "either --openapi or --har"),
        (("--openapi", "FOLDER/good.json", "--har", "FOLDER/good.har"), "either --openapi or --har"),
        (("--openapi", "FOLDER/good.json", "--static"), "--host and --static go with --har"),
        (("--openapi", "FOLDER/good.json"), "add --url, or --command"),
        (("--openapi", "FOLDER/good.json", "--url", "http://a", "--command", "b"), "either --command or --url"),
        (("--openapi", "FOLDER/good.json", "--url", "host"), "--url: "),
        (("--openapi", "FOLDER/good.json", "--url", "ftp://host:1"), "begins with http:// or https://"),
        (("--openapi", "FOLDER/good.json", "--command", "serve 'a"), "--command cannot be read: no closing quotation"),
        (("--openapi", "FOLDER/none.json", "--url", "http://a"), "No such file"),
        (("--har", "FOLDER/good.json"), "this is no HAR file"),
        (("--har", "FOLDER/good.har", "--host", "other"), "choose one of 127.0.0.1:8000"),
        (("--har", "FOLDER/good.har", "--output", "FOLDER/good.har"), "is no folder"),
        (("--har", "FOLDER/good.har", "--output", "FOLDER/good.har/below"), "is no folder"),
    ],
)
def test_mistake_is_one_line_and_nothing_is_written(refused, words, message):
    assert message in refused(*words)


@pytest.mark.parametrize(
    "words", [("--url", "http://ann:hunter2@host"), ("--command", "serve --port $PORT --token=hunter2")], ids=" ".join
)
def test_secret_that_a_file_would_keep_is_refused(own_command, tmp_path, words):
    document = write(tmp_path, openapi({"/": {"get": get()}}))
    finished = own_command.run("init", "--openapi", document, *words, "--output", str(tmp_path / "never"))
    assert finished.returncode == 2
    assert f"{words[0]} has a secret, which the file would keep" in finished.stderr
    assert "hunter2" not in finished.stderr
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("name", ["workbench.toml", LOCUSTFILE])
@pytest.mark.parametrize("is_link", [False, True])
def test_file_that_is_there_is_never_overwritten(refused, tmp_path, name, is_link):
    output = tmp_path / "taken"
    output.mkdir()
    if is_link:
        (output / name).symlink_to("nowhere")
    else:
        (output / name).write_text("mine")
    assert f"{output / name} is there already, and nothing was written" in refused(
        "--har", "FOLDER/good.har", "--output", str(output)
    )
    assert [path.name for path in output.iterdir()] == [name]
    assert is_link or (output / name).read_text() == "mine"


def test_second_file_that_cannot_be_written_takes_the_first_with_it(own_command, tmp_path, mount):
    """On a disk that has room for the first of them alone."""
    (tmp_path / "full").mkdir()
    recording = write(tmp_path, har(*[entry(f"/{'word-' * 20}{number}x") for number in range(200)]), "shop.har")
    script = 'cd "$1" && shift && "$@"; echo "code $?"; ls -A'
    words = [sys.executable, "-m", "loadgen", "init", "--har", recording]
    before = mount.before(tmp_path / "full", "size=64k")
    finished = subprocess.run(
        [*before, "sh", "-c", script, "sh", str(tmp_path / "full"), *words],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TRACETRACK_DATA_DIR": str(own_command.data)},
    )  # fmt: skip
    assert finished.stdout == "code 1\n", finished.stdout
    assert "No space left on device" in finished.stderr
