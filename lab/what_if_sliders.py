"""The sliders of a what-if panel: one for each setting that the model covers and the deployment has."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import ipywidgets

from analysis.queueing.what_if import DeploymentModel
from workbench.endpoints import CACHE_LIFETIME_SETTINGS
from workbench.recording import Run

MAX_OF = {"workers": 16, "threads": 16, "pool_size": 50}
MAX_USERS, MAX_ROUND_TRIP_MS, MAX_HASH_MS = 2_000, 20.0, 500.0
WIDTH = "360px"


class Sliders:
    """Sliders that start at the recorded settings of a run.

    `settings` has the changed settings, by the names of `python -m analysis what-if`; `users` is the load. `cached`
    are the endpoints with a cache.
    """

    def __init__(self, run: Run, model: DeploymentModel, users: int):
        settings = run.record["deployment"]["settings"]
        self.cached = [name for name in CACHE_LIFETIME_SETTINGS if name in run.record["scenario"]["shares"]]
        self._sliders = {"users": _whole("users", users, MAX_USERS)}
        for name in ("workers", *(["threads"] if settings["server"] == "gthread" else []), "pool_size"):
            self._sliders[name] = _whole(name.replace("_", " "), settings[name], max(MAX_OF[name], settings[name]))
        self._sliders["round_trip_ms"] = _real("round trip (ms)", settings["round_trip_ms"], MAX_ROUND_TRIP_MS, 0.5)
        if (hash_ms := model.demands.hash_ms()) is not None:
            self._sliders["hash_ms"] = _real("hash (ms)", round(hash_ms, 1), MAX_HASH_MS, 0.1)
        if settings["cache"] != "off" and _show_hits_and_misses(model, self.cached):
            self._sliders["hit_ratio"] = _real("cache hit ratio", _hit_ratio(run, self.cached), 1.0, 0.01)
        self._recorded = {name: slider.value for name, slider in self._sliders.items()}

    @property
    def users(self) -> int:
        """The number of users."""
        return int(self._sliders["users"].value)

    @property
    def settings(self) -> dict[str, float]:
        """The settings that were moved."""
        values = {name: slider.value for name, slider in self._sliders.items() if name != "users"}
        return {name: value for name, value in values.items() if value != self._recorded[name]}

    def move(self, **values: float) -> None:
        """Move sliders, as a hand would. Raises `KeyError` for one that the deployment lacks."""
        for name, value in values.items():
            self._sliders[name].value = value

    def on_change(self, call: Callable[[], object]) -> None:
        """Call this whenever a slider was moved."""
        for slider in self._sliders.values():
            slider.observe(lambda _: call(), names="value")

    @cached_property
    def widget(self) -> ipywidgets.Box:
        """The sliders beside each other."""
        return ipywidgets.Box(list(self._sliders.values()), layout={"flex_flow": "row wrap"})


def _whole(name: str, value: int, largest: int) -> ipywidgets.IntSlider:
    return ipywidgets.IntSlider(value, 1, largest, description=name, **_look())


def _real(name: str, value: float, largest: float, step: float) -> ipywidgets.FloatSlider:
    return ipywidgets.FloatSlider(value, min=0, max=max(largest, value), step=step, description=name, **_look())


def _look() -> Mapping[str, Any]:
    return {"continuous_update": False, "layout": {"width": WIDTH}, "style": {"description_width": "120px"}}


def _show_hits_and_misses(model: DeploymentModel, cached: list[str]) -> bool:
    """True where the demands of a hit and of a miss of each of these endpoints are known."""
    demands = [model.demands.endpoints.get(name) for name in cached]
    return bool(demands) and all(each is not None and each.hits and each.misses for each in demands)


def _hit_ratio(run: Run, cached: list[str]) -> float:
    """The measured share of the reads that a cache answered."""
    rows = run.by_endpoint.set_index("endpoint").reindex(cached)
    hits, all_reads = rows[["hit", "stale"]].to_numpy().sum(), rows["requests"].sum()
    return round(float(hits / all_reads), 2) if all_reads else 0.0
