"""The published benefit of sessions outside of the database: its verdict from the time that they cost in it."""

import pytest

from analysis.findings import session_storage
from workbench.arms import TUNED

SPREAD = (1.0, 1.01, 0.99, 1.005)
FILES, STORE, DATABASE = "tuned-without-shared-sessions", TUNED, "tuned-with-database-sessions"
PUBLISHED = "session-storage-filesystem-as-measured-database_ms"
OF_FILES, OF_STORE = (f"session-storage-{each}-database_ms" for each in (f"filesystem-{FILES}", f"shared-{STORE}"))


@pytest.fixture
def evaluate_storage(builder):
    """The findings of runs of these arms, (deployment, scenario, factor of its database time), by id."""

    def evaluate(*arms, blocks=4):
        runs = []
        for deployment, scenario, factor in arms:
            for block, spread in enumerate(SPREAD[:blocks]):
                run = builder.run(deployment, scenario, block=block)
                for row in run.rows:
                    row["db_us"] = round(2000 * factor * spread)
                runs.append(run)
        return {finding.id: finding for finding in session_storage.findings(builder.experiment(*runs))}

    return evaluate


def published(factor):
    return [("as-measured", "reads", 1.0), ("as-measured-with-database-sessions", "reads", factor)]


@pytest.mark.parametrize(
    ("factor", "verdict", "evidence"),
    [
        (1.5, "pass", "of the database time"),
        (0.8, "fail", "without them no database time is saved"),
        (1.0, "fail", "without them the database time is equivalent"),
    ],
)
def test_the_published_sentence_follows_from_the_time_of_the_database(evaluate_storage, factor, verdict, evidence):
    finding = evaluate_storage(*published(factor))[PUBLISHED]
    assert (finding.verdict, finding.n) == (verdict, 4)
    assert "reduces database load vs storing sessions in DB" in finding.claim
    assert evidence in finding.evidence
    assert "statements × " in finding.evidence


def test_the_saving_has_an_interval_around_the_true_one(evaluate_storage):
    finding = evaluate_storage(*published(1.25))[PUBLISHED]
    low, high = finding.interval
    assert low < 1.25 < high
    assert f"without them {1 - 1 / low:.0%}–{1 - 1 / high:.0%} of the database time is saved" in finding.evidence


def test_files_and_store_are_each_compared_with_the_database_under_users_with_think_time(evaluate_storage):
    arms = [(FILES, "sustained-100", 1.0), (STORE, "sustained-100", 0.5), (DATABASE, "sustained-100", 2.0)]
    found = evaluate_storage(*arms)
    assert found[OF_FILES].effect == pytest.approx(2.0, rel=0.01)
    assert found[OF_STORE].effect == pytest.approx(4.0, rel=0.01)
    assert found[PUBLISHED].verdict == "not measured"
    assert "no valid run of reads" in found[PUBLISHED].evidence


def test_fewer_than_four_blocks_decide_nothing(evaluate_storage):
    finding = evaluate_storage(*published(1.5), blocks=2)[PUBLISHED]
    assert finding.verdict == "not measured"
    assert "fewer than four blocks" in finding.evidence


def test_without_the_comparison_only_the_published_sentence_is_not_measured(builder):
    (finding,) = session_storage.findings(builder.experiment(builder.run()))
    assert (finding.id, finding.verdict) == (PUBLISHED, "not measured")
