"""Every section of the page on whole experiments and on those that miss something; its figures against the rows."""

import inspect
import re
from functools import partial
from html import unescape

import pytest

from analysis.findings import finding as findings
from analysis.metrics import cpu_metrics
from reports import sections
from reports.sections import BASE, OURS, Report
from reports.tables import Html
from tests.builders import Builder
from workbench.recording import Experiment

TAG = re.compile(r"<[^>]*>")
PIECE = re.compile(r"<(t[hd])[^>]*>(.*?)</\1>", re.DOTALL)
NO_FIGURE = re.compile(r"\b(None|nan|NaN|NaT|inf)\b")


def every_section():
    """What takes a report, as functions of it alone; a burst once for each published number of users."""
    found = {name: getattr(sections, name) for name in sections.__all__}
    functions = {name: made for name, made in found.items() if inspect.isfunction(made) and name != "verdict"}
    load = functions.pop("load")
    return functions | {f"load {users}": partial(load, users=users) for users in (25, 50)}


EXPERIMENTS = {
    "full": lambda made: made.full(),
    "without tuned": lambda made: made.full(OURS),
    "without as-measured": lambda made: made.full(BASE),
    "without a valid run": lambda made: made.full(invalid=True),
    "cut off": lambda made: made.experiment(made.run().cut_off(), never_begun=("1-02-tuned-burst-50",)),
    "without a run": lambda made: made.experiment(never_begun=("1-01-tuned-burst-50",)),
}


@pytest.fixture
def made(tmp_path) -> Builder:
    return Builder(tmp_path / "runs")


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """The report of each experiment, made when it is first asked for."""
    kept = {}

    def report(name):
        if name not in kept:
            experiment = EXPERIMENTS[name](Builder(tmp_path_factory.mktemp("experiment")))
            kept[name] = Report(experiment, findings.judge(experiment))
        return kept[name]

    return report


def of(experiment: Experiment) -> Report:
    """A report of sections that show no finding."""
    return Report(experiment, [])


def text(html: Html) -> str:
    return unescape(TAG.sub(" ", str(html)))


def table(html: Html, caption: str) -> dict[str, dict[str, str]]:
    """The cells of a table: row name to column to text."""
    (found,) = (part for part in re.findall(r"<table>.*?</table>", str(html), re.DOTALL) if caption in part)
    head, *rows = re.findall(r"<tr>(.*?)</tr>", found, re.DOTALL)
    names = [unescape(TAG.sub("", cell)) for _, cell in PIECE.findall(head)]
    cells = [[unescape(TAG.sub("", cell)) for _, cell in PIECE.findall(row)] for row in rows]
    return {row[0]: dict(zip(names[1:], row[1:], strict=True)) for row in cells}


def column(rows: dict[str, dict[str, str]], name: str) -> dict[str, str]:
    return {row: cells[name] for row, cells in rows.items()}


@pytest.mark.parametrize("section", every_section())
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_a_section_says_what_there_is_and_never_fails(reports, experiment, section):
    html = every_section()[section](reports(experiment))
    assert isinstance(html, Html)
    assert html.text
    assert not NO_FIGURE.search(text(html)), text(html)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_the_verdict_is_a_sentence(reports, experiment):
    sentence = sections.verdict(reports(experiment))
    assert sentence.endswith(".")
    assert not NO_FIGURE.search(sentence)


def test_the_verdict_of_a_gain_says_how_many_times(made):
    runs = made.run(), made.run(OURS, slower=4)
    for run in runs:
        run.record["environment"] = run.record["environment"] | {"cpu_count": 2}
    report = of(made.experiment(*runs))
    assert sections.verdict(report) == (
        "50 users at once are served in 1.85 s instead of 9.25 s: the published set-up queues everyone behind one "
        "worker, and ours is 5.0 times faster (no interval: 1 block)."
    )
    assert sections.verdict(report) in text(sections.summary(report))
    assert sections.verdict(report) in text(sections.conclusion(report))


