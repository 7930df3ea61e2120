"""`python -m analysis compare`: what it prints of two runs or two experiments, and what it refuses to compare."""

import pytest

from analysis.cli import compare_command
from tests.analysis.command_output import endpoint_rows, require_refused

RUN = "made/1-01-as-measured-burst-50"


def test_compare_prints_mean_latencies_and_makespan_of_two_runs(builder, command):
    experiment = builder.experiment(builder.run(), builder.run("tuned", slower=2))
    result = command("compare", *(f"made/{run.name}" for run in experiment.runs))
    assert (result.exit_code, result.stderr) == (0, "")
    assert endpoint_rows(result.stdout) == {
        "login": [50, 0, 2550, 50, 0, 255, 0.1],
        "dashboard": [50, 0, 4490, 50, 0, 449, 0.1],
        "search": [50, 0, 2087.5, 50, 0, 208.75, 0.1],
    }
    assert "A: as-measured under burst-50\nB: tuned under burst-50\n" in result.stdout
    assert result.stdout.endswith("makespan B/A: 0.100 (no interval: one run each)\n")


def test_compare_of_two_runs_has_failures_by_kind_and_takes_no_gain_from_them(builder, command):
    failing = builder.run("tuned", slower=2)
    for row in failing.rows_of("search"):
        row |= {"ok": False, "error": "status 503", "latency_us": 1}
    experiment = builder.experiment(builder.run(), failing)
    output = command("compare", *(f"made/{run.name}" for run in experiment.runs)).stdout
    search = next(line for line in output.splitlines() if line.startswith("search"))
    assert search.split() == ["search", "50", "0", "2087.5", "50", "50", "–", "–"]
    assert "B: 50 of 150 requests failed: 50 × status 503\n" in output
    assert "a larger share of the requests failed or was dropped in B: a smaller ratio is no improvement\n" in output


def test_compare_of_two_open_runs_is_of_the_response_time_and_counts_what_was_dropped(builder, command):
    late, dropping = builder.run("tuned", "open-20"), builder.run("tuned", "open-20", block=1)
    for row in late.rows:
        row["response_us"] = row["latency_us"] + 50_000
    dropping.record["generator"]["dropped"] = {"warmup": 0, "measure": 1}
    experiment = builder.experiment(late, dropping)
    output = command("compare", *(f"made/{run.name}" for run in experiment.runs)).stdout
    assert "response_mean_ms" in output
    login = next(line for line in output.splitlines() if line.startswith("login")).split()
    assert login == ["login", "10", "0", "55.00", "10", "0", ">", "5.000", "–"]
    assert "B: tuned under open-20; 1 dropped arrivals" in output
    assert "smaller ratio is no improvement" in output


def test_compare_of_experiments_has_the_failures_of_each_arm_and_the_reason_against_a_gain(builder, command):
    four_blocks(builder, "old")
    runs = [builder.run(deployment, block=n, slower=0.5) for deployment in ("as-measured", "tuned") for n in range(4)]
    for run in runs[4:]:
        for row in run.rows_of("search")[:20]:
            row |= {"ok": False, "error": "status 503"}
    builder.experiment(*runs, name="new")
    output = command("compare", "old", "new").stdout
    line = next(line for line in output.splitlines() if line.split()[:3] == ["tuned", "burst-50", "none"])
    assert line.endswith("80 of 600: search 80 × status 503")
    reason = "tuned: no improvement, as 13.3% of the requests were not successful, instead of 0.0%"
    latency = output[output.index("mean latency, burst-50") : output.index("p95 latency of reads")]
    assert reason in latency
    verdicts = {line.split()[0]: line.split()[4] for line in latency.splitlines()[2:4]}
    assert verdicts == {"as-measured": "improvement", "tuned": "inconclusive"}


def test_compare_leaves_out_a_request_type_in_both_and_refuses_an_unknown_one(builder, command):
    runs = [builder.run(), builder.run(block=1)]
    for row in (row for run in runs for row in run.rows):
        row["endpoint"] = f"{'METRIC' if row['endpoint'] == 'login' else 'GET'} {row['endpoint']}"
    names = [f"made/{run.name}" for run in builder.experiment(*runs).runs]
    output = command("compare", *names, "--without-type", "METRIC").stdout
    assert ("GET search" in output, "METRIC" in output) == (True, False)
    require_refused(command("compare", *names, "--without-type", "POST"), "no request is of this type")


def four_blocks(builder, name, slower=1.0):
    runs = [builder.run(deployment, block=n, slower=slower * s) for deployment in ("as-measured", "tuned")
            for n, s in enumerate((1.0, 1.01, 0.99, 1.0))]  # fmt: skip
    return builder.experiment(*runs, name=name)


