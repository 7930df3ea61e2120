"""The first screen: the verdict in two sentences, its cause, the ladder, the cards, and everything that failed."""

import re

import pytest

from analysis.findings.evaluation import evaluate
from reports.sections import Report, advice, headline, trust, verdict
from tests.builders import Builder
from tests.faulted_runs import between, fail, faulted
from tests.reports.page_reader import page_text, report_of, table_cells
from workbench.arms import BASELINE, TUNED

ONE_WORKER = "tuned-without-workers"
SPREAD = (1.0, 1.01, 0.99, 1.005)  # of the runs of an arm, block by block


def blocks(builder: Builder, deployment: str, slower: float = 1.0, scenario: str = "burst-50") -> list:
    """A run in each of four blocks."""
    return [
        builder.run(deployment, scenario, block=block, slower=slower * spread) for block, spread in enumerate(SPREAD)
    ]


def evaluated(builder: Builder, *runs, **record) -> Report:
    experiment = builder.experiment(*runs, **record)
    return Report(experiment, evaluate(experiment))


@pytest.fixture(scope="module")
def decided(tmp_path_factory) -> Report:
    """Four blocks in which tuned, on one worker and on all of them, is faster than the published set-up."""
    builder = Builder(tmp_path_factory.mktemp("decided"))
    return evaluated(
        builder, *blocks(builder, BASELINE), *blocks(builder, TUNED), *blocks(builder, ONE_WORKER, 0.1),
        builder.run(BASELINE, "single"), builder.run(TUNED, "single"),
    )  # fmt: skip


def cards(report: Report) -> dict[str, tuple[str, str]]:
    """Label of a card: its value and its detail."""
    found = re.findall(r"<dt>(.*?)</dt><dd class=\"value\">(.*?)</dd><dd class=\"detail\">(.*?)</dd>",
                       str(verdict(report)))  # fmt: skip
    return {re.sub("<[^>]*>", "", label): tuple(re.sub("<[^>]*>", "", text) for text in texts)
            for label, *texts in found}  # fmt: skip


def test_an_improvement_has_both_durations_and_the_decision(decided):
    assert headline(decided) == (
        "50 users at once: 9.3 s on the published set-up, 0.46 s on the tuned one. Adopt the tuned set-up."
    )
    assert headline(decided) in page_text(verdict(decided))


def test_the_speedup_has_its_interval_and_its_blocks(decided):
    value, detail = cards(decided)["Speedup, 50 users at once"]
    finding = decided.finding("step-as-measured-to-tuned")
    low, high = finding.interval
    assert value == f"{finding.effect:.1f}×" == "20.0×"
    assert detail == f"95 %: {low:.1f}–{high:.1f}, 4 blocks"


def test_the_cause_is_the_larger_of_the_two_steps(decided, builder):
    """On one worker tuned takes a tenth of 9.25 s, and on all of them half of that."""
    assert "Most of the gain is less work for each user (185 → 9 ms); the rest is a worker for each core." in page_text(
        verdict(decided)
    )
    slow = evaluated(builder, *blocks(builder, BASELINE), *blocks(builder, TUNED), *blocks(builder, ONE_WORKER, 0.9),
                     builder.run(BASELINE, "single"), builder.run(TUNED, "single"))  # fmt: skip
    assert "Most of the gain is a worker for each core; the rest is less work for each user (185 → 9 ms)." in page_text(
        verdict(slow)
    )


def test_the_largest_single_change_is_named_with_its_factor(decided, builder):
    assert (
        "The largest single change is the number of workers: with that alone undone the burst takes 2 times as long."
        in (page_text(verdict(decided)))
    )
    runs = [*blocks(builder, BASELINE), *blocks(builder, TUNED), *blocks(builder, ONE_WORKER, 0.1)]
    runs += [*blocks(builder, "tuned-without-argon2", 0.3), builder.run(BASELINE, "single")]
    assert (
        "The largest single change is the password hash: with that alone undone the burst takes 6 times as long."
        in page_text(verdict(evaluated(builder, *runs)))
    )


def test_without_the_step_in_between_there_is_no_cause(builder):
    text = page_text(verdict(evaluated(builder, *blocks(builder, BASELINE), *blocks(builder, TUNED))))
    assert "Most of the gain" not in text
    assert "less work for each user" not in text


def test_the_ladder_has_a_rung_for_each_measured_set_up(decided, builder):
    def rungs(report):
        texts = re.findall(r"<text\b[^>]*>([^<]*)</text>", str(verdict(report)))
        return [text for text in texts if text.startswith(("published", "tuned")) and "," not in text.partition(",")[2]]

    assert set(rungs(decided)) == {
        "published, on its own machine", "published set-up, run here", "tuned on one worker",
        "tuned",
    }  # fmt: skip
    assert "÷ 10" in str(verdict(decided))
    one = evaluated(builder, builder.run())
    assert set(rungs(one)) == {"published, on its own machine", "published set-up, run here"}


def test_one_block_decides_nothing_and_has_no_interval(builder):
    report = evaluated(builder, builder.run(), builder.run(TUNED))
    assert headline(report).endswith("Too few blocks decide whether the tuned set-up is faster.")
    assert cards(report)["Speedup, 50 users at once"] == ("20.0×", "no interval: 1 block")


def test_a_regression_is_no_reason_to_adopt_the_tuned_set_up(builder):
    report = evaluated(builder, *blocks(builder, BASELINE), *blocks(builder, TUNED, 40))
    assert headline(report) == (
        "50 users at once: 9.3 s on the published set-up, 19 s on the tuned one. The tuned set-up is slower: do not "
        "adopt it."
    )


