"""The figures of the page's own story, wide and for a phone: ladder, forest, dumbbell, waterfall, curve of users."""

import io
import math
import warnings
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from analysis.figures import marks, palette, panels
from analysis.figures.dumbbell import Pair, dumbbell
from analysis.figures.forest import ForestRow, forest
from analysis.figures.goodput_curve import goodput_curve
from analysis.figures.ladder import Rung, ladder
from analysis.figures.users_curve import users_curve
from analysis.figures.waterfall_chart import waterfall
from analysis.waterfall import LATENCY, PartChange
from workbench.aggregates import SPLIT
from workbench.arms import LABELS

NAN = math.nan
RUNGS = [
    Rung("published", "published", 24.9, None, "another machine", "÷ 4.0"),
    Rung("published set-up", "as-measured", 6.3, (6.1, 6.5), "less work", "÷ 11"),
    Rung("tuned on one worker", "tuned", 0.57, None, "more workers", "÷ 1.6"),
    Rung("tuned", "tuned", 0.36, (0.34, 0.38)),
]
ROWS = [
    ForestRow("Duration"),
    ForestRow("password hash", 0.16, 0.14, 0.19, "improvement", "0.16 (0.14–0.19), improvement"),
    ForestRow("cache", 0.77, NAN, NAN, "reported", "0.77, 1 block"),
    ForestRow("index", 1.0, 0.99, 1.01, "equivalent", "1.00 (0.99–1.01), equivalent"),
    ForestRow("A/A", 1.02, 0.9, 1.15, "reported", "1.02 (0.90–1.15)"),
]
PAIRS = [Pair("login", 5100.0, 1900.0, (1700.0, 2100.0)), Pair("search", 112.0, 3.6, None)]
POINTS = pd.DataFrame(
    [
        *(("as-measured", users, 60.0 + users, "predicted") for users in (1, 10, 100)),
        *(("tuned", users, 4.0 + users / 100, "predicted") for users in (1, 10, 100)),
        ("tuned", 100, 5.5, "measured"),
    ],
    columns=["series", "users", "mean_ms", "kind"],
)

GOODPUT = pd.DataFrame(
    [*(("tuned", times * 100.0, min(times * 100.0, 140.0)) for times in (1, 2, 5, 10)), ("as-measured", 40.0, 40.0),
     ("as-measured", 400.0, 0.0)],
    columns=["series", "offered_rps", "goodput_rps"],
)  # fmt: skip


def changes(low=True):
    parts = {part: PartChange(part, 10.0 * (i + 1), 5.0, 5.0 - 10 * (i + 1), -12.0 if low else NAN,
                              3.0 if low else NAN, 4) for i, part in enumerate(SPLIT)}  # fmt: skip
    before, after = (sum(getattr(part, name) for part in parts.values()) for name in ("before_ms", "after_ms"))
    return parts | {LATENCY: PartChange(LATENCY, before, after, after - before, NAN, NAN, 4)}


