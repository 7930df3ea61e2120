"""The figures show the values of their table: read from the artists, not from pixels."""

import io
import re
import warnings

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from analysis.figures import latency, palette, time_split, timelines
from analysis.figures.axes import duration
from analysis.figures.load_over_time import load_over_time
from workbench import aggregates, endpoints
from workbench.arms import LABELS, MAIN_DEPLOYMENTS

NINES = np.linspace(0, 2, 200)
CURVE = pd.DataFrame(
    {"series": "tuned", "nines": NINES, "latency_ms": np.quantile(np.arange(1.0, 101.0), 1 - 10**-NINES)}
)
SPLIT = pd.DataFrame(
    [
        ("tuned", "login", "mean", "queue", 60.0),
        ("tuned", "login", "mean", "hash", 20.0),
        ("tuned", "login", "mean", "residual", -3.0),
        ("tuned", "login", "p90–p99", "queue", 85.0),
        ("as-measured", "login", "mean", "queue", 5000.0),
    ],
    columns=["series", "endpoint", "statistic", "part", "mean_ms"],
)
BURST = pd.DataFrame(
    [
        ("as-measured", 1, "login", 1000.0, 200.0),
        ("as-measured", 0, "login", 1000.0, 400.0),
        ("as-measured", 0, "search", 1400.0, 300.0),
        ("tuned", 0, "login", 50.0, 20.0),
    ],
    columns=["series", "user", "endpoint", "start_ms", "latency_ms"],
)
GROWTH = pd.DataFrame(
    [
        (1, "as-measured", "predicted", 150.0),
        (100, "as-measured", "predicted", 15000.0),
        (50, "as-measured", "measured", 7400.0),
        (50, "published", "published", 7485.0),
    ],
    columns=["users", "series", "kind", "mean_ms"],
)
EVERY = [
    (latency.percentile_curves, CURVE, "latency_ms"),
    (time_split.time_split, SPLIT, "mean_ms"),
    (timelines.timeline, BURST, "latency_ms"),
    (latency.burst_growth, GROWTH, "mean_ms"),
]
BY_NAME = pytest.mark.parametrize(("draw", "frame", "value"), EVERY, ids=[e[0].__name__ for e in EVERY])


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def drawn(figure: Figure) -> str:
    written = io.StringIO()
    figure.savefig(written, format="svg")
    return written.getvalue()


@BY_NAME
def test_a_table_without_rows_says_not_measured(draw, frame, value):
    assert "not measured" in texts(draw(frame.iloc[:0]))
    assert "not measured" in texts(draw(frame.assign(**{value: np.nan})))


@BY_NAME
def test_a_single_row_and_a_missing_value_can_be_drawn(draw, frame, value):
    assert drawn(draw(frame.iloc[:1]))
    incomplete = frame.copy()
    incomplete.loc[incomplete.index[0], value] = np.nan
    assert drawn(draw(incomplete))


@BY_NAME
def test_an_unknown_series_is_refused(draw, frame, value):
    with pytest.raises(ValueError, match="unknown series: ultra"):
        draw(frame.assign(series="ultra"))


@BY_NAME
def test_the_table_is_left_as_it_was(draw, frame, value):
    before = frame.copy()
    draw(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_no_two_names_share_a_colour():
    assert len(set(palette.COLOURS.values())) == len(palette.COLOURS)


@pytest.mark.parametrize("dark", [False, True])
def test_css_variables_have_every_colour_in_the_tone_of_the_ground(dark):
    colours = palette.COLOURS | palette.PAGE_COLOURS
    lines = palette.css_variables(dark=dark).splitlines()
    assert lines == [f"--{name}: {colour.dark if dark else colour};" for name, colour in colours.items()]
    assert all(re.fullmatch(r"--[a-z-]+: #[0-9a-f]{6};", line) for line in lines)


def test_every_main_deployment_endpoint_and_part_has_a_colour():
    assert set(MAIN_DEPLOYMENTS) <= set(palette.SERIES_COLOURS)
    assert set(endpoints.NAMES) <= set(palette.ENDPOINT_COLOURS)
    assert set(aggregates.SPLIT) == set(palette.PART_COLOURS)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0.42, "0.4 ms"),
        (9.94, "9.9 ms"),
        (9.96, "10 ms"),
        (87.2, "87 ms"),
        (999.6, "1.0 s"),
        (9896, "9.9 s"),
        (24910, "25 s"),
    ],
)
def test_duration_has_two_digits_and_a_unit(milliseconds, text):
    assert duration(milliseconds) == text


def test_a_curve_ends_at_the_last_percentile_its_sample_supports():
    (axes,) = latency.percentile_curves(CURVE).axes
    assert np.array_equal(axes.lines[0].get_data(), CURVE[["nines", "latency_ms"]].to_numpy().T)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["min", "50", "75", "90", "95", "99"]
    assert "tuned" in texts(axes.figure)


def test_names_at_the_ends_of_close_curves_do_not_overlap():
    twins = pd.concat([CURVE, CURVE.assign(series="as-claimed")])
    figure = latency.percentile_curves(twins)
    figure.draw_without_rendering()
    boxes = [
        text.get_window_extent() for text in figure.axes[0].texts if text.get_text() in {"tuned", LABELS["as-claimed"]}
    ]
    assert len(boxes) == 2
    assert not boxes[0].overlaps(boxes[1])


