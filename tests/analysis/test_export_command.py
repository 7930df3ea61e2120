"""`python -m analysis export`: each format by the command, and what it refuses, in a line."""

import json
import socket
import subprocess
import sys

import psutil
import pytest

from tests.analysis.command_output import require_refused
from workbench.paths import REPOSITORY

TEXTS = {"hgrm": "run", "openmetrics": "run", "otlp": "run", "otava": "experiment", "bencher": "experiment"}


@pytest.fixture
def experiment(builder):
    return builder.experiment(builder.run("tuned", "burst-25"), builder.run("as-measured", "burst-25"))


def id_of(experiment, kind):
    return f"made/{experiment.runs[0].name}" if kind == "run" else "made"


@pytest.mark.parametrize(("form", "kind"), TEXTS.items())
def test_a_text_goes_to_the_output_or_into_a_file(experiment, command, tmp_path, form, kind):
    recording = id_of(experiment, kind)
    printed = command("export", recording, "--format", form)
    assert (printed.exit_code, bool(printed.stdout)) == (0, True), printed.stderr
    written = command("export", recording, "--format", form, "--output", str(tmp_path / "file"))
    assert (written.exit_code, written.stdout) == (0, ""), written.stderr
    assert (tmp_path / "file").read_text() == printed.stdout
    assert not (tmp_path / "file.half").exists()


def test_a_perfetto_trace_is_a_file(experiment, command, tmp_path):
    result = command("export", id_of(experiment, "run"), "--format", "perfetto", "--output", str(tmp_path / "trace"))
    assert (result.exit_code, result.output) == (0, "")
    assert (tmp_path / "trace").stat().st_size > 1000


def test_spans_go_to_a_receiver(experiment, command, receiver):
    result = command("export", id_of(experiment, "run"), "--format", "otlp", "--to", receiver.url)
    assert result.exit_code == 0, result.stderr
    assert result.stderr.splitlines()[-1] == f"150 spans sent to {receiver.url[7:]}"
    assert len(receiver.spans) == 150


def test_spans_of_a_run_without_clock_and_header_come_with_warnings(experiment, command):
    result = command("export", id_of(experiment, "run"), "--format", "otlp")
    clock, header = result.stderr.splitlines()
    assert "without the wall clock of its start" in clock
    assert "sent no traceparent" in header


def test_otavas_configuration_is_written_beside_the_csv(experiment, command, tmp_path):
    paths = [str(tmp_path / name) for name in ("history.csv", "otava.yaml")]
    result = command("export", "made", "--format", "otava", "--output", paths[0], "--config", paths[1])
    assert result.exit_code == 0, result.stderr
    assert json.loads((tmp_path / "otava.yaml").read_text())["tests"]["tracetrack"]["file"] == paths[0]