EVERY = {
    "ladder": lambda: ladder(RUNGS),
    "forest": lambda: forest(ROWS, 0.1),
    "dumbbell": lambda: dumbbell(PAIRS, "as-measured"),
    "waterfall": lambda: waterfall(changes(), "as-measured", "tuned"),
    "users": lambda: users_curve(POINTS, 100),
    "goodput": lambda: goodput_curve(GOODPUT, LABELS),
}
EMPTY = {
    "ladder": lambda: ladder([]),
    "forest": lambda: forest([], 0.1),
    "forest of headings": lambda: forest([ForestRow("Duration")], 0.1),
    "dumbbell": lambda: dumbbell([], "as-measured"),
    "waterfall": lambda: waterfall({}, "as-measured", "tuned"),
    "users": lambda: users_curve(POINTS.iloc[:0], 100),
    "goodput": lambda: goodput_curve(GOODPUT.iloc[:0], LABELS),
}


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def draw(make) -> Figure:
    """The figure, laid out; a layout that fails is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = make()
        figure.savefig(io.BytesIO(), format="svg")
    return figure


def tips(figure: Figure) -> list[marks.Mark]:
    found = [marks.read(artist.get_gid() or "") for artist in figure.findobj(lambda artist: bool(artist.get_gid()))]
    return [each for each in found if each]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("is_narrow", [False, True])
def test_no_text_reaches_beyond_the_figure(name, is_narrow):
    if is_narrow:
        with panels.narrow():
            figure = draw(EVERY[name])
    else:
        figure = draw(EVERY[name])
    inches = palette.NARROW_INCHES if is_narrow else palette.WIDTH_INCHES
    assert figure.get_figwidth() == inches
    width = figure.bbox.width
    boxes = {text.get_text(): text.get_window_extent() for axes in figure.axes for text in axes.texts}
    legends = (text for legend in figure.legends for text in legend.get_texts())
    boxes |= {text.get_text(): text.get_window_extent() for text in legends}
    assert len(boxes) >= 2
    assert {text: (box.x0, box.x1) for text, box in boxes.items() if box.x0 < -1 or box.x1 > width + 1} == {}


@pytest.mark.parametrize("name", EMPTY)
def test_nothing_to_draw_is_not_measured(name):
    assert "not measured" in texts(draw(EMPTY[name]))


def test_a_rung_has_its_value_and_the_factor_of_its_step():
    figure = draw(EVERY["ladder"])
    assert {"25 s", "6.3 s", "0.57 s", "0.36 s", "÷ 4.0", "÷ 11", "÷ 1.6", "less work"} <= set(texts(figure))
    assert [tip.tip for tip in tips(figure)] == [
        "published: 25 s", "published set-up: 6.3 s (6.1 s to 6.5 s)", "tuned on one worker: 0.57 s",
        "tuned: 0.36 s (0.34 s to 0.38 s)",
    ]  # fmt: skip


def test_a_published_rung_is_a_ring_and_a_measured_one_a_dot():
    (axes,) = draw(EVERY["ladder"]).axes
    faces = [to_hex(line.get_markerfacecolor()) for line in axes.lines if line.get_marker() == "o"]
    assert faces == [palette.INK["face"], palette.SERIES_COLOURS["as-measured"], *[palette.SERIES_COLOURS["tuned"]] * 2]


def test_one_rung_can_be_drawn():
    assert "25 s" in texts(draw(lambda: ladder(RUNGS[:1])))


def test_an_effect_with_an_interval_is_a_dot_and_one_without_a_ring():
    (axes,) = draw(EVERY["forest"]).axes
    drawn = [
        (line.get_ydata()[0], to_hex(line.get_markerfacecolor())) for line in axes.lines if line.get_marker() == "o"
    ]
    colours = palette.VERDICT_COLOURS
    assert drawn == [(1, colours["improvement"]), (2, palette.INK["face"]), (3, colours["equivalent"]),
                     (4, colours["reported"])]  # fmt: skip
    intervals = [
        tuple(line.get_xdata()) for line in axes.lines if line.get_marker() == "None" and len(line.get_xdata()) == 2
    ]
    assert (0.14, 0.19) in intervals
    assert not any(np.isnan(each).any() for each in intervals)


@pytest.mark.parametrize("ratio", [0.0, math.inf])
def test_a_ratio_without_a_place_on_the_axis_has_its_text_alone(ratio):
    rows = [*ROWS, ForestRow("pool", ratio, NAN, NAN, "inconclusive", f"{ratio:g}, 4 blocks")]
    (axes,) = draw(lambda: forest(rows, 0.1)).axes
    assert 5 not in {line.get_ydata()[0] for line in axes.lines if line.get_marker() == "o"}
    assert f"{ratio:g}, 4 blocks" in texts(axes.figure)
    assert all(0 < end < math.inf for end in axes.get_xlim())


def test_a_plot_of_ratios_without_a_place_alone_can_be_drawn():
    rows = [ForestRow("pool", 0.0, NAN, NAN, "improvement", "0"), ForestRow("cache", math.inf, text="∞")]
    assert {"pool", "cache", "0", "∞"} <= set(texts(draw(lambda: forest(rows, 0.1))))


@pytest.mark.parametrize("ends", [(0.0, 2.0), (0.5, math.inf)])
def test_an_interval_without_an_end_can_be_drawn(ends):
    assert draw(lambda: forest([ForestRow("cache", 0.9, *ends, "inconclusive", "0.9")], 0.1))


def test_the_equivalence_margin_is_the_same_factor_on_both_sides():
    (axes,) = draw(EVERY["forest"]).axes
    band = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    assert (band.x0, band.x1) == (pytest.approx(1 / 1.1), pytest.approx(1.1))


@pytest.mark.parametrize("is_narrow", [False, True])
def test_each_row_has_the_band_of_its_own_margin_and_a_heading_has_none(is_narrow):
    rows = [*ROWS[:3], ROWS[3]._replace(margin=0.05), ForestRow("Database time"), ROWS[4]]
    with panels.narrow() if is_narrow else nullcontext():
        (axes,) = draw(lambda: forest(rows, 0.1)).axes
    bands = [each.get_bbox() for each in axes.patches if to_hex(each.get_facecolor()) == palette.INK["grid"]]
    assert [round(band.x1, 3) for band in bands] == [1.1, 1.05, 1.1]
    behind = [[y for y in range(len(rows)) if band.ymin <= y <= band.ymax] for band in bands]
    assert behind == [[1, 2], [3], [5]]
    heading = next(each.get_bbox() for each in axes.patches if to_hex(each.get_facecolor()) == palette.INK["face"])
    assert heading.ymin <= min(axes.get_ylim())


def test_a_long_label_of_a_phone_is_broken_into_lines():
    label = "Database time of single reads, the published set-up with one change"
    with panels.narrow():
        figure = draw(lambda: forest([ForestRow(label), *ROWS[1:]], 0.1))
    (shown,) = [text for text in texts(figure) if text.startswith("Database time")]
    assert "\n" in shown
    assert shown.replace("\n", " ") == label


def test_a_pair_has_both_values_and_the_interval_of_the_measured_one():
    figure = draw(EVERY["dumbbell"])
    assert {"login", "5.1 s → 1.9 s", "112 ms → 3.6 ms"} <= set(texts(figure))
    assert [tip.tip for tip in tips(figure)] == [
        "login, published: 5.1 s", "login: 1.9 s (1.7 s to 2.1 s)", "search, published: 112 ms", "search: 3.6 ms",
    ]  # fmt: skip
    assert {tip.series for tip in tips(figure)} == {"published", "published set-up, run here"}


@pytest.mark.parametrize("has_interval", [True, False])
def test_the_bars_of_a_waterfall_lead_from_before_to_after(has_interval):
    (axes,) = draw(lambda: waterfall(changes(has_interval), "as-measured", "tuned")).axes
    whole, *parts, after = axes.patches
    assert whole.get_width() == pytest.approx(sum(10.0 * (i + 1) for i in range(len(SPLIT))))
    level = whole.get_width()
    for part in parts:
        assert part.get_x() + max(0, -part.get_width()) == pytest.approx(level) or part.get_x() == pytest.approx(level)
        level += part.get_width()
    assert level == pytest.approx(after.get_width())
    assert len(parts) == len(SPLIT)
    assert (len(axes.lines) == len(SPLIT)) == has_interval
    assert all(("to" in tip.tip) == has_interval for tip in tips(axes.figure))


def test_a_curve_is_dashed_and_a_measured_load_a_dot():
    (axes,) = draw(EVERY["users"]).axes
    predicted = [line for line in axes.lines if line.get_linestyle() == "--" and len(line.get_xdata()) == 3]
    assert [tuple(line.get_ydata()) for line in predicted] == [(61.0, 70.0, 160.0), (4.01, 4.1, 5.0)]
    dots = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "o"]
    assert dots == [(100, 5.5)]
    assert "100+ users, as published" in texts(axes.figure)
    assert [tip.tip for tip in tips(axes.figure)][-1] == "tuned, 100 users: 5.5 ms"


def test_measured_loads_alone_can_be_drawn():
    assert draw(lambda: users_curve(POINTS.tail(1), 100))


@pytest.mark.parametrize("text", ["", "a|b", "plain", "mark|x"])
def test_a_mark_is_read_back(text):
    (line,) = Figure().subplots().plot([1], [1])
    marks.mark(line, series=text, tip=text)
    assert marks.read(line.get_gid()) == (text.replace("|", " "), text.replace("|", " "))


@pytest.mark.parametrize("name", ["", "patch_1", "mark", "mark|a", "mark|a|b|c"])
def test_another_id_is_no_mark(name):
    assert marks.read(name) is None


def test_the_curve_of_goodput_has_a_dot_for_each_load_and_the_ideal():
    figure = draw(EVERY["goodput"])
    assert [tip.tip for tip in tips(figure)] == [
        "published set-up, run here: 40 of 40 requests/s", "published set-up, run here: 0 of 400 requests/s",
        "tuned: 100 of 100 requests/s", "tuned: 140 of 200 requests/s", "tuned: 140 of 500 requests/s",
        "tuned: 140 of 1,000 requests/s",
    ]  # fmt: skip
    (axes,) = figure.axes
    ideal = axes.lines[-1]
    assert list(ideal.get_xdata()) == list(ideal.get_ydata())
    assert axes.get_ylim() == (0, pytest.approx(175))