def test_each_panel_of_the_split_stacks_to_its_own_total():
    figure = time_split.time_split(SPLIT)
    assert [axes.get_title("left") for axes in figure.axes] == ["published set-up, run here", "tuned"]
    tuned = figure.axes[1]
    bars = {}
    for bar in tuned.patches:
        bars.setdefault(to_hex(bar.get_facecolor()), []).append((bar.get_x(), bar.get_width()))
    assert bars[palette.PART_COLOURS["queue"]] == [(0, 60), (0, 85)]
    assert bars[palette.PART_COLOURS["hash"]] == [(60, 20), (85, 0)]
    assert [width for _, width in bars[palette.PART_COLOURS["residual"]]] == [0, 0]
    assert tuned.get_xlim()[1] < 100 < figure.axes[0].get_xlim()[1]
    assert {"queue 60 ms", "80 ms", "5.0 s", "login mean", "login p90–p99"} <= set(texts(figure))


def test_the_timeline_shares_its_axis_and_puts_the_user_answered_first_on_top():
    figure = timelines.timeline(BURST)
    measured, tuned = figure.axes
    assert measured.get_xlim() == tuned.get_xlim()
    login = measured.lines[0].get_xydata()
    assert login[[0, 1]].tolist() == [[0, 1], [200, 1]]
    assert login[[3, 4]].tolist() == [[0, 2], [400, 2]]
    assert measured.get_ylim()[0] > measured.get_ylim()[1]
    assert "all 3 ended after 0.70 s" in texts(figure)


def test_without_users_each_request_has_its_own_line():
    axes, _ = timelines.timeline(BURST.drop(columns="user")).axes
    rows = np.concatenate([line.get_ydata() for line in axes.lines[:3]])
    assert sorted(set(rows)) == [1, 2, 3]


def test_growth_draws_the_prediction_as_a_line_and_measured_values_as_points():
    (axes,) = latency.burst_growth(GROWTH).axes
    with_data = [line for line in axes.lines if len(line.get_xdata())]
    styles = {(line.get_linestyle(), line.get_marker(), to_hex(line.get_color())) for line in with_data}
    orange, grey = palette.SERIES_COLOURS["as-measured"], palette.SERIES_COLOURS["published"]
    assert styles == {("-", "None", orange), ("None", "o", orange), ("None", "o", grey)}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "50", "100"]


OVER_TIME = pd.DataFrame(
    {
        "at_s": [0.0, 1.0, 2.0],
        "successful_rps": [10.0, 0.0, 5.0],
        "failed_rps": [0.0, 0.0, 5.0],
        "median_ms": [4.0, np.nan, 8.0],
        "p95_ms": [9.0, np.nan, 400.0],
    }
)
PERCENTILES = pd.DataFrame(
    {"endpoint": ["GET /a", "GET /a", None, None], "nines": [0.0, 1.0, 0.0, 1.0], "latency_ms": [1.0, 2.0, 1.0, 3.0]}
)
PARTS = pd.DataFrame({"endpoint": ["b", "b", "a", "a"], "part": ["queue", "db"] * 2, "mean_ms": [1.0, 2.0, 3.0, -1.0]})


def test_rates_over_time_are_stacked_and_warm_up_has_a_ground():
    figure = load_over_time(OVER_TIME, 1.0, [(0.0, 1.0)])
    rate, latency = figure.axes
    heights = [patch.get_data().values.tolist() for patch in rate.patches if hasattr(patch, "get_data")]
    assert heights == [[10.0, 0.0, 5.0], [10.0, 0.0, 10.0]]
    assert [line.get_label() for line in latency.get_lines()] == ["p95", "median"]
    assert latency.get_yscale() == "log"
    assert "successful" in texts(figure)
    assert "failed" in texts(figure)


def test_a_fault_is_a_band_over_both_panels_with_its_name():
    figure = load_over_time(OVER_TIME, 1.0, faults=[("lock on bags", 0.5, 1.5), ("worker killed", 2.0, 2.0)])
    for axes in figure.axes:
        spans = [patch.get_bbox() for patch in axes.patches if not hasattr(patch, "get_data")]
        assert [(span.x0, span.x1) for span in spans] == [(0.5, 1.5), (2.0, pytest.approx(2.018))]
    assert {"lock on bags", "worker killed"} <= set(texts(figure))


def test_a_load_without_a_success_says_so():
    figure = load_over_time(OVER_TIME.assign(successful_rps=0.0, median_ms=np.nan, p95_ms=np.nan), 1.0)
    assert "no successful response" in texts(figure)


def test_a_load_without_rows_is_not_measured():
    assert "not measured" in texts(load_over_time(OVER_TIME.iloc[:0], 1.0))
    assert "not measured" in texts(latency.endpoint_percentiles(PERCENTILES.iloc[:0]))
    assert "not measured" in texts(time_split.endpoint_split(PARTS.iloc[:0]))


def test_percentiles_of_any_endpoints_have_a_line_each_and_one_for_all():
    figure = latency.endpoint_percentiles(PERCENTILES)
    assert [line.get_ydata().tolist() for line in figure.axes[0].get_lines()] == [[1.0, 2.0], [1.0, 3.0]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["GET /a", "all requests"]


def test_parts_of_any_endpoints_keep_their_order():
    (axes,) = time_split.endpoint_split(PARTS).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "a"]
    widths = [bar.get_width() for bars in axes.containers for bar in bars]
    assert widths == [1.0, 3.0, 2.0, 0.0]


@pytest.mark.parametrize("name", ["$x_{1}$", r"5 $ and \frac \$", "日本 \x1b[31m", "a\nb", "_hidden", "token=hunter2"])
def test_a_name_of_others_is_drawn_as_text(name):
    figure = latency.endpoint_percentiles(PERCENTILES.assign(endpoint=name))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # the page's own font draws it
        labels = re.findall(r"<text[^>]*>([^<]*)</text>", drawn_text(figure))
    assert name.replace("\x1b[31m", "").replace("\n", " ").replace("hunter2", "***") in labels


def drawn_text(figure: Figure) -> str:
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        return drawn(figure)