@pytest.mark.parametrize(
    ("kind", "arguments", "words"),
    [
        ("run", ["--format", "csv"], ["'csv' is not one of 'hgrm', 'otava'"]),
        ("run", [], ["name the format with --format: hgrm, otava, bencher, openmetrics, perfetto, otlp"]),
        ("experiment", ["--format", "hgrm"], ["--format hgrm is of one run", "name made/<run>"]),
        ("experiment", ["--format", "perfetto", "--output", "x"], ["--format perfetto is of one run"]),
        ("run", ["--format", "otava"], ["--format otava is of an experiment", "is one run"]),
        ("run", ["--format", "bencher"], ["--format bencher is of an experiment"]),
        ("run", ["--format", "perfetto"], ["give --output"]),
        ("run", ["--format", "openmetrics", "--endpoint", "login"], ["--endpoint goes with --format hgrm"]),
        ("run", ["--format", "hgrm", "--to", "http://127.0.0.1"], ["--to goes with --format otlp"]),
        ("run", ["--format", "otlp", "--to", "127.0.0.1"], ["no URL of a receiver"]),
        ("run", ["--format", "otlp", "--to", "http://127.0.0.1", "--output", "x"], ["two places"]),
        ("experiment", ["--format", "otava", "--config", "x"], ["--config names the file of --output"]),
    ],
)
def test_wrong_usage_is_refused_with_what_to_do(experiment, command, monkeypatch, tmp_path, kind, arguments, words):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    result = command("export", id_of(experiment, kind), *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert all(word in result.stderr.splitlines()[-1] for word in words), result.stderr
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_an_output_that_cannot_be_written_is_refused_before_anything_is_read(experiment, command, tmp_path):
    run = id_of(experiment, "run")
    inside = experiment.runs[0].directory / "requests.parquet"
    content = inside.read_bytes()
    for output, words in {
        str(tmp_path): ["is a folder"],
        str(tmp_path / "none" / "file"): ["there is no folder"],
        "/dev/null": ["is no regular file"],
        str(inside): ["is in the recording", "never changes"],
        str(experiment.directory / "new"): ["is in the recording"],
    }.items():
        require_refused(command("export", run, "--format", "hgrm", "--output", output), output, *words)
    assert inside.read_bytes() == content
    assert not (experiment.directory / "new").exists()


def test_a_recording_that_is_missing_damaged_or_empty_is_one_line(builder, command, tmp_path):
    require_refused(command("export", "none", "--format", "hgrm"), "is not a run")
    damaged = builder.experiment(builder.run("tuned", "burst-25"), name="damaged").runs[0].directory
    (damaged / "requests.parquet").write_bytes(b"PAR1")
    for form in ("hgrm", "perfetto", "otlp"):
        output = ["--output", str(tmp_path / "file")]
        result = command("export", f"damaged/{damaged.name}", "--format", form, *output)
        require_refused(result, str(damaged), "cannot be read", "requests.parquet")
    assert not list(tmp_path.glob("file*"))
    started = builder.experiment(builder.run("as-advised-at-default", "start"), name="started").runs[0]
    for form in ("hgrm", "otlp"):
        require_refused(command("export", f"started/{started.name}", "--format", form), started.name, "has no")


def test_an_experiment_without_a_valid_run_is_one_line_after_its_problems(builder, command):
    builder.experiment(builder.run("tuned", "burst-25").invalid(), name="invalid")
    for form in ("otava", "bencher", "openmetrics"):
        require_refused(command("export", "invalid", "--format", form), "invalid has no valid run")


def test_a_run_that_was_aborted_is_exported_with_a_warning(builder, command):
    run = builder.experiment(builder.run("tuned", "burst-25").aborted()).runs[0]
    for form in ("hgrm", "openmetrics"):
        result = command("export", f"made/{run.name}", "--format", form)
        assert (result.exit_code, bool(result.stdout)) == (0, True)
        assert result.stderr.splitlines()[-1] == f"warning: {run.name} is aborted"


def test_a_file_that_was_there_stays_where_the_export_fails(experiment, command, tmp_path):
    (tmp_path / "file").write_text("before")
    arguments = ("--format", "hgrm", "--endpoint", "none", "--output", str(tmp_path / "file"))
    require_refused(command("export", id_of(experiment, "run"), *arguments), "no successful measured response")
    assert (tmp_path / "file").read_text() == "before"
    assert not (tmp_path / "file.half").exists()


def test_a_reader_that_ends_early_is_no_error(experiment, tmp_path):
    command = [sys.executable, "-m", "analysis", "export", str(experiment.directory), "--format", "openmetrics"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=REPOSITORY, text=True, **pipes) as process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait(60)) == ("", 0)


def test_a_password_of_the_receiver_is_in_no_list_of_processes(experiment):
    command = [
        sys.executable,
        "-m",
        "analysis",
        "export",
        str(experiment.runs[0].directory),
        "--format",
        "otlp",
        "--to",
    ]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        url = f"http://me:hunter2secret@127.0.0.1:{listener.getsockname()[1]}"
        with subprocess.Popen([*command, url], cwd=REPOSITORY, stderr=subprocess.DEVNULL) as process:
            connection, _ = listener.accept()
            with connection:
                request = connection.recv(65536)
                arguments = " ".join(psutil.Process(process.pid).cmdline())
                process.kill()
    assert b"authorization: Basic" in request
    assert "hunter2secret" not in arguments
    assert "me:***@127.0.0.1" in arguments


def test_a_password_of_the_receiver_is_in_no_message(experiment, process):
    run = str(experiment.runs[0].directory)
    result = process("export", run, "--format", "otlp", "--to", "http://me:hunter2secret@127.0.0.1:9/")
    assert result.returncode == 1
    assert "127.0.0.1:9 cannot be reached" in result.stderr
    assert "hunter2secret" not in result.stderr
