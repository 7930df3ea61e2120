"""`python -m analysis what-if`: what a person asks of a recorded run, and what is refused."""

import re

import pytest
from click.testing import CliRunner

from analysis.__main__ import main

RUN = "made/1-01-as-measured-sustained-20"


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    return lambda *arguments: CliRunner().invoke(main, ["what-if", *arguments])


@pytest.fixture
def run(made):
    run = made.run("as-measured", "sustained-20")
    run.record["environment"] = run.record["environment"] | {"cpu_count": 2}
    return made.experiment(run).runs[0]


def test_a_run_tells_what_its_deployment_holds_and_what_other_settings_would_change(run, command):
    said = command(RUN, "--set", "workers=3", "--set", "round_trip_ms=2.5", "--load", "open-4", "--hash-ms", "30")
    assert said.exit_code == 0, said.output
    first, *holds, load, latency = said.output.splitlines()
    assert first == (
        "as-measured, as known from 1-01-as-measured-sustained-20, with workers 1 → 3, round_trip_ms 0.0 → 2.5, "
        "a hash of 30 ms:"
    )
    assert [re.sub(r"[\d,]+ (req|users)", r"N \1", line) for line in holds] == [
        "  foretold, not run: holds up to N requests/s, p95 of every endpoint under 300 ms",
        "  foretold, not run: holds up to N users, p95 of every endpoint under 300 ms",
    ]
    assert re.fullmatch(r"  foretold, not run: 4 requests/s: [34]\.\d answers/s,", load)
    assert re.fullmatch(r"    mean [\d.]+ ms, p95 \(ms\) login [\d.]+, .*", latency)


def test_the_run_is_named_by_its_folder_too(run, command):
    assert command(str(run.directory)).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "workers"], "'workers' is no setting that can be foretold; there are server, workers"),
        (["--set", "sessions=cookie"], "'sessions=cookie' is no setting that can be foretold"),
        (["--set", "workers=many"], "workers takes a number, not 'many'"),
        (["--set", "workers=0"], "workers takes a number from 1 to 1000, not 0"),
        (["--set", "round_trip_ms=nan"], "round_trip_ms takes a number from 0 to 1000, not nan"),
        (["--set", "server=uwsgi"], "server takes one of sync, gthread, gevent, not 'uwsgi'"),
        (["--set", "cache=process"], "this cannot be foretold: no measured dashboard shows what it takes"),
        (["--set", "password_hash=argon2id"], "this cannot be foretold: what a hash by argon2id takes was not given"),
        (["--load", "open-"], "'open-' is no load"),
        (["--load", "burst-50"], "'burst-50' is no load"),
        (["--load", "open-99999"], "'open-99999' is no load"),
        (["--hit-ratio", "0.5"], "this cannot be foretold: a cache that is off answers nothing"),
        (["--set", "threads=4"], "this cannot be foretold: threads are of gthread, and the server is sync"),
        (["--set", "password_hash=md5"], "password_hash takes one of scrypt, argon2id, not 'md5'"),
        (["--hit-ratio", "2"], "2.0 is not in the range 0<=x<=1"),
        (["--hash-ms", "-1"], "-1.0 is not in the range"),
    ],
)
def test_what_cannot_be_foretold_is_one_line(run, command, arguments, said):
    answer = command(RUN, *arguments)
    assert answer.exit_code != 0
    assert said in answer.output
    assert "Traceback" not in answer.output


@pytest.mark.parametrize("scenario", ["burst-50", "single"])
def test_only_steady_loads_foretell(made, command, scenario):
    made.experiment(made.run("as-measured", scenario))
    answer = command(f"made/1-01-as-measured-{scenario}")
    assert answer.exit_code == 1
    assert f"{scenario} is no steady load; foretelling starts from sustained or open load" in answer.output


def test_what_is_no_run_is_refused(command):
    assert command("nothing/here").exit_code == 1
