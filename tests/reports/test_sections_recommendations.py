"""The published recommendations beside the deployments that were run."""

import pytest

from reports.sections import recommendations
from tests.reports.page_reader import report_of, table_cells, table_rows
from workbench.arms import BASELINE


def test_the_recommendation_shows_memory_and_durations(reports):
    rows = table_cells(recommendations.recommendations(reports("full")), "The configuration recommended for Replit")
    assert rows["peak memory of the server (MiB, PSS)"]["reproduced"] == "64"
    assert (rows["50 users at once (s)"]["published"], rows["50 users at once (s)"]["reproduced"]) == ("24.91", "9.25")


@pytest.mark.parametrize("ran", [(BASELINE,), ("as-advised",), (BASELINE, "as-advised")])
def test_a_recommended_configuration_is_named_where_it_has_a_valid_run(builder, ran):
    runs = [builder.run(name) if name in ran else builder.run(name).invalid() for name in (BASELINE, "as-advised")]
    html = recommendations.recommendations(report_of(builder.experiment(*runs)))
    rows = table_rows(html, "Published recommendations")[1:]
    measured = {subject: where for _, subject, _, where in rows}
    assert measured == {
        "current configuration": BASELINE if BASELINE in ran else "–",
        "recommended configuration": "as-advised" if "as-advised" in ran else "–",
        "suitable for": "–",
    }
