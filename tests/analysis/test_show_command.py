"""`python -m analysis show`: what it prints of a run or an experiment, and what it refuses."""

import json

import pytest

from tests.analysis.command_output import endpoint_rows, require_refused
from tests.faulted_runs import between, fail, faulted
from workbench.record_format import FORMAT
from workbench.validity import LOOP_GAP, OTHERS_CPU

RUN = "made/1-01-as-measured-burst-50"


def test_show_prints_the_metrics_of_a_runs_rows(builder, process):
    experiment = builder.experiment(builder.run("as-measured", "single", slower=1.5))
    result = process("show", f"made/{experiment.runs[0].name}")
    assert (result.returncode, result.stderr) == (0, "")
    first, second, *_ = result.stdout.splitlines()
    assert first == "as-measured under single, complete, valid"
    assert second == "90 measured requests in 8.32 s (closed load)"
    assert endpoint_rows(result.stdout) == {
        "login": [30, 0, *[150.0] * 8], "dashboard": [30, 0, *[120.0] * 8], "search": [30, 0, *[7.5] * 8],
    }  # fmt: skip
    assert "  generator CPU, share of one core: 10.0%, allowed at most 80.0%: passes" in result.stdout.splitlines()
    assert "  dispatch lag p99, ms" not in result.stdout


def test_show_says_of_a_disturbance_on_a_shared_machine_that_it_has_no_verdict(builder, process):
    run = builder.run("as-measured", "single")
    run.record["environment"] = run.record["environment"] | {"shared_machine": True}
    run.record["gates"] = [OTHERS_CPU.observe(0.507).record(), LOOP_GAP.observe(None).record()]
    lines = process("show", f"made/{builder.experiment(run).runs[0].name}").stdout.splitlines()
    assert f"  {OTHERS_CPU.name}: 50.7%, allowed at most 10.0%: no verdict on a shared machine" in lines
    assert f"  {LOOP_GAP.name}: -, allowed at most 20.0: not measured" in lines


def test_show_prints_latency_and_response_time_of_an_open_run(builder, process):
    late = builder.run("tuned", "open-20")
    for row in late.rows:
        row["scheduled_us"] -= 50_000
        row["response_us"] += 50_000
    experiment = builder.experiment(late)
    output = process("show", f"made/{experiment.runs[0].name}").stdout
    assert "(open load)" in output
    measured = experiment.runs[0].measured.groupby("endpoint")["latency_ms"].median()
    assert endpoint_rows(output).keys() == set(measured.index)
    for name, (_, _, latency, *_, response, _, _, _) in endpoint_rows(output).items():
        assert latency == pytest.approx(measured[name], abs=0.06)
        assert response == pytest.approx(latency + 50, abs=0.11)


def row_of(output, endpoint):
    return next(line for line in output.splitlines() if line.startswith(f"{endpoint} "))


def test_show_says_when_a_fault_was_in_force_and_which_targets_are_missed(builder, command):
    run = faulted(builder, "bags-locked")
    fail(between(run, 8, 9), "timeout")
    lines = command("show", f"made/{builder.experiment(run).runs[0].name}").output.splitlines()
    assert "fault: lock on bags, 8.0 s to 13.0 s after the first request" in lines
    assert any(line.startswith("40 of 720 requests failed (40 × timeout); longest 0.01 s") for line in lines)
    assert "  target missed: 40 failures without a 503 and Retry-After (40 × timeout)" in lines


def test_show_says_that_all_targets_are_met_or_why_a_fault_was_not_made(builder, command):
    experiment = builder.experiment(faulted(builder, "worker-killed"), not_made(builder))
    first, second = (command("show", f"made/{run.name}").output for run in experiment.runs)
    assert "  all targets are met" in first.splitlines()
    assert "fault: worker killed, 8.0 s after the first request" in first
    assert "its fault was not made: no tmpfs here" in second


def not_made(builder):
    run = faulted(builder, "sessions-full")
    run.record["faults"] = [{"name": "sessions-full", "begin_us": None, "end_us": None, "reason": "no tmpfs here"}]
    return run