def test_the_verdict_names_what_was_at_its_limit(made):
    report = of(made.experiment(made.run(), made.run(OURS, slower=4)))
    assert ": on the published set-up the limit was the CPU: 1 cores, 112.4% in use" in sections.verdict(report)


def test_the_verdict_of_a_loss_says_so(made):
    report = of(made.experiment(made.run(), made.run(OURS, slower=40)))
    assert sections.verdict(report) == (
        "50 users at once take 18.50 s on the tuned set-up, and only 9.25 s on the published one."
    )


@pytest.mark.parametrize("missing", [BASE, OURS])
def test_without_both_deployments_there_is_no_verdict(reports, missing):
    report = reports("without tuned" if missing == OURS else "without as-measured")
    wanted = "This experiment did not measure 50 users at once on both deployments."
    assert sections.verdict(report) == wanted
    assert wanted in text(sections.conclusion(report))


def test_the_queue_predicts_only_where_single_requests_were_measured(reports, made):
    assert "a queue behind one worker predicts 9.25 s" in text(sections.summary(reports("full")))
    report = of(made.experiment(made.run(), made.run(OURS)))
    said = text(sections.summary(report)) + text(sections.explanation(report))
    assert "predicts" not in said
    assert not NO_FIGURE.search(said)
    rows = table(sections.load(report, 50), "50 users at once: mean latency by endpoint")
    assert set(column(rows, "predicted by the queue (ms)").values()) == {"–"}
    assert set(column(rows, "error of the prediction").values()) == {"–"}


def test_the_summary_counts_the_checklist(reports):
    assert "9 of 10" in text(sections.summary(reports("full")))
    assert "1 fail, 0 not measured" in text(sections.summary(reports("full")))


@pytest.mark.parametrize("scale", ["small", "production"])
@pytest.mark.parametrize("runs", [(BASE,), (BASE, OURS)])
def test_only_what_was_measured_on_little_data_is_not_to_be_quoted(made, scale, runs):
    report = of(made.experiment(*(made.run(name) for name in runs), scale=scale))
    assert ("not to be quoted" in text(sections.summary(report))) == (scale == "small")


def test_single_requests_agree_with_the_rows(made):
    slow = made.run(BASE, "single", slower=3.2)
    slow.of("login")[-1]["latency_us"] = 400_000
    experiment = made.experiment(slow, made.run(OURS, "single"))
    rows = table(sections.individual(of(experiment)), "Single requests")
    for deployment, name in ((BASE, "reproduced (ms)"), (OURS, "tuned (ms)")):
        means_ms = experiment.find(deployment, "single")[0].measured.groupby("endpoint")["latency_ms"].mean()
        assert {row: float(cell) for row, cell in column(rows, name).items()} == pytest.approx(dict(means_ms), abs=0.51)
    assert column(rows, "reproduced range (ms)") == {"login": "320–400", "dashboard": "256–256", "search": "16–16"}
    assert column(rows, "under 300 ms") == {"login": "fail", "dashboard": "pass", "search": "pass"}
    assert column(rows, "published mean (ms)") == {"login": "–", "dashboard": "231", "search": "112"}
    assert column(rows, "reproduced / published") == {"login": "–", "dashboard": "1.11", "search": "0.14"}


def test_single_requests_that_were_not_measured_are_dashes(reports):
    rows = table(sections.individual(reports("without a valid run")), "Single requests")
    assert set(column(rows, "reproduced (ms)").values()) == {"–"}
    assert set(column(rows, "under 300 ms").values()) == {"not measured"}


