"""Two arms side by side: the menus choose what the waterfall shows."""

import pytest

from lab import open_experiment
from tests.lab.shown_parts import fallback
from workbench.errors import RecordingError


def test_the_menus_choose_the_waterfall(exp):
    view = exp.arms()
    assert view.table.set_index("part")["blocks"]["latency"] == 4
    whole = view.table.set_index("part")["before_ms"]["latency"]
    view.choose(endpoint="search")
    assert view.table.set_index("part")["before_ms"]["latency"] < whole
    assert len(view._below.children) == 3
    assert fallback(view)


def test_a_deployment_that_did_not_run_is_named(builder):
    runs = [builder.run(name, "burst-50") for name in ("as-measured", "tuned")]
    runs += [builder.run(name, "reads") for name in ("as-measured", "as-measured-with-summary")]
    view = open_experiment(builder.experiment(*runs).directory).arms()
    view.choose(after="as-measured-with-summary", scenario="burst-50")
    assert view.sentences[0] == "as-measured-with-summary did not run under burst-50; choose another one."


def test_one_deployment_is_no_pair(builder):
    with pytest.raises(RecordingError, match="no two deployments"):
        open_experiment(builder.experiment(builder.run("tuned")).directory).arms()