def test_advice_that_is_not_to_be_followed_is_in_the_headline(builder):
    runs = [*blocks(builder, BASELINE), *blocks(builder, TUNED), *blocks(builder, "as-advised")]
    assert headline(evaluated(builder, *runs)).endswith(
        "Adopt the tuned set-up; do not follow the advice of 8 gevent workers."
    )


@pytest.mark.parametrize(
    ("experiment", "missing"),
    [
        ("without tuned", "the tuned set-up"),
        ("without as-measured", "the published set-up"),
        ("empty", "either set-up"),
    ],
)
def test_without_both_deployments_there_is_no_verdict(reports, experiment, missing):
    assert headline(reports(experiment)) == f"This experiment has no valid run of 50 users at once on {missing}."


def test_a_primary_metric_that_is_not_known_is_named_above_everything_else(builder):
    declared = [{"metric": "p42_ms", "scenario": "burst-50", "deployments": [TUNED]}]
    text = page_text(verdict(evaluated(builder, builder.run(TUNED), primary_metrics=declared)))
    warning = "The declared primary metric p42_ms is not known here, so it has no verdict."
    assert text.index(warning) < text.index("Speedup, 50 users at once")


def test_a_promise_holds_or_not_and_is_not_advice_to_follow(builder):
    run = faulted(builder, "bags-locked", "as-measured")
    fail(between(run, 8, 9), "timeout")
    report = evaluated(builder, run)
    row = table_cells(advice(report), "The published advice")["High availability requirements"]
    assert row["verdict"] == "does not hold"
    assert row["measured"].startswith("the published set-up does not meet this requirement, because it does not fail")
    text = page_text(advice(report))
    assert "0 not to follow, 0 to follow" in text
    assert "Promises that do not hold: 1." in text


def test_nothing_is_advised_where_every_request_failed(reports):
    report = reports("nothing but failures")
    assert headline(report) == (
        "100.0% of the responses of the tuned set-up to 50 users at once are failures, so its speed is no improvement."
    )
    assert cards(report)["Speedup, 50 users at once"][0] == "not measured"
    text = page_text(advice(report))
    assert "The runs support no set-up for any environment." in text
    assert "0 not to follow, 0 to follow" in text
    assert "export TRACETRACK" not in text
    assert "from its cache" not in page_text(trust(report))
    objectives = {each.id: each.verdict for each in report.of_kind("objective")}
    assert "pass" not in objectives.values()


def test_failures_of_tuned_undo_the_verdict(builder):
    run = builder.run(TUNED)
    for row in run.rows[:3]:
        row["ok"] = False
    report = evaluated(builder, builder.run(), run)
    assert headline(report) == (
        "2.0% of the responses of the tuned set-up to 50 users at once are failures, so its speed is no improvement."
    )
    assert cards(report)["Successful responses, tuned"][0] == "147 of 150"


def test_the_cards_count_claims_and_objectives(reports):
    report = reports("full")
    found = cards(report)
    by_kind = {"Published claims that hold": ("checklist", "published-setup"), "Objectives met": ("objective",)}
    for label, kinds in by_kind.items():
        verdicts = [finding.verdict for finding in report.of_kind(*kinds)]
        assert found[label] == (
            f"{verdicts.count('pass')} of {len(verdicts)}",
            ", ".join(
                f"{verdicts.count(name)} {name}"
                for name in ("fail", "not measured")
                if name == "fail" or name in verdicts
            ),
        )
    assert found["Published claims that hold"] == ("15 of 24", "4 fail, 5 not measured")


def test_the_card_counts_objectives_that_are_short_of_their_aim(builder):
    """On one core the burst takes 1.71 times its CPU lower bound: within 2.5, and short of 1.5."""
    report = evaluated(builder, builder.run(TUNED, "single"), builder.run(TUNED, slower=1.2))
    assert cards(report)["Objectives met"][1].endswith(", 1 short of the aim")


def test_everything_that_failed_is_named_on_the_first_screen(reports):
    report = reports("full")
    text = page_text(verdict(report))
    failed = [each for each in report.of_kind("checklist", "published-setup", "objective") if each.verdict == "fail"]
    assert len(failed) == 4
    assert [each.claim for each in failed if each.claim not in text] == []


@pytest.mark.parametrize("scale", ["small", "production"])
@pytest.mark.parametrize("runs", [(BASELINE,), (BASELINE, TUNED)])
def test_a_small_scale_is_not_to_be_quoted(builder, scale, runs):
    report = report_of(builder.experiment(*(builder.run(name) for name in runs), scale=scale))
    assert ("not to be quoted" in page_text(verdict(report))) == (scale == "small")


def test_dropped_arrivals_stand_above_the_cause(builder):
    probe = builder.run(TUNED, "open-20")
    probe.record["generator"]["dropped"] = {"warmup": 2, "measure": 7}
    experiment = builder.experiment(builder.run(), builder.run(TUNED), probe)
    text = page_text(verdict(report_of(experiment)))
    warning = "Dropped arrivals of open load: 9. They count as slower than every latency."
    assert text.index(warning) < text.index("Speedup, 50 users at once")
    plain = builder.experiment(builder.run(), builder.run(TUNED), name="plain")
    assert "dropped" not in page_text(verdict(report_of(plain)))


def test_the_first_line_has_date_profile_machine_and_valid_runs(builder):
    runs = [builder.run(), builder.run(TUNED).invalid()]
    runs[0].record["started"] = "2026-03-04T23:00:00.000Z"
    runs[1].record["started"] = "2026-03-05T00:10:00.000Z"
    assert "04 Mar 2026 · profile quick · 1 core · 1 of 2 runs valid" in page_text(
        verdict(report_of(builder.experiment(*runs)))
    )
