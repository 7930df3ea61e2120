"""What came of an experiment with arms of an engineer's own: verdicts, effects, percentiles, and waterfalls."""

from collections.abc import Sequence
from functools import cached_property

import ipywidgets
import pandas as pd

from analysis import arm_wording
from analysis.conclusions import conclusions
from analysis.findings.finding import REPORTED, Finding
from analysis.regressions import KIND
from workbench.declared_arms import declared
from workbench.recording import Experiment

from . import plot_style
from .arms_view import percentile_curves
from .effects_plot import COLUMNS, effect_rows, effect_tables, forest
from .lab_change import LabChange
from .shown import Shown, View, paragraphs
from .sustained_view import sustained

TITLE = "ratio to {baseline}; the band counts as equivalent"
HOW_TO_READ = "A ratio below 1 is less than {baseline}. Only metrics declared before the measurement have a verdict."


class AbView(View):
    """The arms of an experiment under one scenario; the first one is the baseline.

        view = %ab --load burst-50 base=deployment:as-measured head=deployment:tuned
        view.effects      # each metric with its interval
        view.why          # the waterfall of each other arm
        view.percentiles
        view.sustained    # each arm against the bound, where one was given

    `recorded` is the experiment as the analysis reads it.
    """

    def __init__(self, recorded: Experiment, scenario: str, bound_ms: float | None = None):
        self.recorded, self._scenario, self._bound_ms = recorded, scenario, bound_ms
        self._arms = declared(recorded.record)

    @property
    def _names(self) -> list[str]:
        """The arms with valid runs, the baseline first."""
        return [arm.name for arm in self._arms if self.recorded.find(arm.name, self._scenario)]

    @cached_property
    def _findings(self) -> Sequence[Finding]:
        findings = conclusions(self.recorded) if len(self._arms) > 1 else []
        return [finding for finding in findings if finding.kind == KIND]

    @cached_property
    def sentences(self) -> list[str]:
        """The verdict, then that of each declared metric, and of each arm against the bound."""
        lines = (f"{each.verdict.capitalize()}: {each.claim}: {each.evidence}." for each in self._findings)
        bounds = (shown.sentences[0] for shown in self.sustained)
        return [arm_wording.verdict_sentence(self._arms, self._findings), *lines, *bounds]

    @cached_property
    def sustained(self) -> list[Shown]:
        """Each arm against the bound on p95 of every endpoint; none without a bound."""
        if self._bound_ms is None:
            return []
        return [sustained(self.recorded, arm.name, self._scenario, self._bound_ms) for arm in self._arms]

    @cached_property
    def effects(self) -> Shown:
        """Each metric of each other arm over that of the baseline; only declared ones have a verdict."""
        tables = effect_tables(self.recorded, self._scenario) if len(self._names) > 1 else []
        tables = sorted(tables, key=lambda each: all(effect.verdict == REPORTED for effect in each.effects))
        listed = [{"metric": each.metric.name, **row} for each in tables for row in effect_rows(each)]
        rows = pd.DataFrame(listed, columns=["metric", *COLUMNS])
        if rows.empty:
            return Shown(["No metric has values of two arms."], rows)
        labels = rows["metric"] + ", " + rows["change"]
        narrowest = min((each.metric for each in tables), key=lambda metric: metric.equivalence_margin)
        baseline = self._arms[0].name
        sentences = [f"Effects under {self._scenario}", HOW_TO_READ.format(baseline=baseline)]
        return Shown(sentences, rows, forest(rows, labels, narrowest, TITLE.format(baseline=baseline)))

    @property
    def table(self) -> pd.DataFrame:
        """The effects."""
        return self.effects.table

    @cached_property
    def why(self) -> list[Shown]:
        """The waterfall from the baseline to each other arm, or why there is none."""
        baseline = self._arms[0].name
        others = [name for name in self._names if name != baseline] if baseline in self._names else []
        return [LabChange(self.recorded, baseline, other, self._scenario).why() for other in others]

    @cached_property
    def percentiles(self) -> Shown:
        """The latency of all arms over the quantile."""
        if not self._names:
            return Shown(["No arm has a valid run."], pd.DataFrame())
        return percentile_curves(self.recorded, self._names, self._scenario)

    @property
    def _parts(self) -> list[Shown]:
        return [self.effects, *self.why, self.percentiles, *self.sustained]

    @property
    def widget(self) -> ipywidgets.VBox:
        """A new widget with all parts below each other."""
        return plot_style.styled([ipywidgets.HTML(paragraphs(self.sentences)), *(part.widget for part in self._parts)])

    def __repr__(self) -> str:
        return "\n\n".join(["\n".join(self.sentences), *map(repr, self._parts)])
