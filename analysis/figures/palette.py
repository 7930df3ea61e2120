"""Every colour of the figures and of the page, and the style that all figures share.

This is the one file to edit to change a colour: figures draw with the light tones, and the page gets both tones as CSS
variables from `css_variables`.
"""

from collections.abc import Mapping
from typing import Any

from workbench import endpoints
from workbench.arms import ADVISED, BASELINE, CLAIMED, GEVENT_BLOCKING, TUNED
from workbench.request_schema import PARTS


class Colour(str):
    """A colour as `#rrggbb`: the string itself is the tone on a light ground, `dark` the one on a dark ground.

    On white a line or a bar has a contrast of at least 3 to 1, and a part that carries its name in white 4.5 to 1.
    """

    dark: str

    def __new__(cls, light: str, dark: str) -> "Colour":
        colour = super().__new__(cls, light)
        colour.dark = dark
        return colour


INK = {
    "ink": Colour("#1b1f24", "#e5e8ea"),
    "muted": Colour("#59626d", "#9ea7b0"),
    "grid": Colour("#dde0e3", "#33393f"),
    "face": Colour("#fdfdfc", "#14171a"),
}
SERIES_COLOURS = {
    "published": Colour("#7d868f", "#9aa3ab"),
    BASELINE: Colour("#d55e00", "#ef7a2f"),
    CLAIMED: Colour("#c58300", "#e3ab3d"),
    ADVISED: Colour("#7a7f16", "#b9c04a"),
    GEVENT_BLOCKING: Colour("#94524a", "#cf8a80"),
    TUNED: Colour("#0072b2", "#59aef0"),
}
# In the order of `workbench.endpoints`; the last ones are for endpoints to come.
_ENDPOINT_TONES = (
    Colour("#b8578f", "#dc8fbb"),
    Colour("#2f93cf", "#5fb4e6"),
    Colour("#008f68", "#35b28c"),
    Colour("#a8562e", "#d98d66"),
    Colour("#6a5acd", "#a79cf0"),
    Colour("#4f7f1f", "#8fbf5a"),
)
ENDPOINT_COLOURS = dict(zip(endpoints.NAMES, _ENDPOINT_TONES, strict=False))
_SPARE_COLOURS = dict(zip(("spare", "second-spare"), _ENDPOINT_TONES[len(ENDPOINT_COLOURS) :], strict=False))
LINE_COLOURS = (*ENDPOINT_COLOURS.values(), *_SPARE_COLOURS.values())  # of the endpoints of any application
# In the order of `workbench.request_schema.PARTS`; the last ones are for parts to come.
_PART_TONES = (
    Colour("#8a6708", "#d3aa3c"),
    Colour("#2f6ea8", "#5d9bd1"),
    Colour("#8a4aa2", "#b67fca"),
    Colour("#1f7a5c", "#45a583"),
    Colour("#b2502f", "#d97f5f"),
    Colour("#a03a62", "#d986a6"),
    Colour("#4c7a10", "#93bd5c"),
)
PART_COLOURS = {
    "queue": Colour("#756d61", "#a29a8e"),
    **dict(zip(PARTS, _PART_TONES, strict=False)),
    "rest": Colour("#3f4a56", "#b8c2cc"),
    "residual": Colour("#6e7780", "#7d8790"),
}
OUTCOME_COLOURS = {"successful": Colour("#3a6ea5", "#6fa3d8"), "failed": Colour("#c03a2b", "#f08a7c")}
VERDICT_COLOURS = {
    "improvement": Colour("#17803f", "#6fd39a"),
    "regression": Colour("#b0302a", "#f2948a"),
    "equivalent": Colour("#2f62a3", "#7aaee6"),
    "inconclusive": Colour("#9a6a00", "#dfb04e"),
    "reported": Colour("#59626e", "#9ea7b1"),
}
COLOURS = {
    **INK,
    **SERIES_COLOURS,
    **ENDPOINT_COLOURS,
    **_SPARE_COLOURS,
    **PART_COLOURS,
    **OUTCOME_COLOURS,
    **VERDICT_COLOURS,
}
# Of the page alone; `<name>-face` is the ground of a verdict in `<name>`.
PAGE_COLOURS = {
    "panel": Colour("#f4f5f5", "#1d2125"),
    "link": Colour("#0a58a6", "#7db9f2"),
    "good": Colour("#17683a", "#86d5a3"),
    "good-face": Colour("#e0f1e6", "#173524"),
    "bad": Colour("#a3241c", "#ff9d92"),
    "bad-face": Colour("#fbe5e2", "#42201d"),
    "doubt": Colour("#7a4f00", "#ecc46c"),
    "doubt-face": Colour("#faeed2", "#3a2e14"),
    "plain": Colour("#4a535d", "#b9c1c9"),
    "plain-face": Colour("#e9ebed", "#2b3137"),
}

# Lines and markers of a value, by where it comes from.
KIND_STYLES: Mapping[str, Mapping[str, Any]] = {
    "predicted": {"linewidth": 1.8},
    "measured": {"linestyle": "none", "marker": "o", "markersize": 6},
    "published": {
        "linestyle": "none",
        "marker": "o",
        "markersize": 10,
        "markerfacecolor": "none",
        "markeredgewidth": 1.6,
        "zorder": 3,
    },
}

WIDTH_INCHES = 8.6
NARROW_INCHES = 3.73  # of a phone
FONT_POINTS = 9.5
STYLE: dict[Any, Any] = {  # keys of matplotlib.rcParams
    "font.size": FONT_POINTS,
    "axes.titlesize": FONT_POINTS,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK["ink"],
    "axes.edgecolor": INK["grid"],
    "axes.labelcolor": INK["muted"],
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "grid.color": INK["grid"],
    "grid.linewidth": 0.7,
    "figure.constrained_layout.h_pad": 0.07,
    "legend.borderpad": 0,
    "legend.frameon": False,
    "text.color": INK["ink"],
    "xtick.color": INK["muted"],
    "ytick.color": INK["muted"],
    "xtick.major.size": 0,
    "ytick.major.size": 0,
}


def css_variables(*, dark: bool = False) -> str:
    """Every colour as a CSS declaration `--name: #rrggbb;`, a line each: the light tones, or the dark ones."""
    tones = {**COLOURS, **PAGE_COLOURS}.items()
    return "\n".join(f"--{name}: {colour.dark if dark else colour};" for name, colour in tones)
