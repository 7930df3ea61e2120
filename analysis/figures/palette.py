"""The colours and the style that all figures share."""

# On white a line or a bar has a contrast of at least 3 to 1, a part that carries its name in white 4.5 to 1.
# On a dark ground the page puts its own tones in their place.
INK = {"ink": "#1b1f24", "muted": "#59626d", "grid": "#dde0e3", "face": "#fdfdfc"}
SERIES = {
    "published": "#7d868f",
    "as-measured": "#d55e00",
    "as-claimed": "#c58300",
    "as-advised": "#7a7f16",
    "gevent-blocking": "#94524a",
    "tuned": "#0072b2",
}
ENDPOINTS = {"login": "#b8578f", "dashboard": "#2f93cf", "search": "#008f68"}
PARTS = {
    "queue": "#756d61",
    "pool": "#8a6708",
    "db": "#2f6ea8",
    "hash": "#8a4aa2",
    "cache": "#1f7a5c",
    "session": "#b2502f",
    "rest": "#3f4a56",
    "residual": "#6e7780",
}
STATES = {"used": "#2c6fb0", "idle": "#6d8b3c", "waiting": "#c2483a"}
COLOURS = {**INK, **SERIES, **ENDPOINTS, **PARTS, **STATES}

WIDTH_INCHES = 8.6
STYLE = {
    "font.size": 9.5,
    "axes.titlesize": 9.5,
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