def test_show_prints_percentiles_that_reach_into_dropped_arrivals_as_more_than_the_largest(builder, command):
    run = builder.run("tuned", "open-20")
    for number, row in enumerate(run.rows):
        row["latency_us"] = row["response_us"] = 1000 * (number + 1)
    run.record["generator"]["dropped"] = {"warmup": 0, "measure": 3}
    (opened,) = builder.experiment(run).runs
    output = command("show", f"made/{opened.name}").stdout
    assert output.splitlines()[0].endswith("3 dropped arrivals (3 of measure), slower than every latency below")
    largest = opened.measured.groupby("endpoint")["latency_ms"].max()
    for endpoint in largest.index:
        assert row_of(output, endpoint).count(f"> {largest[endpoint]:.1f}") == 6  # p95, p99, p99.9, twice
    # Of 33 that were due the median is the 17th, of 30 sent the mean of the 15th and the 16th.
    sent = opened.measured["latency_ms"].sort_values().to_list()
    assert row_of(output, "(all)").split()[3] == f"{sent[16]:.1f}"
    assert "inf" not in output


def test_show_prints_requests_and_failures_by_kind_beside_the_latency_of_successes(builder, command):
    run = builder.run()
    for row in run.rows_of("search"):
        row |= {"ok": False, "error": "status 503" if row["user"] % 5 else "no answer within 30 s", "latency_us": 1}
    (opened,) = builder.experiment(run).runs
    output = command("show", RUN).stdout
    assert row_of(output, "search").split()[:4] == ["search", "50", "50", "–"]
    assert row_of(output, "search").endswith("40 × status 503, 10 × no answer within 30 s")
    assert row_of(output, "login").split()[:4] == ["login", "50", "0", f"{opened.by_endpoint['median_ms'][1]:.1f}"]
    assert row_of(output, "(all)").split()[1:3] == ["150", "50"]
    assert "nan" not in output.lower()


def test_counts_of_an_experiment_stay_whole_where_a_run_is_not_valid(builder, command):
    builder.experiment(builder.run(), builder.run("tuned").invalid())
    valid, invalid = (line.split() for line in command("show", "made").stdout.splitlines()[-2:])
    assert valid[6:8] == ["150", "0"]
    assert invalid[5:] == ["False", "–", "–", "–", "–", "–"]


def test_show_lists_requests_per_phase_where_there_are_others(builder, command):
    run = builder.run("tuned", "sustained-100")
    for phase in ("start", "stop", "stop"):
        run.rows.append(run.rows[-1] | {"phase": phase})
    builder.experiment(run)
    output = command("show", "made/1-01-tuned-sustained-100").stdout
    assert "requests per phase: warmup 3, measure 30, start 1, stop 2; only those of measure" in output


@pytest.mark.parametrize("name", [RUN, "made"])
def test_show_leaves_out_a_request_type_and_refuses_one_that_was_not_recorded(builder, command, name):
    run = builder.run()
    for row in run.rows:
        row["endpoint"] = f"{'METRIC' if row['endpoint'] == 'login' else 'GET'} {row['endpoint']}"
    builder.experiment(run)
    output = command("show", name, "--without-type", "METRIC").stdout
    assert "without requests of type METRIC" in output
    assert "METRIC login" not in output
    assert " 100 " in output
    refused = command("show", name, "--without-type", "METRICS")
    require_refused(refused, "--without-type 'METRICS'", "the types recorded are: GET, METRIC")


def test_show_takes_the_path_of_a_run_as_well(builder, command):
    experiment = builder.experiment(builder.run())
    assert command("show", str(experiment.runs[0].directory)).stdout == command("show", RUN).stdout


def test_show_prints_the_reasons_of_an_invalid_run(builder, command):
    builder.experiment(builder.run().invalid("rows missing against the scenario: 3, allowed 0"))
    result = command("show", RUN)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == (
        "as-measured under burst-50, complete, not valid: rows missing against the scenario: 3, allowed 0"
    )


def test_show_warns_of_a_run_that_was_cut_off(builder, command):
    builder.experiment(builder.run().cut_off())
    result = command("show", RUN)
    assert result.exit_code == 0
    assert result.stderr == "warning: 1-01-as-measured-burst-50 is cut off\n"
    assert "cut off, not valid: it did not end by itself" in result.stdout
    assert endpoint_rows(result.stdout)["login"][:3] == [50, 0, 2550]


def test_show_prints_the_message_of_an_application_that_did_not_start(builder, command):
    run = builder.run("as-advised-at-default", "start")
    builder.experiment(run)
    result = command("show", "made/1-01-as-advised-at-default-start")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "as-advised-at-default under start, complete, valid",
        f"the application did not start: {run.record['outcome']['message']}",
    ]