def test_compare_prints_effects_with_verdicts_of_two_experiments(builder, command):
    four_blocks(builder, "old")
    four_blocks(builder, "new", slower=0.5)
    result = command("compare", "old", "new")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("A: old\nB: new\nB against A: 0 regressed, ")
    assert "; machine, versions, data, method and code are the same.\n" in result.stdout
    assert "duration, burst-50 (equivalent within 10%):" in result.stdout
    lines = [line.split() for line in result.stdout.splitlines() if line.split()[:2] == ["tuned", "0.500"]]
    assert {line[4] for line in lines} == {"improvement"}


def test_baseline_exits_with_1_for_a_regression_only(builder, command):
    four_blocks(builder, "old")
    four_blocks(builder, "same", slower=1.001)
    four_blocks(builder, "slow", slower=1.5)
    assert command("compare", "old", "same", "--baseline").exit_code == 0
    result = command("compare", "old", "slow", "--baseline")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: slow is worse than old: ")
    assert "duration of as-measured under burst-50 1.50 (" in result.stderr
    assert "duration, burst-50" in result.stdout


def test_baseline_fails_an_arm_without_a_successful_response_however_fast(builder, command):
    four_blocks(builder, "old")
    runs = [builder.run(deployment, block=n, slower=0.1) for deployment in ("as-measured", "tuned") for n in range(4)]
    for row in (row for run in runs if run.record["deployment"]["name"] == "tuned" for row in run.rows):
        row |= {"ok": False, "status": 500, "error": "status 500"}
    builder.experiment(*runs, name="dead")
    result = command("compare", "old", "dead", "--baseline")
    assert result.exit_code == 1
    assert "dead is worse than old: share of successful responses of tuned under burst-50 0 (4 blocks" in result.stderr


def test_baseline_fails_a_missing_arm_and_too_few_blocks(builder, command):
    four_blocks(builder, "old")
    builder.experiment(*(builder.run(block=n) for n in range(4)), name="half")
    result = command("compare", "old", "half", "--baseline")
    assert (result.exit_code, "has no valid run of tuned under burst-50" in result.stderr) == (1, True)
    builder.experiment(builder.run(), builder.run("tuned"), name="once")
    builder.experiment(builder.run(), builder.run("tuned"), name="twice")
    result = command("compare", "once", "twice", "--baseline")
    assert (result.exit_code, "No verdict: it takes 4 blocks of an arm in both" in result.stderr) == (3, True)


def test_compare_leaves_out_an_arm_whose_load_differs(builder, command):
    four_blocks(builder, "old")
    runs = [builder.run(deployment, block=n) for deployment in ("as-measured", "tuned") for n in range(4)]
    for run in runs[4:]:
        run.record["scenario"] = run.record["scenario"] | {"duration_s": 7.0}
    builder.experiment(*runs, name="new")
    result = command("compare", "old", "new")
    tables, _, others = result.stdout.partition("\nnot compared:\n")
    shown = {line.split()[0] for line in tables.splitlines() if line}
    assert (result.exit_code, "tuned" in shown, "as-measured" in shown) == (0, False, True)
    assert others == "tuned under burst-50: its loads differ in duration_s\n"
    assert "warning: tuned under burst-50 is left out: its loads differ in duration_s\n" in result.stderr
    result = command("compare", "old", "new", "--baseline")
    assert (result.exit_code, "has no valid run of tuned under burst-50 under the load of old" in result.stderr) == (
        1,
        True,
    )


def test_compare_names_edited_runs_and_leaves_them_out(builder, command):
    four_blocks(builder, "old")
    experiment = four_blocks(builder, "new")
    for run in experiment.runs[:4]:
        path = run.directory / "requests.parquet"
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    result = command("compare", "old", "new")
    names = ", ".join(run.name for run in experiment.runs[:3])
    assert result.stderr.startswith(f"warning: new/{names} and 1 more runs: requests.parquet was changed")
    assert all(" and 1 more runs: requests.parquet" in line for line in result.stderr.splitlines())
    assert "as-measured under burst-50: 4 usable runs in A, 0 usable runs in B\n" in result.stdout


def test_effects_frame_has_the_effects_of_all_tables(builder):
    comparison = compare_command.compare_experiments(
        four_blocks(builder, "old"), four_blocks(builder, "new", slower=0.5)
    )
    frame = compare_command.effects_frame(comparison)
    assert not comparison.left_out
    row = frame.loc["burst-50", "duration", "tuned"]
    assert (row["ratio"], row["verdict"], row["blocks"]) == ("0.500", "improvement", 4)


def test_baseline_refuses_two_runs(builder, command):
    experiment = builder.experiment(builder.run(), builder.run(block=1))
    names = [f"made/{run.name}" for run in experiment.runs]
    require_refused(command("compare", *names, "--baseline"), "needs two experiments")


def test_compare_refuses_a_run_and_an_experiment(builder, command):
    builder.experiment(builder.run())
    require_refused(command("compare", RUN, "made"), "one of", "is a run and the other an experiment")


