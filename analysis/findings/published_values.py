"""The measured values of the published report that depend on its machine, each beside ours of the same setup.

Ratios, growth and success, which depend less on a machine, are in `published_ratios`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from workbench import endpoints
from workbench.arms import BASELINE, SINGLE, TUNED
from workbench.display import seconds_text
from workbench.recording import Experiment, Run

from .. import queueing
from ..metrics import arm_estimates
from ..stats.confidence import Estimate, one_more_run
from . import published_report
from .finding import NOT_MEASURED, Claim, Finding
from .published_report import BURSTS

KIND = "published-value"


@dataclass(frozen=True)
class PublishedValue:
    """One value of the published report.

    `shown` formats the measured ones. `estimate` measures it on a deployment under `scenario`; `predicted` is
    the value of the queueing model, where that has one.
    """

    id: str
    text: str
    value: float
    shown: Callable[[float], str]
    scenario: str
    estimate: Callable[[Experiment, str, str], Estimate | None]
    predicted: float | None = None

    def evaluate(self, experiment: Experiment) -> Finding:
        """Report the value on as-measured beside the published one; the effect is measured / published.

        It was measured on another machine, so there is no test. The interval says where one more run of ours would lie.
        """
        claim = Claim(experiment, KIND, self.id, self.text)
        runs = experiment.find(BASELINE, self.scenario)
        bound = float(self.value)
        measured, tuned = (self.estimate(experiment, name, self.scenario) for name in (BASELINE, TUNED))
        if measured is None:
            return claim.finding(NOT_MEASURED, f"no valid run of {self.scenario} on {BASELINE}", runs, bound=bound)
        ratio = _ratio(one_more_run(measured, _runs_a_block(runs)), self.value)
        return claim.reported(
            self._evidence(measured, tuned),
            runs,
            effect=ratio.value,
            interval=ratio.interval,
            level=ratio.level,
            bound=bound,
        )

    def _evidence(self, measured: Estimate, tuned: Estimate | None) -> str:
        """The measured value, the prediction of the queueing model, and the value on tuned."""
        text = f"measured {self._with_interval(measured)}"
        if self.predicted is not None:
            error = self.predicted / measured.value - 1
            text += f"; a single queue predicts {self.shown(self.predicted)} ({error:+.1%})"
        return text + (f"; {TUNED} {self._with_interval(tuned)}" if tuned else "")

    def _with_interval(self, estimate: Estimate) -> str:
        if estimate.interval is None:
            return f"{self.shown(estimate.value)} (no interval)"
        return f"{self.shown(estimate.value)} ({'–'.join(map(self.shown, estimate.interval))})"


def findings(experiment: Experiment) -> Iterator[Finding]:
    """A finding for each measured value of the published report, in its order."""
    for value in (*_of_single_requests(), *_of_endpoints(experiment), *_of_bursts()):
        yield value.evaluate(experiment)


def _runs_a_block(runs: Sequence[Run]) -> int:
    """The largest number of runs in one block."""
    return max(Counter(run.block for run in runs).values(), default=1)


def _ratio(measured: Estimate, published: float) -> Estimate:
    """Measured / published."""
    low, high = (end / published for end in measured.interval) if measured.interval else (None, None)
    return Estimate(measured.value / published, measured.blocks, low, high, measured.level)


def _of_single_requests() -> Iterator[PublishedValue]:
    for row in published_report.rows("individual"):
        for column in ("mean_ms", "median_ms", "min_ms", "max_ms"):
            value = getattr(row, column)
            yield PublishedValue(
                id=f"published-single-{row.endpoint}-{column}",
                text=f"{row.endpoint}, single requests: {column.removesuffix('_ms')} {value:,.0f} ms",
                value=value,
                shown="{:,.1f} ms".format,
                scenario=SINGLE,
                estimate=_estimate(arm_estimates.latency, row.endpoint, column),
            )


def _of_endpoints(experiment: Experiment) -> Iterator[PublishedValue]:
    """Mean latency of each endpoint, burst by burst."""
    predicted = {users: queueing.predict_burst(experiment, users) for users in BURSTS}
    rows = published_report.rows("load")
    for row in sorted(rows, key=lambda row: (row.users, endpoints.PUBLISHED.index(row.endpoint))):
        scenario = BURSTS[row.users]
        yield PublishedValue(
            id=f"published-{scenario}-{row.endpoint}",
            text=f"{row.users} users at once: {row.endpoint}, mean {row.mean_ms:,.0f} ms",
            value=row.mean_ms,
            shown="{:,.0f} ms".format,
            scenario=scenario,
            estimate=_estimate(arm_estimates.latency, row.endpoint),
            predicted=predicted[row.users].get(row.endpoint),
        )


def _of_bursts() -> Iterator[PublishedValue]:
    """The totals of each burst."""
    totals = (
        ("duration_s", "duration {:.2f} s", seconds_text, arm_estimates.duration_s),
        ("throughput_rps", "{:.1f} requests/s", "{:.1f} requests/s".format, arm_estimates.throughput_rps),
    )
    for row in published_report.rows("totals"):
        scenario = BURSTS[row.users]
        for column, text, shown, estimate in totals:
            value = getattr(row, column)
            yield PublishedValue(
                id=f"published-{scenario}-{column}",
                text=f"{row.users} users at once: {text.format(value)}",
                value=value,
                shown=shown,
                scenario=scenario,
                estimate=estimate,
            )


def _estimate(
    estimate: Callable[..., Estimate | None], *arguments: str
) -> Callable[[Experiment, str, str], Estimate | None]:
    """The estimate with its last arguments fixed."""

    def of_arm(experiment: Experiment, deployment: str, scenario: str) -> Estimate | None:
        return estimate(experiment, deployment, scenario, *arguments)

    return of_arm
