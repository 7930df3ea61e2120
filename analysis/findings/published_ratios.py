"""What the published report says independently of its machine: success, ratios between endpoints, growth with users.

The published report is one run. Each of its values is compared with a prediction of one more run of ours.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench import endpoints
from workbench.arms import BASELINE
from workbench.endpoints import LOGIN
from workbench.recording import Experiment, arm

from ..metrics.effect_metrics import by_block
from ..stats.hypothesis import Comparison, ComparisonTable, Effect, against_one_run, count_resolution, evaluate_family
from . import published_report
from .finding import INCONCLUSIVE, NOT_REPRODUCED, REPRODUCED, Claim, Finding

KIND = "published-ratio"
EQUIVALENCE_MARGIN = 0.10
VERDICTS = {"equivalent": REPRODUCED, "improvement": NOT_REPRODUCED, "regression": NOT_REPRODUCED}
Measured = pd.DataFrame  # a row for each block: `value`, and the number of `counts` that it is made of in one run


@dataclass(frozen=True)
class PublishedRatio:
    """One value of the published report that does not depend on its machine.

    `form` formats it, and the measured ones. `measure` returns the values of as-measured by block; empty without a run.
    No value exceeds `highest`.
    """

    id: str
    text: str
    value: float
    form: str
    scenarios: tuple[str, ...]
    measure: Callable[[Experiment], Measured]
    highest: float = math.inf

    def compare(self, measured: Measured, runs_a_block: int) -> Comparison:
        """Compare measured / published with 1; the published value is one run."""
        resolution = float(count_resolution(measured["counts"]).max())
        return against_one_run(np.log(measured["value"] / self.value), runs_a_block, resolution)

    def finding(self, experiment: Experiment, measured: Measured, effect: Effect | None) -> Finding:
        """The finding; `effect` is measured / published with its verdict, None where nothing was measured."""
        claim = Claim(experiment, KIND, self.id, self.text)
        if effect is None:
            return claim.not_run(BASELINE, *self.scenarios)
        runs = [run for scenario in self.scenarios for run in experiment.find(BASELINE, scenario)]
        text = f"measured {self.form.format(effect.ratio * self.value)}, {effect.ratio:.2f} of the published value"
        if effect.interval:
            ends = "–".join(self.form.format(min(self.value * end, self.highest)) for end in effect.interval)
            text += f"; one run of this set-up may have {ends}"
        return claim.finding(
            VERDICTS.get(effect.verdict, INCONCLUSIVE),
            text,
            runs,
            effect=effect.ratio,
            interval=effect.interval,
            level=effect.level,
            bound=float(self.value),
            n=effect.blocks,
        )


def findings(experiment: Experiment) -> Iterator[Finding]:
    """A finding for each such value; Holm's correction is over all of them."""
    values = list(published())
    measured = {value.id: value.measure(experiment) for value in values}
    comparisons = {
        value.id: value.compare(measured[value.id], _runs_a_block(experiment, value))
        for value in values
        if len(measured[value.id])
    }
    (effects,) = evaluate_family([ComparisonTable(comparisons, EQUIVALENCE_MARGIN)])
    by_id = {effect.name: effect for effect in effects}
    for value in values:
        yield value.finding(experiment, measured[value.id], by_id.get(value.id))


def published() -> Iterator[PublishedRatio]:
    """Every value of the published report that does not depend on its machine."""
    for row in published_report.rows("totals"):
        scenario = published_report.BURSTS[row.users]
        yield _share(row.users, None, row.success_ratio)
        yield PublishedRatio(
            f"published-{scenario}-requests",
            f"{row.users} users at once: {row.requests} requests",
            row.requests,
            "{:,.0f}",
            (scenario,),
            _by_run(scenario, "requests"),
        )
    rows = {(row.users, row.endpoint): row for row in published_report.rows("load")}
    for (users, endpoint), row in rows.items():
        yield _share(users, endpoint, row.success_ratio)
        if endpoint != LOGIN.name:
            yield _ratio_to_login(users, endpoint, row.mean_ms / rows[users, LOGIN.name].mean_ms)
    for endpoint in endpoints.PUBLISHED:
        yield _growth(endpoint, rows[50, endpoint].mean_ms / rows[25, endpoint].mean_ms)


def _share(users: int, endpoint: str | None, value: float) -> PublishedRatio:
    scenario = published_report.BURSTS[users]
    subject = f"{endpoint}-" if endpoint else ""
    return PublishedRatio(
        f"published-{scenario}-{subject}success_ratio",
        f"{users} users at once: {f'{endpoint}, ' if endpoint else ''}{value:.0%} successful responses",
        value,
        "{:.1%}",
        (scenario,),
        lambda experiment: _success(_rows_of(experiment, scenario, endpoint)),
        highest=1.0,
    )


def _ratio_to_login(users: int, endpoint: str, value: float) -> PublishedRatio:
    scenario = published_report.BURSTS[users]
    return PublishedRatio(
        f"published-{scenario}-{endpoint}-to-{LOGIN.name}",
        f"{users} users at once: mean latency of {endpoint} is {value:.2f} times that of {LOGIN.name}",
        value,
        "{:.2f}",
        (scenario,),
        lambda experiment: _quotient(
            _mean_ms(experiment, scenario, endpoint), _mean_ms(experiment, scenario, LOGIN.name)
        ),
    )


def _growth(endpoint: str, value: float) -> PublishedRatio:
    fewer, more = published_report.BURSTS[25], published_report.BURSTS[50]
    return PublishedRatio(
        f"published-growth-{endpoint}",
        f"{endpoint}: the mean latency of 50 users at once is {value:.2f} times that of 25",
        value,
        "{:.2f}",
        (fewer, more),
        lambda experiment: _quotient(_mean_ms(experiment, more, endpoint), _mean_ms(experiment, fewer, endpoint)),
    )


def _rows_of(experiment: Experiment, scenario: str, endpoint: str | None) -> pd.DataFrame:
    """The rows of as-measured by run, of all requests or of those to one endpoint."""
    rows = arm(experiment.by_run if endpoint is None else experiment.by_endpoint, BASELINE, scenario)
    return rows if endpoint is None else rows[rows["endpoint"] == endpoint]


def _mean_ms(experiment: Experiment, scenario: str, endpoint: str) -> pd.Series:
    return by_block(_rows_of(experiment, scenario, endpoint), BASELINE, "mean_ms")


def _quotient(numerator: pd.Series, denominator: pd.Series) -> Measured:
    return pd.DataFrame({"value": numerator / denominator, "counts": math.inf}).dropna()


def _success(rows: pd.DataFrame) -> Measured:
    """The share of successful responses; half a response in a block without any, which has no logarithm."""
    counts = rows.groupby("block")[["successful", "requests"]].mean()
    successful = counts["successful"].clip(lower=0.5)
    return pd.DataFrame({"value": successful / counts["requests"], "counts": successful})


def _by_run(scenario: str, column: str) -> Callable[[Experiment], Measured]:
    def measure(experiment: Experiment) -> Measured:
        values = by_block(arm(experiment.by_run, BASELINE, scenario), BASELINE, column)
        return pd.DataFrame({"value": values, "counts": values})

    return measure


def _runs_a_block(experiment: Experiment, value: PublishedRatio) -> int:
    """The largest number of runs that the value of a block is a mean of."""
    runs = experiment.by_run[experiment.by_run["deployment"] == BASELINE]
    return max(int(arm(runs, BASELINE, scenario).groupby("block").size().max()) for scenario in value.scenarios)
