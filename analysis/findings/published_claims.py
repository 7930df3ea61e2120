"""The figures that the published report states, each held against the measured one of the same set-up."""

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.recording import Experiment, Run

from .. import queueing
from ..metrics import arm_estimates, published_report
from ..metrics.arm_metrics import ENDPOINTS
from ..stats.confidence import Estimate
from .evidence import BASE, OURS

BAND = 0.10  # within it a published figure counts as reproduced


@dataclass(frozen=True)
class Claim:
    """One published figure: `measured` is ours of the same set-up, `tuned` that of ours, `predicted` the queue's."""

    id: str
    text: str
    stated: float
    form: str
    scenario: str
    lower_is_better: bool
    measured: Estimate | None
    tuned: Estimate | None
    predicted: float | None = None

    @property
    def ratio(self) -> Estimate | None:
        """Ours over the published figure."""
        if self.measured is None:
            return None
        ends = [end / self.stated for end in self.measured.interval] if self.measured.interval else [None, None]
        return Estimate(self.measured.value / self.stated, self.measured.blocks, *ends)

    @property
    def verdict(self) -> str:
        """*same* where the interval of the ratio lies within the band; *gain* or *loss* where 1 is outside of it."""
        ratio = self.ratio
        if ratio is None:
            return "not measured"
        if ratio.interval is None:
            return "undecided"
        if ratio.low >= 1 / (1 + BAND) and ratio.high <= 1 + BAND:
            return "same"
        if ratio.low <= 1 <= ratio.high:
            return "undecided"
        return "gain" if (ratio.value < 1) == self.lower_is_better else "loss"

    @property
    def evidence(self) -> str:
        """The measured figure beside the published one, what the queue predicts, and what ours takes."""
        if self.measured is None:
            return f"no valid run of {self.scenario} on {BASE}"
        text = f"measured {self._shown(self.measured)}, {self.ratio.value:.2f} of it"
        if self.predicted is not None:
            error = self.predicted / self.measured.value - 1
            text += f"; one queue predicts {self.form.format(self.predicted)} ({error:+.1%})"
        return text + (f"; {OURS} {self._shown(self.tuned)}" if self.tuned else "")

    def runs(self, experiment: Experiment) -> tuple[Run, ...]:
        return tuple(experiment.find(BASE, self.scenario))

    def _shown(self, estimate):
        if estimate.interval is None:
            return f"{self.form.format(estimate.value)} (no interval)"
        return f"{self.form.format(estimate.value)} ({'–'.join(map(self.form.format, estimate.interval))})"


def claims(experiment: Experiment) -> list[Claim]:
    """Every measured figure of the published report, in its order."""
    return [*_individual(experiment), *_loads(experiment), *_totals(experiment)]


def _individual(experiment) -> Iterator[Claim]:
    for row in published_report.load("individual").itertuples():
        for figure in ("mean_ms", "median_ms", "min_ms", "max_ms"):
            yield _claim(
                experiment,
                "single",
                (arm_estimates.latency, row.endpoint, figure),
                id=f"published-single-{row.endpoint}-{figure}",
                text=f"{row.endpoint} alone: {figure.removesuffix('_ms')} {getattr(row, figure):,.0f} ms",
                stated=getattr(row, figure),
                form="{:,.1f} ms",
            )


def _loads(experiment) -> Iterator[Claim]:
    predicted = {users: queueing.predict_burst(experiment, users) for users in (25, 50)}
    rows = published_report.load("load").itertuples()
    for row in sorted(rows, key=lambda row: (row.users, ENDPOINTS.index(row.endpoint))):
        scenario = f"burst-{row.users}"
        yield _claim(
            experiment,
            scenario,
            (arm_estimates.latency, row.endpoint),
            id=f"published-{scenario}-{row.endpoint}",
            text=f"{row.users} users at once: {row.endpoint}, mean {row.mean_ms:,.0f} ms",
            stated=row.mean_ms,
            form="{:,.0f} ms",
            predicted=predicted[row.users].get(row.endpoint),
        )
        yield _claim(
            experiment,
            scenario,
            (arm_estimates.success_ratio, row.endpoint),
            id=f"published-{scenario}-{row.endpoint}-success_ratio",
            text=f"{row.users} users at once: {row.endpoint}, right answers {row.success_ratio:.0%}",
            stated=row.success_ratio,
            form="{:.1%}",
            lower_is_better=False,
        )


def _totals(experiment) -> Iterator[Claim]:
    figures = (
        ("requests", "{:.0f} requests", "{:,.0f}", arm_estimates.requests, False),
        ("success_ratio", "right answers {:.0%}", "{:.1%}", arm_estimates.success_ratio, False),
        ("duration_s", "duration {:.2f} s", "{:.2f} s", arm_estimates.duration_s, True),
        ("throughput_rps", "{:.1f} requests/s", "{:.1f} requests/s", arm_estimates.throughput_rps, False),
    )
    for row in published_report.load("totals").itertuples():
        scenario = f"burst-{row.users}"
        for column, text, form, estimate, lower_is_better in figures:
            stated = getattr(row, column)
            yield _claim(
                experiment,
                scenario,
                (estimate,),
                id=f"published-{scenario}-{column}",
                text=f"{row.users} users at once: {text.format(stated)}",
                stated=stated,
                form=form,
                lower_is_better=lower_is_better,
            )


def _claim(experiment, scenario, figure, *, lower_is_better=True, **stated) -> Claim:
    """`figure` is an estimate, and what it is of beside the deployment and the scenario."""
    estimate, *of = figure
    base, ours = (estimate(experiment, deployment, scenario, *of) for deployment in (BASE, OURS))
    return Claim(scenario=scenario, lower_is_better=lower_is_better, measured=base, tuned=ours, **stated)
