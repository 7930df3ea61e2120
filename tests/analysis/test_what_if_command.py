"""`python -m analysis what-if`: predictions from a recorded run, and what it refuses."""

import re

import pytest

RUN = "made/1-01-as-measured-sustained-20"


@pytest.fixture
def what_if(command):
    return lambda *arguments: command("what-if", *arguments)


@pytest.fixture
def run(builder):
    run = builder.run("as-measured", "sustained-20")
    run.record["environment"] = run.record["environment"] | {"cpu_count": 2}
    return builder.experiment(run).runs[0]


def test_what_if_prints_capacities_and_latencies_with_other_settings(run, what_if):
    result = what_if(RUN, "--set", "workers=3", "--set", "round_trip_ms=2.5", "--load", "open-4", "--hash-ms", "30")
    assert result.exit_code == 0, result.output
    first, *capacities, load, latency = result.output.splitlines()
    assert first == (
        "as-measured, calibrated from 1-01-as-measured-sustained-20, with workers 1 → 3, round_trip_ms 0.0 → 2.5, "
        "a hash of 30 ms:"
    )
    assert [re.sub(r"[\d,]+ (req|users)", r"N \1", line) for line in capacities] == [
        "  predicted, not measured: up to N requests/s sustained, p95 of every endpoint below 300 ms",
        "  predicted, not measured: up to N users sustained, p95 of every endpoint below 300 ms",
    ]
    assert re.fullmatch(r"  predicted, not measured: 4 requests/s: [34]\.\d successful responses/s,", load)
    assert re.fullmatch(r"    mean [\d.]+ ms, p95 \(ms\) login [\d.]+, .*", latency)


def test_what_if_takes_the_path_of_a_run_as_well(run, what_if):
    assert what_if(str(run.directory)).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "workers"], "'workers' is not a setting that the model covers; it covers server, workers"),
        (["--set", "sessions=cookie"], "'sessions=cookie' is not a setting that the model covers"),
        (["--set", "workers=many"], "workers takes a number, not 'many'"),
        (["--set", "workers=0"], "workers takes a number from 1 to 1000, not 0"),
        (["--set", "round_trip_ms=nan"], "round_trip_ms takes a number from 0 to 1000, not nan"),
        (["--set", "server=uwsgi"], "server takes one of sync, gthread, granian, gevent, uvicorn, not 'uwsgi'"),
        (["--set", "cache=process"], "this cannot be predicted: no measured dashboard shows its demand"),
        (["--set", "password_hash=argon2id"], "this cannot be predicted: the time of a hash by argon2id is not given"),
        (["--load", "open-"], "'open-' is not a load"),
        (["--load", "burst-50"], "'burst-50' is not a load"),
        (["--load", "open-99999"], "'open-99999' is not a load"),
        (["--hit-ratio", "0.5"], "this cannot be predicted: a cache that is off has no hits"),
        (["--set", "threads=4"], "this cannot be predicted: threads are a setting of gthread, and the server is sync"),
        (["--set", "password_hash=md5"], "password_hash takes one of scrypt, argon2id, not 'md5'"),
        (["--hit-ratio", "2"], "2.0 is not in the range 0<=x<=1"),
        (["--hash-ms", "-1"], "-1.0 is not in the range"),
    ],
)
def test_what_if_refuses_what_it_cannot_predict_in_one_line(run, what_if, arguments, message):
    result = what_if(RUN, *arguments)
    assert result.exit_code != 0
    assert message in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("scenario", ["burst-50", "single"])
def test_what_if_refuses_a_load_that_is_not_steady(builder, what_if, scenario):
    builder.experiment(builder.run("as-measured", scenario))
    result = what_if(f"made/1-01-as-measured-{scenario}")
    assert result.exit_code == 1
    assert f"{scenario} is no steady load; predictions start from sustained or open load" in result.output


def test_what_if_refuses_a_folder_that_is_not_a_run(what_if):
    assert what_if("nothing/here").exit_code == 1