def test_a_burst_of_25_agrees_with_the_rows_and_with_the_queue(made):
    single, burst = made.run(BASE, "single"), made.run(BASE, "burst-25", slower=1.25)
    experiment = made.experiment(single, burst, made.run(OURS, "burst-25"))
    rows = table(sections.load(of(experiment), 25), "25 users at once: mean latency by endpoint")
    assert column(rows, "reproduced (ms)") == {"login": "1,625", "dashboard": "2,800", "search": "1,281"}
    assert column(rows, "predicted by the queue (ms)") == {"login": "1,300", "dashboard": "2,240", "search": "1,025"}
    assert set(column(rows, "error of the prediction").values()) == {"-20.0%"}
    assert column(rows, "reproduced / published") == {"login": "0.60", "dashboard": "0.55", "search": "0.35"}
    for deployment, name in ((BASE, "reproduced (ms)"), (OURS, "tuned (ms)")):
        means_ms = experiment.find(deployment, "burst-25")[0].measured.groupby("endpoint")["latency_ms"].mean()
        shown = {row: float(cell.replace(",", "")) for row, cell in column(rows, name).items()}
        assert shown == pytest.approx(dict(means_ms), abs=0.51)


def test_the_totals_of_a_burst_agree_with_the_rows(made):
    burst = made.run(BASE, "burst-25", slower=1.2)
    for row in burst.rows[:3]:
        row["ok"] = False
    experiment = made.experiment(burst, made.run(OURS, "burst-25", slower=2))
    rows = table(sections.load(of(experiment), 25), "25 users at once: totals")
    by_endpoint = experiment.runs[0].measured.groupby("endpoint")["latency_ms"].quantile(0.95)
    p95_ms = {f"{name}, p95 (ms)": f"{value:,.0f}" for name, value in by_endpoint.items()}
    assert column(rows, "reproduced") == {
        "right answers": "96.0%",
        "duration (s)": "5.55",
        "throughput (requests/s)": f"{72 / 5.55:.1f}",
        **p95_ms,
    }
    assert column(rows, "tuned")["throughput (requests/s)"] == f"{75 / 0.4625:.1f}"
    assert column(rows, "published") == {
        "right answers": "100.0%",
        "duration (s)": "12.62",
        "throughput (requests/s)": "5.9",
        **dict.fromkeys(p95_ms, "–"),
    }


@pytest.mark.parametrize(("blocks", "words"), [(4, "the 95 % interval, from 4 blocks"), (1, "No interval: 1 block,")])
def test_a_burst_says_over_how_many_blocks(made, blocks, words):
    runs = [made.run(name, "burst-25", block=block) for block in range(blocks) for name in (BASE, OURS)]
    assert words in text(sections.load(of(made.experiment(*runs)), 25))


def test_two_runs_in_a_block_are_one_block(made):
    runs = [made.run(name, "burst-25", replicate=replicate) for replicate in (False, True) for name in (BASE, OURS)]
    assert "No interval: 1 block," in text(sections.load(of(made.experiment(*runs)), 25))


def test_an_invalid_block_is_not_counted_as_a_block(made):
    runs = [made.run(name, "burst-25", block=block) for block in range(4) for name in (BASE, OURS)]
    runs[0].invalid()
    assert "from 4 blocks; of latencies by sectioning. Where there is none: 3 blocks." in text(
        sections.load(of(made.experiment(*runs)), 25)
    )


def test_a_burst_is_held_against_the_least_time_of_its_work(reports):
    rows = table(sections.load(reports("full"), 50), "burst-50: its work")
    assert rows["least time of its hashes and queries (s)"]["tuned"] == "0.32"
    assert rows["duration / least time"]["tuned"] == "1.43"
    assert rows["CPU, workers (s)"]["reproduced"] == "8.32"
    assert rows["CPU, load generator (s)"]["tuned"] == "0.23"
    assert rows["CPU, Valkey (s)"]["tuned"] == "–"


def test_the_explanation_has_the_share_of_the_queue(reports):
    report = reports("full")
    split = cpu_metrics.time_split(report.experiment, BASE, "burst-50").query("statistic == 'mean'")
    share = split.loc[split["part"] == "queue", "mean_ms"].sum() / split["mean_ms"].sum()
    said = text(sections.explanation(report))
    assert f"In as-measured {share:.1%} of the time" in said
    assert "take its one worker 185 ms alone, so 50 users take it 9.2 s" in said
    assert "every measured mean within 0%" in said


