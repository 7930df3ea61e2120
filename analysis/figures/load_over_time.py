"""The load of one run over time: its rate by outcome, and the latency of its successful responses."""

from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .axes import clock, log_ticks
from .marks import mark
from .palette import INK, OUTCOME_COLOURS, STYLE
from .panels import not_measured, stacked_panels

LOGARITHMIC_FROM = 30.0  # the ratio of the largest to the least latency from which the axis is logarithmic


FAULT_ALPHA = 0.16  # of the ground of a fault
NAME_ROOM = 1.25  # of the axis of rates, for the names of faults
MIN_BAND_SHARE = 0.006  # of the width, so that an instant is seen


@matplotlib.rc_context(STYLE)
def load_over_time(
    frame: pd.DataFrame,
    width_s: float,
    unmeasured_s: Sequence[tuple[float, float]] = (),
    faults: Sequence[tuple[str, float, float]] = (),
    since: str = "the first request",
) -> Figure:
    """Rate and latency, two panels on one time axis; the times in `unmeasured_s` (start, end) have a grey ground.

    `faults` (name, start, end in s) have a red one, with their names above the rate. `since` says from when on the axis
    counts.

    Columns: `at_s` (start of an interval of `width_s`), `successful_rps`, `failed_rps`, `median_ms` and `p95_ms` of the
    successful responses (null without one).
    """
    if frame.empty:
        return not_measured()
    figure, (rate, latency) = stacked_panels(2, 4.6, sharex=True)
    _rates(rate, frame, width_s)
    _latencies(latency, frame, width_s)
    for axes in (rate, latency):
        for start_s, end_s in unmeasured_s:
            axes.axvspan(start_s, end_s, color=INK["grid"], linewidth=0, zorder=0)
    end_s = frame["at_s"].max() + width_s
    _bands((rate, latency), faults, end_s)
    latency.set_xlim(0, end_s)
    latency.set_xlabel(f"time since {since}")
    latency.xaxis.set_major_formatter(
        clock(1000 * end_s) if end_s < 2 else matplotlib.ticker.FormatStrFormatter("%g s")
    )
    return figure


def _bands(panels: Sequence[Axes], faults: Sequence[tuple[str, float, float]], end_s: float) -> None:
    """Draw each fault over all panels, at least as wide as can be seen, with its name in the first one."""
    if faults:
        panels[0].set_ylim(0, panels[0].get_ylim()[1] * NAME_ROOM)
    for name, from_s, until_s in faults:
        until_s = min(end_s, max(until_s, from_s + MIN_BAND_SHARE * end_s))
        for axes in panels:
            band = axes.axvspan(
                from_s, until_s, color=OUTCOME_COLOURS["failed"], alpha=FAULT_ALPHA, linewidth=0, zorder=0.5
            )
            mark(band, tip=f"{name}: {from_s:.1f} s to {until_s:.1f} s")
        panels[0].annotate(name, (from_s, 1.0), (2, -2), xycoords=("data", "axes fraction"),
                            textcoords="offset points", va="top", color=OUTCOME_COLOURS["failed"])  # fmt: skip


def _rates(axes: Axes, frame: pd.DataFrame, width_s: float) -> None:
    """Draw the rates as areas, failures on top of successes."""
    edges_s = np.append(frame["at_s"], frame["at_s"].iloc[-1] + width_s)
    below = np.zeros(len(frame))
    for outcome, colour in OUTCOME_COLOURS.items():
        rates = frame[f"{outcome}_rps"].to_numpy()
        if not rates.any():
            continue
        axes.stairs(below + rates, edges_s, baseline=below, fill=True, color=colour, label=outcome, linewidth=0)
        below = below + rates
    axes.set_ylim(0, max(below.max() * 1.1, 1e-9))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.set_title("requests/s, by the time of their send")
    axes.grid(axis="y")
    axes.legend(loc="upper right", ncols=2, bbox_to_anchor=(1, 1.16), handlelength=0.9)


def _latencies(axes: Axes, frame: pd.DataFrame, width_s: float) -> None:
    """Draw median and p95 in the middle of their intervals."""
    axes.set_title("latency of successful responses")
    present = frame.dropna(subset=["median_ms"])
    if present.empty:
        axes.text(0.5, 0.5, "no successful response", transform=axes.transAxes, ha="center", color=INK["muted"])
        axes.set_yticks([])
        return
    at_s = frame["at_s"] + width_s / 2
    styles = {"p95_ms": ("p95", INK["ink"], 1.2), "median_ms": ("median", OUTCOME_COLOURS["successful"], 1.8)}
    for column, (label, colour, linewidth) in styles.items():
        axes.plot(at_s, frame[column], color=colour, linewidth=linewidth, marker=".", markersize=3, label=label)
    low_ms, high_ms = present["median_ms"].min(), present["p95_ms"].max()
    if low_ms > 0 and high_ms / low_ms >= LOGARITHMIC_FROM:
        axes.set_yscale("log")
        log_ticks(axes.yaxis)
    else:
        axes.set_ylim(0, high_ms * 1.1)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(clock(high_ms))
        axes.grid(axis="y")
    axes.legend(loc="upper right", ncols=2, bbox_to_anchor=(1, 1.16), handlelength=1.2)