@pytest.mark.parametrize("name", ["made/nothing", "nothing/at-all", ""])
def test_show_refuses_a_folder_that_is_not_a_run(builder, command, name):
    builder.experiment(builder.run())
    require_refused(command("show", name), "is not a run", "python -m analysis history")


def test_show_prints_all_runs_of_an_experiment(builder, command):
    builder.experiment(builder.run(), builder.run("tuned").invalid())
    result = command("show", "made")
    assert result.exit_code == 0
    assert "1 of 2 planned runs are complete, valid and readable" in result.stdout
    assert "1-02-tuned-burst-50" in result.stdout


def test_show_names_a_primary_metric_that_it_does_not_know(builder, command):
    declared = [{"metric": name, "scenario": "burst-50", "deployments": ["tuned"]} for name in ("p42_ms", "makespan_s")]
    builder.experiment(builder.run("tuned"), primary_metrics=declared)
    result = command("show", "made")
    assert result.exit_code == 0
    assert "the primary metric p42_ms that it declared is not known here, so it has no verdict" in result.stderr
    assert "makespan_s that it declared" not in result.stderr


def test_show_says_the_format_of_an_older_recording_and_refuses_a_newer_one(builder, command):
    (run,) = builder.experiment(builder.run()).runs
    path = run.directory / "run.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"format": 2}))
    assert f"recorded in format 2, read as format {FORMAT}" in command("show", f"made/{run.name}").stdout
    path.write_text(json.dumps(record | {"format": FORMAT + 1}))
    require_refused(command("show", f"made/{run.name}"), f"record format {FORMAT + 1}", f"up to {FORMAT}")


def test_show_of_a_hostile_run_steers_no_terminal_and_shows_no_secret(builder, process):
    hostile = builder.run("tuned", "burst-50").invalid("\x1b[2Jgone\nError: fake")
    for row in hostile.rows[:50]:
        row["endpoint"] = "\x1b]0;title\x07GET /a?token=hunter2 \u202e\n" + 500 * "x"
    experiment = builder.experiment(hostile)
    result = process("show", f"made/{experiment.runs[0].name}")
    assert result.returncode == 0
    assert not {"\x1b", "\x07", "\u202e"} & set(result.stdout)
    assert "not valid: gone Error: fake" in result.stdout.splitlines()[0]
    assert "GET /a?token=*** " in result.stdout
    assert 150 * "x" not in result.stdout


def test_show_computes_one_finding_again_with_the_values_behind_it(builder, command):
    experiment = builder.experiment(builder.run(), builder.run("tuned"))
    result = command("show", "made", "--finding", "step-as-measured-to-tuned")
    assert result.exit_code == 0
    first, second, third, query, head, *rows = result.stdout.splitlines()
    assert first == "step-as-measured-to-tuned: duration of as-measured / duration of tuned, burst-50"
    assert second.startswith("reported, effect ")
    assert second.endswith(", n = 1")
    assert float(second.split()[2].rstrip(",")) == pytest.approx(20, rel=1e-3)
    assert third == "20.00"
    assert query.startswith("SELECT run, ")
    assert head.split() == ["run", "duration_s"]
    shown = {name: float(value) for name, value in map(str.split, rows)}
    assert shown.keys() == {run.name for run in experiment.runs}
    assert shown["1-01-as-measured-burst-50"] == pytest.approx(9.25, rel=0.01)


def test_show_of_a_finding_without_runs_has_its_evidence_and_no_query(builder, command):
    builder.experiment(builder.run())
    output = command("show", "made", "--finding", "step-as-measured-to-tuned").stdout
    assert "not measured, effect None, n = 0" in output
    assert "no valid run of burst-50 on tuned" in output
    assert "SELECT" not in output


def test_show_refuses_a_finding_that_the_experiment_does_not_have(builder, command):
    builder.experiment(builder.run())
    require_refused(
        command("show", "made", "--finding", "invented"), "no finding 'invented'", "findings.json lists them"
    )


def test_show_refuses_a_finding_of_one_run(builder, command):
    builder.experiment(builder.run())
    result = command("show", RUN, "--finding", "step-as-measured-to-tuned")
    assert result.exit_code == 2
    assert "--finding takes an experiment" in result.stderr