def test_the_pool_shows_what_the_server_and_the_pool_counted(reports):
    rows = table(sections.pool(reports("full")), "The pool, declared and in use")
    assert rows["connections allowed, all workers"]["published"] == "50"
    for name, base, ours in (
        ("connections allowed, all workers", "50", "6"),
        ("most connections that the server saw", "1", "2"),
        ("connections that the pools made", "1", "2"),
        ("pre-pings that the server saw", "149", "148"),
        ("requests with a query", "150", "150"),
        ("mean wait for a connection (ms)", "1.00", "1.00"),
        ("longest wait for a connection (ms)", "3.00", "4.00"),
        ("mean time to open a connection (ms)", "10.00", "10.00"),
        ("mean time that one is held (ms)", "4.00", "4.00"),
        ("timeouts, dead and recycled connections", "0", "0"),
    ):
        assert (rows[name]["reproduced"], rows[name]["tuned"]) == (base, ours), name


@pytest.mark.parametrize("runs", [(BASE,), (BASE, "as-measured-on-rds")])
def test_the_profile_for_rds_is_said_to_have_run_only_if_it_did(made, runs):
    scenarios = {BASE: "burst-50", "as-measured-on-rds": "missing-table"}
    said = text(sections.pool(of(made.experiment(*(made.run(name, scenarios[name]) for name in runs)))))
    assert ("was not run here" in said) == (len(runs) == 1)
    assert ("was run here under missing-table" in said) == (len(runs) == 2)


def test_the_caches_show_what_they_answered(reports):
    rows = table(sections.caches(reports("full")), "The caches, declared and in use")
    assert rows["answers from the cache"] | {"reproduced / published": ""} == {
        "published": "–", "reproduced": "0", "reproduced / published": "", "as claimed": "100", "tuned": "100",
    }  # fmt: skip
    assert rows["lifetime of dashboard answers (s)"]["reproduced"] == "not in force"
    assert rows["lifetime of dashboard answers (s)"]["tuned"] == "10"


def arms_of_reads(made, blocks):
    slow = [made.run("as-measured-with-no-pool", "reads", slower=1.5, block=block) for block in range(blocks)]
    return slow + [made.run(BASE, "reads", block=block) for block in range(blocks)]


def test_the_way_to_the_database_is_compared_with_as_measured(made):
    rows = table(
        sections.way_to_database(of(made.experiment(*arms_of_reads(made, 4)))), "As-measured with one thing changed"
    )
    assert list(rows) == ["nothing", "no pool"]
    assert column(rows, "dashboard (ms)") == {"nothing": "80.0", "no pool": "120.0"}


@pytest.mark.parametrize(("blocks", "shown"), [(4, "1.50 loss"), (1, "1.50")])
def test_what_each_choice_is_worth_has_a_verdict_from_four_blocks_on(made, blocks, shown):
    html = sections.way_to_database(of(made.experiment(*arms_of_reads(made, blocks))))
    rows = table(html, "What each change is worth under reads")
    assert column(rows, "duration") == {"no pool": shown}


def test_round_trips_are_shown_by_endpoint_and_arm(made):
    runs = [made.run(BASE, "reads"), made.run("tuned", "sustained-100-write")]
    rows = table(
        sections.way_to_database(of(made.experiment(*runs))), "Round trips of a request for how many statements"
    )
    assert list(rows) == ["as-measured, reads", "tuned, sustained-100-write"]
    assert rows["as-measured, reads"]["dashboard"] == "5.0 for 2.0"
    assert rows["as-measured, reads"]["scan"] == "–"
    assert rows["tuned, sustained-100-write"]["scan"] != "–"


