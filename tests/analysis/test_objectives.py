"""Each objective on data made for it: that it is met, and that it is missed."""

import pytest

from analysis.findings import objectives
from analysis.findings.evidence import speedup
from analysis.findings.objective_metrics import METRICS
from analysis.metrics import arm_metrics
from tests.builders import EVERY, FASTER
from workbench.errors import UserError

BASE, OURS = "as-measured", "tuned"


@pytest.mark.parametrize(("db_ms", "passed"), [(1.5, True), (2.5, False)])
def test_the_summary_is_held_to_its_time_beside_the_other_queries(judge, made, db_ms, passed):
    arms = {name: made.run(name, "reads") for name in ("as-measured-with-summary", BASE)}
    for row in arms["as-measured-with-summary"].of("dashboard"):
        row["db_us"] = round(1000 * db_ms)
    judgement = judge("summary-answers", *arms.values())
    assert (judgement.passed, judgement.effect) == (passed, pytest.approx(db_ms))
    assert judgement.evidence.endswith("; 40.0 ms on as-measured")


@pytest.mark.parametrize(("slow", "passed"), [(0, True), (2, False)])
def test_mixed_searches_are_held_to_their_p95(judge, made, slow, passed):
    run = made.run("as-measured-with-trigram", "reads")
    for place, row in enumerate(run.of("search")):
        row["latency_us"] = 50_000 if place >= len(run.of("search")) - slow else 5_000
    assert judge("trigram-search", run).passed is passed


@pytest.mark.parametrize(("slower", "passed"), [(1.65, True), (1.68, False)])
def test_the_tuned_burst_has_to_be_twelve_times_faster(judge, made, slower, passed):
    judgement = judge("tuned-burst", made.run(BASE), made.run(OURS, slower=slower))
    assert judgement.passed is passed
    assert judgement.effect == pytest.approx(20 / slower)


def test_the_tuned_burst_carries_the_runs_of_both_arms(full):
    judgement = EVERY["tuned-burst"](full)
    assert [(run.deployment, run.scenario) for run in judgement.runs] == [(BASE, "burst-50"), (OURS, "burst-50")]
    durations_s = [arm_metrics.makespan_s(run) for run in judgement.runs]
    assert judgement.effect == pytest.approx(durations_s[0] / durations_s[1])
    assert judgement.effect == pytest.approx(FASTER[OURS])


@pytest.mark.parametrize("deployment", [BASE, OURS])
def test_one_arm_alone_gives_no_speedup(made, deployment):
    experiment = made.experiment(made.run(deployment))
    assert speedup(experiment) is None
    assert EVERY["tuned-burst"](experiment).passed is None


@pytest.mark.parametrize(("bound", "passed"), [("at_least = 8", True), ("at_least = 9", False), ("below = 8", False)])
def test_a_capacity_is_the_largest_load_that_held(made, tmp_path, bound, passed):
    path = tmp_path / "objectives.toml"
    path.write_text(
        f'[[objective]]\nid = "holds"\nmetric = "capacity"\ndeployment = "{OURS}"\nscenario = "open"\n{bound}\n'
    )
    (objective,) = objectives.load(path)
    probes = made.run(OURS, "open-8"), made.run(OURS, "open-16", slower=200)
    judgement = objective.judge(made.experiment(made.run(BASE), probes=probes))
    assert (judgement.passed, judgement.effect) == (passed, 8)
    assert judgement.evidence == "held in every block: 8; in none: 16 (requests/s)"
    assert [run.scenario for run in judgement.runs] == ["open-8", "open-16"]
    assert objective.judge(made.experiment(made.run(BASE), name="not searched")).passed is None
    none_held = made.experiment(made.run(BASE), name="none held", probes=probes[1:])
    assert objective.judge(none_held).effect == 0


@pytest.mark.parametrize(("deployment", "passed"), [(OURS, False), (BASE, True)])
def test_only_an_answer_of_tuned_breaks_the_success_of_tuned(judge, made, deployment, passed):
    runs = {name: made.run(name) for name in (BASE, OURS)}
    runs[deployment].rows[0]["ok"] = False
    assert judge("tuned-success", *runs.values()).passed is passed


@pytest.mark.parametrize("how", ["lost", "doubled"])
def test_one_scan_that_is_lost_or_there_twice_fails(judge, made, how):
    run = made.run(OURS, "sustained-100-write", block=1)
    run.record["writes"][how] = 1
    judgement = judge("tuned-nothing-lost", made.run(OURS, "sustained-100-write"), run)
    assert judgement.passed is False
    assert judgement.effect == 1


def test_scans_that_were_not_looked_for_are_not_measured(judge, made):
    run = made.run(OURS, "sustained-100-write")
    del run.record["writes"]
    assert judge("tuned-nothing-lost", run).passed is None


@pytest.mark.parametrize(
    ("started", "said", "evidence"),
    [
        (True, "", "it started"),
        (True, "over the connection budget", "over the connection budget"),
        (False, "password authentication failed", "password authentication failed"),
    ],
)
def test_pools_that_start_or_fail_for_another_reason_were_not_refused(judge, made, started, said, evidence):
    run = made.run("as-advised-at-default", "start")
    run.record["outcome"] = {"started": started, "message": said}
    judgement = judge("budget-refusal", run)
    assert (judgement.passed, judgement.evidence) == (False, evidence)


