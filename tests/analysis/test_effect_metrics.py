"""The metrics of runs that changes are evaluated by."""

import pyarrow.parquet as pq

from analysis.metrics.effect_metrics import metrics_by_run
from tests.builders import reseal
from workbench.recording import open_experiment


def test_a_start_without_a_column_of_later_versions_costs_no_metric(builder):
    made = builder.experiment(builder.run("tuned", "single"), builder.run("as-advised-at-default", "start"))
    path = made.runs[1].directory / "requests.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["user_wait_us"]), path)
    reseal(made.runs[1].directory)
    assert list(metrics_by_run(open_experiment(made.directory))["deployment"]) == ["tuned"]