def test_pools_under_a_load_with_writes_show_what_they_did_and_what_was_lost(made):
    published_pool = made.run("tuned-with-published-pool", "sustained-100-write")
    published_pool.record["writes"] |= {"acknowledged": 12, "lost": 1}
    runs = [made.run(OURS, "sustained-100-write"), published_pool, made.run("tuned-with-fifo", "sustained-100-write")]
    runs[2].invalid()
    rows = table(sections.pools_under_load(of(made.experiment(*runs))), "Pools under 100 users")
    assert list(rows) == [OURS, "tuned-with-published-pool"]
    assert column(rows, "most allowed") == {OURS: "6", "tuned-with-published-pool": "100"}
    assert column(rows, "scans lost") == {OURS: "0", "tuned-with-published-pool": "1"}
    assert column(rows, "scan p95 (ms)") == {OURS: "1", "tuned-with-published-pool": "20"}
    assert rows[OURS]["most the server saw"] == rows[OURS]["made"] == "2"
    assert (rows[OURS]["mean wait (ms)"], rows[OURS]["longest wait (ms)"]) == ("1.00", "4.0")


def test_other_loads_are_shown_where_they_were_run(reports):
    rows = table(sections.other_loads(reports("full")), "Loads that were not published")
    assert rows["burst-50-mix: login, mean (ms)"]["tuned"] == "127.5"
    assert rows["sustained-100: dashboard, mean (ms)"]["reproduced"] == "80.0"
    assert "ran none of them" in text(sections.other_loads(reports("without a valid run")))


def test_the_recommendation_shows_memory_and_durations(reports):
    rows = table(sections.recommendations(reports("full")), "The configuration recommended for Replit")
    assert rows["peak memory of the server (MiB, PSS)"]["reproduced"] == "64"
    assert (rows["50 users at once (s)"]["published"], rows["50 users at once (s)"]["reproduced"]) == ("24.91", "9.25")


@pytest.mark.parametrize("ran", [(BASE,), ("as-advised",), (BASE, "as-advised")])
def test_a_recommended_configuration_is_named_where_it_has_a_valid_run(made, ran):
    runs = [made.run(name) if name in ran else made.run(name).invalid() for name in (BASE, "as-advised")]
    html = sections.recommendations(of(made.experiment(*runs)))
    (found,) = (part for part in re.findall(r"<table>.*?</table>", str(html), re.DOTALL) if "Published rec" in part)
    rows = [[unescape(TAG.sub("", cell)) for _, cell in PIECE.findall(row)] for row in found.split("<tr>")[2:]]
    said = {subject: where for _, subject, _, where in rows}
    assert said == {
        "current configuration": BASE if BASE in ran else "–",
        "recommended configuration": "as-advised" if "as-advised" in ran else "–",
        "suitable for": "–",
    }


def test_the_sessions_show_their_cost(reports):
    rows = table(sections.sessions(reports("full")), "The session, declared and measured")
    assert rows["session time, login (ms)"]["reproduced"] == "4.00"
    assert (rows["storage"]["reproduced"], rows["storage"]["tuned"]) == ("filesystem", "shared")


def test_the_evidence_lists_every_run_and_marks_the_invalid_ones(made):
    experiment = made.experiment(made.run(), made.run(block=1).invalid(), made.run(block=2).cut_off())
    rows = table(sections.evidence(of(experiment)), "Runs behind this page")
    assert list(rows) == [run.name for run in experiment.runs]
    assert list(column(rows, "valid").values()) == ["pass", "invalid", "invalid"]
    assert list(column(rows, "status").values()) == ["complete", "complete", "cut off"]
    assert column(rows, "why not")[list(rows)[1]].startswith("generator CPU")


def test_each_run_that_ended_has_the_figure_of_each_gate(made):
    experiment = made.experiment(made.run(), made.run("tuned", "open-20"), made.run(block=2).cut_off())
    rows = table(sections.evidence(of(experiment)), "How far each run can be believed")
    assert list(rows) == [run.name for run in experiment.runs[:2]]
    assert list(column(rows, "generator CPU, share of one core (at most 80.0%)").values()) == ["10.0%", "10.0%"]
    assert list(column(rows, "rows missing against the generator's count (none)").values()) == ["0", "0"]
    assert list(column(rows, "dispatch lag p99, ms (at most 5.00)").values()) == ["–", "–"]


