"""Plans of two deployments in the lab: marked differences, numbers, and experiments without plans."""

import pytest

from lab import open_experiment
from tests.lab.shown_parts import fallback, parts
from tests.recorded_plans import AGGREGATED, MEASURED, SEARCH, compared_plans
from workbench.errors import RecordingError


@pytest.fixture
def exp(builder):
    return open_experiment(compared_plans(builder).directory)


def test_plans_stand_beside_each_other_with_their_calls_and_shares(exp):
    shown = exp.plans("as-measured", "as-measured-with-trigram")
    assert shown.sentences[0].endswith("1 with another plan, 1 on one side only.")
    assert "Bitmap Index Scan using bag_name_trigram" in shown.sentences[1]
    search = shown.table[shown.table["statement"] == SEARCH]
    assert list(search["side"]) == ["as-measured", "as-measured-with-trigram"]
    assert list(search["kind"]) == ["executed", "executed"]
    assert (search["of_requests"] > 0).all()
    assert "≠" in search["plan"].iloc[0]
    assert search["plan"].iloc[0].startswith(f"with word = {MEASURED[0]['values']['word']}, pattern = ")
    assert set(shown.table["statement"]) == {SEARCH, AGGREGATED}


def test_a_notebook_shows_both_plans_of_a_statement_in_a_fold(exp):
    shown = exp.plans("as-measured", "as-measured-with-trigram")
    folds = parts(shown)[-1]
    assert [len(fold.children) for fold in folds.children] == [2, 1]
    assert "Bitmap Heap Scan on bag" in fallback(shown)
    assert "as-measured-with-trigram, executed:" in repr(shown)


def test_a_deployment_that_did_not_run_is_named(exp):
    with pytest.raises(RecordingError, match="no deployment 'tuned'"):
        exp.plans("as-measured", "tuned")


def test_an_experiment_without_plans_says_so(builder):
    runs = [builder.run("as-measured"), builder.run("tuned")]
    shown = open_experiment(builder.experiment(*runs).directory).plans()
    assert shown.sentences == ("No plan was recorded of a large statement of as-measured or tuned.",)
    assert fallback(shown)
