"""What a model says of a probe, written down before it runs, so that it cannot be said afterwards.

The model knows a run of the plan, under a small load, of the searched deployment or of one that it is compared with;
the settings in which the two differ are what is foretold.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from analysis.capacity.predictions import Foretold, path_of
from analysis.queueing import service_demands, what_if
from analysis.queueing.what_if import Model, Unforeseen
from workbench.errors import RecordingError
from workbench.recording import Run, open_run

from . import deployments, progress, scenarios
from .profiles import Search
from .record_writer import Order, run_name


class Foretelling:
    """The predictions of an experiment, from the runs of its plan; what it has worked out once it knows.

    `unforeseen` says of what there are none, and why.
    """

    def __init__(self, directory: Path, orders: Sequence[Order]):
        self._directory, self._orders = directory, orders
        self.unforeseen: list[str] = []
        self.capacity = cache(self._capacity)
        self._model = cache(self._make_model)
        self._at = cache(lambda search, load: self._model(search).at(search.family, load))

    def note(self, search: Search, order: Order) -> None:
        """Write down what is foretold of an order, if anything is. What was written before stays as it is."""
        path = path_of(self._directory, run_name(order))
        capacity = self.capacity(search)
        if capacity is None or path.exists() or (self._directory / run_name(order)).exists():
            return
        load = float(order.scenario.removeprefix(f"{search.family}-"))
        try:
            prediction = self._at(search, load)
        except Unforeseen as error:
            self._say(f"{order.deployment} under {order.scenario} is not foretold: {error}")
            return
        foretold = Foretold(
            run=run_name(order),
            written=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            base=self._base(search).name,
            changes=self._changes(search),
            load=load,
            capacity=capacity,
            throughput_rps=prediction.throughput_rps,
            mean_ms=prediction.mean_ms,
            p95_ms=prediction.p95_ms,
        )
        path.parent.mkdir(exist_ok=True)
        half = path.with_suffix(".half")
        half.write_text(json.dumps(asdict(foretold), indent=2) + "\n")
        half.rename(path)

    def _capacity(self, search: Search) -> float | None:
        """A whole number; None, and a line that says why, where none can be foretold of a search that has a base."""
        if not search.base:
            return None
        _, highest = scenarios.FAMILIES[search.family]
        try:
            holds = self._model(search).capacity(search.family, search.most or highest, search.p95_ms)
            if holds is None:
                raise Unforeseen("by the model it holds nothing")
            return float(max(1, round(holds)))
        except (Unforeseen, RecordingError) as error:
            self._say(f"the capacity of {search.deployment}, {search.family}, is not foretold: {error}")
            return None

    def _say(self, text):
        if text not in self.unforeseen:
            self.unforeseen.append(text)
            progress.tell(text)

    def _make_model(self, search):
        settings = self._settings(search.deployment)
        hash_ms = self._hash_ms(search, settings["password_hash"])
        model = Model.of(self._base(search), settings, hash_ms=hash_ms)
        return model.lasting(search.warmup_s, search.duration_s)

    def _changes(self, search):
        own, other = self._base(search).record["deployment"]["settings"], self._settings(search.deployment)
        return {name: (own[name], other[name]) for name in what_if.FORESEEN if own[name] != other[name]}

    def _base(self, search) -> Run:
        order = next(
            order for order in self._orders if (order.deployment, order.scenario) == (search.base, search.base_scenario)
        )
        return open_run(self._directory / run_name(order))

    def _hash_ms(self, search, scheme):
        """What a hash of the scheme takes, from another run of the plan where the base has another scheme."""
        if self._settings(search.base)["password_hash"] == scheme:
            return None
        for order in self._orders:
            if self._settings(order.deployment)["password_hash"] == scheme:
                run = open_run(self._directory / run_name(order))
                held = service_demands.of(run) if run.record["valid"] else None
                if held is not None and held.hash_ms():
                    return held.hash_ms()
        return None

    def _settings(self, deployment):
        """As a run of it will record them, but for its own database."""
        return deployments.find(deployment, scale=self._orders[0].scale, login_throttle=False).public()
