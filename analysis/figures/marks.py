"""The marks of a figure, with the series and the text that a reader sees who points at them."""

from typing import NamedTuple

from matplotlib.artist import Artist

PREFIX, SEPARATOR = "mark", "|"


class Mark(NamedTuple):
    """The series that a mark belongs to, and the text for it; both may be empty."""

    series: str
    tip: str


def mark(artist: Artist, series: str = "", tip: str = "") -> None:
    """Note the series and the text of an artist in its id, from which `read` takes them when the figure is SVG."""
    artist.set_gid(SEPARATOR.join([PREFIX, series.replace(SEPARATOR, " "), tip.replace(SEPARATOR, " ")]))


def read(element_id: str) -> Mark | None:
    """The mark that an id of SVG carries; None for another id."""
    pieces = element_id.split(SEPARATOR)
    return Mark(*pieces[1:]) if len(pieces) == 3 and pieces[0] == PREFIX else None