def test_what_differs_by_chance_is_told_from_arms_that_ran_twice(made):
    runs = [
        made.run(block=block, replicate=replicate, slower=slower)
        for block, replicate, slower in ((0, True, 1.1), (0, False, 1), (1, False, 2), (1, True, 1.9))
    ]
    rows = table(sections.evidence(of(made.experiment(*runs, made.run(OURS)))), "What differs by chance")
    assert rows[BASE]["second to first, by block"] == "1.10, 0.95"
    assert rows[BASE]["largest difference"] == "10.0%"
    assert list(rows) == [BASE]
    once = made.experiment(made.run(), made.run(replicate=True).invalid(), name="once")
    assert "No arm ran twice" in text(sections.evidence(of(once)))


def test_a_search_shows_what_holds_and_what_gave_way(reports, made):
    rows = table(sections.capacity(reports("full")), "How much each deployment holds")
    assert (rows[OURS]["holds"], rows[OURS]["does not hold"], rows[OURS]["runs"]) == ("16", "–", "2")
    slow = made.run(OURS, "open-16", slower=200)
    found = made.experiment(made.run(), probes=(made.run(OURS, "open-8"), slow, made.run(OURS, "open-32").invalid()))
    row = table(sections.capacity(of(found)), "How much each deployment holds")[OURS]
    assert (row["holds"], row["does not hold"]) == ("8", "16")
    assert row["what gave way"].startswith("login p95")
    assert row["of them not to be believed"].startswith("32 (the first for generator CPU")
    assert "was no part of this experiment" in text(
        sections.capacity(of(made.experiment(made.run(), name="no search")))
    )


def test_what_was_foretold_stands_beside_what_came_of_it(made):
    probes = made.run(OURS, "open-8"), made.run(OURS, "open-16", slower=200)
    experiment = made.experiment(made.run(BASE, "sustained-20"), probes=probes)
    assert "has nothing that was foretold and then run" in text(sections.what_if(of(experiment)))
    silent = made.experiment(
        made.run(), probes=probes, name="silent", unforeseen=["the capacity of x is not foretold: y"]
    )
    assert text(sections.what_if(of(silent))).strip() == "The capacity of x is not foretold: y."
    paths = [made.foretell(experiment, run) for run in experiment.runs[1:]]
    html = sections.what_if(of(experiment))
    row = table(html, "What another deployment holds")[OURS]
    assert (row["known from"], row["change"]) == (BASE, "workers 1 → 2")
    assert (row["foretold"], row["measured"], row["error"]) == ("12", "8–16", "-25% to +50%")
    point = table(html, "The loads that were foretold")["1-02-tuned-open-8"]
    assert (point["load"], point["p95 of the slowest, foretold (ms)"], point["error"]) == ("8", "10", "+100%")
    said = text(html)
    assert "1 of 1 foretold capacities lie in the measured bracket, and none is off by more than 50%" in said
    assert "p95 of the slowest endpoint was off by 100% (median)" in said
    held = table(sections.capacity(of(experiment)), "How much each deployment holds")[OURS]
    assert held["foretold"] == "12"
    paths[1].write_text("{}")
    assert f"Not counted: {paths[1]} is no prediction." in text(sections.what_if(of(experiment)))
    assert table(sections.what_if(of(experiment)), "The loads that were foretold").keys() == {"1-02-tuned-open-8"}


def test_where_the_requests_are_follows_from_how_many_come_and_how_long_they_stay(reports):
    row = table(sections.limits(reports("full")), "Where the requests are")["as-measured, burst-50"]
    rate, latency_ms, there = (float(row[name].replace(",", "")) for name in ("λ (requests/s)", "W (ms)", "L = λW"))
    assert there == pytest.approx(rate * latency_ms / 1000, rel=0.01)
    assert float(row["queue"]) > 0.9 * there


def test_every_finding_is_in_its_table(reports):
    report = reports("full")
    for section, kind in ((sections.checklist, "checklist"), (sections.objectives, "objective")):
        shown = table(section(report), "evaluated" if kind == "checklist" else "Objectives")
        wanted = {finding.claim: finding.verdict for finding in report.findings if finding.kind == kind}
        assert column(shown, "verdict") == wanted