def test_compare_refuses_experiments_without_an_arm_in_common(builder, command):
    builder.experiment(builder.run(), name="one")
    builder.experiment(builder.run("tuned", "burst-25"), name="other")
    require_refused(command("compare", "one", "other"), "have no arm in common")
    builder.experiment(builder.run().invalid(), name="invalid")
    require_refused(command("compare", "one", "invalid"), "invalid has no complete, valid and readable run")
    require_refused(command("compare", "one", "one"), "both are one; there is nothing to compare")


def test_compare_refuses_different_scenarios(builder, process):
    builder.experiment(builder.run(), builder.run("as-measured", "burst-25"))
    result = process("compare", RUN, "made/1-02-as-measured-burst-25")
    require_refused(result, "burst-50 and burst-25 are different loads")


def test_compare_refuses_a_scenario_with_other_fields(builder, command):
    changed = builder.run("tuned")
    changed.record["scenario"]["users"] = 49
    builder.experiment(builder.run(), changed)
    require_refused(command("compare", RUN, "made/1-02-tuned-burst-50"), "the loads differ in users")


FACTS = [("cpu_model", "processor"), ("cpu_count", "number of cores"), ("postgresql", "version of PostgreSQL")]


def on_another_machine(builder, field):
    """Two experiments of one run, of which the second was made where a fact of the environment differs."""
    other = builder.run()
    other.record["environment"] = other.record["environment"] | {field: 64 if field == "cpu_count" else "another"}
    builder.experiment(builder.run())
    builder.experiment(other, name="other")


@pytest.mark.parametrize(("field", "name"), FACTS)
def test_compare_refuses_runs_of_different_machines(builder, command, field, name):
    on_another_machine(builder, field)
    result = command("compare", RUN, RUN.replace("made", "other", 1))
    require_refused(result, f"the recordings differ in their {name}")


@pytest.mark.parametrize(("field", "name"), FACTS[:2])
def test_compare_shows_experiments_of_different_machines_and_decides_nothing(builder, command, field, name):
    on_another_machine(builder, field)
    result = command("compare", "made", "other", "--baseline")
    sentence = f"No verdict, because A and B were not measured on the same machine: {name} "
    assert (result.exit_code, sentence in result.stdout, f"Error: {sentence}" in result.stderr) == (3, True, True)
    assert "duration, burst-50" in result.stdout
    assert not {"improvement", "regression", "equivalent"} & set(result.stdout.split())


def test_compare_names_another_version_in_the_verdict(builder, command):
    on_another_machine(builder, "postgresql")
    result = command("compare", "made", "other")
    assert (
        result.exit_code,
        "The same machine, data, method and code; PostgreSQL 18.6 → another." in result.stdout,
    ) == (
        0,
        True,
    )


def test_compare_refuses_an_experiment_that_was_changed_by_name(builder, command):
    builder.experiment(builder.run())
    record = builder.experiment(builder.run(), name="edited").directory / "experiment.json"
    record.write_text(record.read_text().replace('"quick"', '"short"'))
    require_refused(command("compare", "made", "edited"), "experiment edited was changed, and cannot be compared: ")


def test_compare_refuses_runs_on_different_data(builder, command):
    other = builder.run()
    other.record["dataset"] = other.record["dataset"] | {"scale": "production"}
    builder.experiment(builder.run())
    builder.experiment(other, name="other")
    require_refused(command("compare", RUN, RUN.replace("made", "other", 1)), "the recordings differ in their dataset")


def test_compare_refuses_an_invalid_run(builder, command):
    experiment = builder.experiment(builder.run(), builder.run(block=1).invalid("rows missing: 3, allowed 0"))
    names = [f"made/{run.name}" for run in experiment.runs]
    for pair in (names, names[::-1]):
        require_refused(command("compare", *pair), experiment.runs[1].name, "not valid (rows missing: 3, allowed 0)")


def test_compare_refuses_a_run_that_was_cut_off(builder, command):
    builder.experiment(builder.run(), builder.run(block=1).cut_off())
    result = command("compare", RUN, "made/2-02-as-measured-burst-50")
    assert (result.exit_code, result.stdout) == (1, "")
    warning, error = result.stderr.splitlines()
    assert warning == "warning: 2-02-as-measured-burst-50 is cut off"
    assert error.endswith("2-02-as-measured-burst-50 is not valid (it did not end by itself) and cannot be compared")


def test_compare_refuses_runs_without_requests(builder, command):
    builder.experiment(*(builder.run("as-advised-at-default", "start", block=block) for block in (0, 1)))
    names = ("made/1-01-as-advised-at-default-start", "made/2-02-as-advised-at-default-start")
    require_refused(command("compare", *names), names[0].split("/")[1], "no measured requests")
