"""OpenMetrics text: the reference parser reads it, and the values are those of the workbench."""

import subprocess

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from analysis.exports.openmetrics_text import openmetrics_text
from analysis.metrics import arm_estimates

HOSTILE = 'a "quoted"\\\n# EOF\r\x1b[2J name'


def families(recording):
    """The families by name, as the reference parser reads them."""
    return {family.name: family for family in text_string_to_metric_families(openmetrics_text(recording))}


def values(family, **labels):
    return [sample.value for sample in family.samples if labels.items() <= sample.labels.items()]


@pytest.fixture
def run(builder):
    return builder.experiment(builder.run("as-measured", "burst-50")).runs[0]


@pytest.fixture
def experiment(builder):
    return builder.experiment(
        *(builder.run("tuned", "burst-25", block=block, slower=1 + block / 10) for block in range(4))
    )


def test_counts_and_percentiles_of_a_run_are_those_of_its_tables(run):
    read = families(run)
    of_login = run.by_endpoint.set_index("endpoint").loc["login"]
    assert values(read["workbench_requests"], endpoint="login", outcome="success") == [of_login["successful"]]
    assert values(read["workbench_requests"], endpoint="login", outcome="failure") == [0]
    percentiles = read["workbench_latency_percentile_seconds"]
    assert values(percentiles, endpoint="login", percentile="95") == [pytest.approx(of_login["p95_ms"] / 1000)]
    assert values(read["workbench_run_valid"]) == [1]


def test_the_histogram_has_the_exact_counts_and_sum(run):
    latencies_s = run.measured.loc[run.measured["endpoint"] == "login", "latency_ms"] / 1000
    histogram = families(run)["workbench_latency_seconds"]
    assert values(histogram, endpoint="login", le="+Inf") == [len(latencies_s)]
    assert values(histogram, endpoint="login", le="2.0") == [(latencies_s <= 2).sum()]
    (total,) = (s.value for s in histogram.samples if s.name.endswith("_sum") and s.labels["endpoint"] == "login")
    assert total == pytest.approx(latencies_s.sum())


def test_names_end_with_their_unit_and_samples_have_the_time_of_the_end(run):
    read = families(run)
    assert {family.unit for family in read.values()} == {"", "seconds"}
    assert all(name.endswith(f"_{family.unit}") for name, family in read.items() if family.unit)
    instants_s = {float(sample.timestamp) for family in read.values() for sample in family.samples}
    assert instants_s == {1767225660.0}  # 2026-01-01T00:01:00Z


def test_an_experiment_has_each_metric_with_the_ends_of_its_interval(experiment):
    read = families(experiment)
    duration = arm_estimates.duration_s(experiment, "tuned", "burst-25")
    ends = {"value": duration.value, "lower": duration.low, "upper": duration.high}
    for name, end in ends.items():
        assert values(read["workbench_arm_duration_seconds"], estimate=name, blocks="4") == [pytest.approx(end)]
    p95 = arm_estimates.reads_p95_ms(experiment, "tuned", "burst-25")
    latency = read["workbench_arm_latency_seconds"]
    assert values(latency, endpoint="reads", statistic="p95", estimate="value") == [pytest.approx(p95.value / 1000)]
    assert "workbench_arm_response_time_seconds" not in read


@pytest.mark.parametrize("kind", ["run", "experiment"])
def test_names_of_others_break_no_line(builder, kind):
    run = builder.run("tuned", "burst-25")
    for row in run.rows_of("login"):
        row["endpoint"] = HOSTILE
    written = builder.experiment(run)
    recording = written.runs[0] if kind == "run" else written
    text = openmetrics_text(recording)
    assert text.endswith("# EOF\n")
    assert text.count("# EOF\n") == 1
    assert not set(text) & {"\r", "\x1b"}
    endpoints = {
        s.labels["endpoint"] for f in families(recording).values() for s in f.samples if "endpoint" in s.labels
    }
    assert 'a "quoted"\\ # EOF  name' in endpoints


@pytest.mark.extra
@pytest.mark.parametrize("kind", ["run", "experiment"])
def test_prometheus_reads_the_text(request, tmp_path, kind):
    (tmp_path / "text").write_text(openmetrics_text(request.getfixturevalue(kind)))
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", tmp_path / "text", tmp_path / "blocks"]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert list((tmp_path / "blocks").iterdir())
