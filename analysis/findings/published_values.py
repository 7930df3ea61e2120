"""The measured values of the published report, each compared with ours of the same setup."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from workbench import endpoints
from workbench.arms import BASELINE, BURST_25, BURST_50, SINGLE, TUNED
from workbench.recording import Experiment

from .. import queueing
from ..metrics import arm_estimates
from ..stats.confidence import Estimate
from . import published_report
from .finding import EQUIVALENT, IMPROVEMENT, INCONCLUSIVE, NOT_MEASURED, REGRESSION, Claim, Finding

KIND = "published-value"
EQUIVALENCE_MARGIN = 0.10
BURSTS = {25: BURST_25, 50: BURST_50}


@dataclass(frozen=True)
class PublishedValue:
    """One value of the published report.

    `form` formats it, and the measured ones. `estimate` measures it on a deployment under `scenario`; `predicted` is
    the value of the queueing model, where that has one.
    """

    id: str
    text: str
    value: float
    form: str
    scenario: str
    estimate: Callable[[Experiment, str, str], Estimate | None]
    lower_is_better: bool = True
    predicted: float | None = None

    def evaluate(self, experiment: Experiment) -> Finding:
        """Compare the value on as-measured with the published one; the effect is measured / published."""
        claim = Claim(experiment, KIND, self.id, self.text)
        runs = experiment.find(BASELINE, self.scenario)
        bound = float(self.value)
        measured, tuned = (self.estimate(experiment, name, self.scenario) for name in (BASELINE, TUNED))
        if measured is None:
            return claim.finding(NOT_MEASURED, f"no valid run of {self.scenario} on {BASELINE}", runs, bound=bound)
        ratio = _ratio(measured, self.value)
        return claim.finding(
            self._verdict(ratio),
            self._evidence(measured, ratio, tuned),
            runs,
            effect=ratio.value,
            interval=ratio.interval,
            level=ratio.level,
            bound=bound,
        )

    def _verdict(self, ratio: Estimate) -> str:
        """*Equivalent* if the interval lies within the margin; *improvement* or *regression* if it excludes 1."""
        if ratio.interval is None:
            return INCONCLUSIVE
        low, high = ratio.interval
        if low >= 1 / (1 + EQUIVALENCE_MARGIN) and high <= 1 + EQUIVALENCE_MARGIN:
            return EQUIVALENT
        if low <= 1 <= high:
            return INCONCLUSIVE
        return IMPROVEMENT if (ratio.value < 1) == self.lower_is_better else REGRESSION

    def _evidence(self, measured: Estimate, ratio: Estimate, tuned: Estimate | None) -> str:
        """The measured value, the prediction of the queueing model, and the value on tuned."""
        text = f"measured {self._shown(measured)}, {ratio.value:.2f} of the published value"
        if self.predicted is not None:
            error = self.predicted / measured.value - 1
            text += f"; a single queue predicts {self.form.format(self.predicted)} ({error:+.1%})"
        return text + (f"; {TUNED} {self._shown(tuned)}" if tuned else "")

    def _shown(self, estimate: Estimate) -> str:
        if estimate.interval is None:
            return f"{self.form.format(estimate.value)} (no interval)"
        return f"{self.form.format(estimate.value)} ({'–'.join(map(self.form.format, estimate.interval))})"


def findings(experiment: Experiment) -> Iterator[Finding]:
    """A finding for each measured value of the published report, in its order."""
    for value in (*_of_single_requests(), *_of_endpoints(experiment), *_of_bursts()):
        yield value.evaluate(experiment)


def _ratio(measured: Estimate, published: float) -> Estimate:
    """Measured / published; the published value counts as exact."""
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
                form="{:,.1f} ms",
                scenario=SINGLE,
                estimate=_estimate(arm_estimates.latency, row.endpoint, column),
            )


def _of_endpoints(experiment: Experiment) -> Iterator[PublishedValue]:
    """Mean latency and success ratio of each endpoint, burst by burst."""
    predicted = {users: queueing.predict_burst(experiment, users) for users in BURSTS}
    rows = published_report.rows("load")
    for row in sorted(rows, key=lambda row: (row.users, endpoints.PUBLISHED.index(row.endpoint))):
        scenario = BURSTS[row.users]
        yield PublishedValue(
            id=f"published-{scenario}-{row.endpoint}",
            text=f"{row.users} users at once: {row.endpoint}, mean {row.mean_ms:,.0f} ms",
            value=row.mean_ms,
            form="{:,.0f} ms",
            scenario=scenario,
            estimate=_estimate(arm_estimates.latency, row.endpoint),
            predicted=predicted[row.users].get(row.endpoint),
        )
        yield PublishedValue(
            id=f"published-{scenario}-{row.endpoint}-success_ratio",
            text=f"{row.users} users at once: {row.endpoint}, {row.success_ratio:.0%} successful responses",
            value=row.success_ratio,
            form="{:.1%}",
            scenario=scenario,
            estimate=_estimate(arm_estimates.success_ratio, row.endpoint),
            lower_is_better=False,
        )


def _of_bursts() -> Iterator[PublishedValue]:
    """The totals of each burst."""
    totals = (
        ("requests", "{:.0f} requests", "{:,.0f}", arm_estimates.requests, False),
        ("success_ratio", "{:.0%} successful responses", "{:.1%}", arm_estimates.success_ratio, False),
        ("duration_s", "duration {:.2f} s", "{:.2f} s", arm_estimates.duration_s, True),
        ("throughput_rps", "{:.1f} requests/s", "{:.1f} requests/s", arm_estimates.throughput_rps, False),
    )
    for row in published_report.rows("totals"):
        scenario = BURSTS[row.users]
        for column, text, form, estimate, lower_is_better in totals:
            value = getattr(row, column)
            yield PublishedValue(
                id=f"published-{scenario}-{column}",
                text=f"{row.users} users at once: {text.format(value)}",
                value=value,
                form=form,
                scenario=scenario,
                estimate=estimate,
                lower_is_better=lower_is_better,
            )


def _estimate(
    estimate: Callable[..., Estimate | None], *arguments: str
) -> Callable[[Experiment, str, str], Estimate | None]:
    """The estimate with its last arguments fixed."""

    def of_arm(experiment: Experiment, deployment: str, scenario: str) -> Estimate | None:
        return estimate(experiment, deployment, scenario, *arguments)

    return of_arm
