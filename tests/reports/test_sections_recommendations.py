"""The recommended configuration beside the deployments that were run."""

from reports.sections import recommendations
from tests.reports.page_reader import table_cells
from workbench.arms import BASELINE, LABELS


def test_the_recommendation_shows_memory_and_durations(reports):
    rows = table_cells(recommendations.recommendations(reports("full")), "The configuration recommended for Replit")
    assert rows["peak memory of the server (MiB, PSS)"][LABELS[BASELINE]] == "64"
    burst = rows["50 users at once (s)"]
    assert (burst["published"], burst[LABELS[BASELINE]]) == ("24.91", "9.3")