def test_the_floor_is_the_work_alone_on_all_cores(judge, made):
    """0.7 of each request is a hash and a query; one worker does one after the other, so twice the cores halve it."""
    runs = [made.run(OURS, scenario) for scenario in ("single", "burst-50")]
    alone = judge("tuned-floor", *runs)
    assert (alone.passed, alone.effect) == (True, pytest.approx(1 / 0.7))
    assert "0.46 s" in alone.evidence
    assert "0.32 s" in alone.evidence


def test_with_twice_the_cores_the_same_burst_is_too_far_from_the_floor(judge, made):
    runs = [made.run(OURS, scenario) for scenario in ("single", "burst-50")]
    for run in runs:
        run.record["environment"] = run.record["environment"] | {"cpu_count": 2}
    judgement = judge("tuned-floor", *runs)
    assert (judgement.passed, judgement.effect) == (False, pytest.approx(2 / 0.7))


def test_a_request_that_did_not_ask_needs_no_query(judge, made):
    single, burst = made.run(OURS, "single"), made.run(OURS, "burst-50")
    for row in burst.of("dashboard"):
        row |= {"db_calls": 0, "hash_us": 0}
    judgement = judge("tuned-floor", single, burst)
    assert judgement.effect == pytest.approx(9.25 / (0.7 * (9.25 - 4.0)))


@pytest.mark.parametrize("scenario", ["single", "burst-50"])
def test_without_single_requests_or_the_burst_there_is_no_floor(judge, made, scenario):
    assert judge("tuned-floor", made.run(OURS, scenario)).passed is None


@pytest.mark.parametrize(
    ("name", "scenario", "bound_ms"),
    [("tuned-burst-reads", "burst-50", 300), ("tuned-sustained-reads", "sustained-100", 50)],
)
def test_reads_are_held_to_their_p95(judge, made, name, scenario, bound_ms):
    for offset_ms, passed in ((-1, True), (1, False)):
        run = made.run(OURS, scenario, block=offset_ms + 1)
        for row in run.of("dashboard") + run.of("search"):
            row["latency_us"] = 1000 * (bound_ms + offset_ms)
        assert EVERY[name](made.experiment(run, name=f"at-{offset_ms}")).passed is passed


GOOD = """[[objective]]
id = "fast"
metric = "mean_ms"
deployment = "tuned"
scenario = "single"
endpoint = "login"
below = 5.5
"""


@pytest.fixture
def told(tmp_path):
    """What is said of a file of objectives."""

    def load(content):
        path = tmp_path / "objectives.toml"
        path.write_text(content)
        with pytest.raises(UserError) as excinfo:
            objectives.load(path)
        message = excinfo.value.message
        assert "\n" not in message
        assert str(path) in message
        return message

    return load


def test_an_objective_of_ones_own_is_judged(made, tmp_path):
    path = tmp_path / "objectives.toml"
    path.write_text(GOOD)
    (objective,) = objectives.load(path)
    assert objective.claim == "login: mean latency below 5.5 ms, single on tuned"
    for slower, passed in ((1.0, True), (1.2, False)):
        judgement = objective.judge(made.experiment(made.run(OURS, "single", slower=slower), name=f"{slower}"))
        assert (judgement.passed, judgement.bound) == (passed, 5.5)
        assert judgement.effect == pytest.approx(5 * slower)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "fast"', "", "objective 1 has no id"),
        ('"mean_ms"', '"speed"', "has the metric 'speed', and there are speedup, "),
        ('deployment = "tuned"', "", "has no deployment, which mean_ms needs"),
        ('endpoint = "login"', "", "has no endpoint, which mean_ms needs"),
        ("below = 5.5", "", "needs one bound, and has 0: at_least, at_most, below"),
        ("below = 5.5", "below = 5.5\nat_most = 6", "needs one bound, and has 2"),
        ("below = 5.5", 'below = "5.5"', "below is not a number"),
        ("below = 5.5", "below = nan", "below is not a number"),
        ("below = 5.5", "below = true", "below is not a number"),
        ("below = 5.5", f"below = 1{400 * '0'}", "below is not a number"),
        ('"mean_ms"', '["mean_ms"]', "has the metric ['mean_ms']"),
        ('id = "fast"', 'id = " "', "objective 1 has no id"),
        ("below = 5.5", "below = 5.5\nabove = 3", "has a field above, which no objective has"),
        ("below = 5.5", 'below = 5.5\nagainst = "tuned"', "has the field against, of which mean_ms knows nothing"),
        ("[[objective]]", "[objective]", "holds something else than objectives"),
        ("[[objective]]", "[[goal]]", "holds something else than objectives"),
        ("below = 5.5", "below 5.5", "is no TOML"),
        ("below = 5.5\n", "below = 5.5\n" + GOOD, "has two objectives with the id fast"),
    ],
)
def test_an_objective_that_cannot_be_used_is_told(told, old, new, said):
    assert said in told(GOOD.replace(old, new))


@pytest.mark.parametrize("content", ["", "# nothing yet"])
def test_a_file_without_objectives_has_none(tmp_path, content):
    (tmp_path / "objectives.toml").write_text(content)
    assert objectives.load(tmp_path / "objectives.toml") == ()


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UserError, match="there is no"):
        objectives.load(tmp_path / "objectives.toml")


def test_the_file_names_every_metric():
    comments = "".join(line for line in objectives.FILE.read_text().splitlines() if line.startswith("#"))
    assert [name for name in METRICS if name not in comments] == []
