"""Tracks of a Perfetto trace whose slices never overlap: where they would, there is another track beside it."""

from .perfetto_packets import Arguments, PerfettoWriter


class Lanes:
    """Slices of one thing that may do several at once, such as a worker with threads: as many tracks as it needs.

    They stand below `parent` and are called `name`, `name (2)` and so on. Slices are added in any order that lets
    each begin after those of its own track have ended.
    """

    def __init__(self, writer: PerfettoWriter, parent: int, name: str):
        self._writer = writer
        self._parent = parent
        self._name = name
        self._tracks: list[int] = []
        self._ends_us: list[int] = []

    def slice(
        self,
        begin_us: int,
        end_us: int,
        name: str,
        arguments: Arguments | None = None,
        *,
        flow: int = 0,
        ends_flow: bool = False,
    ) -> int:
        """Draw a slice on the first track that is free from `begin_us` on, and return the place of the track."""
        place = self._free(begin_us)
        self._ends_us[place] = end_us
        self._writer.slice(self._tracks[place], begin_us, end_us, name, arguments, flow=flow, ends_flow=ends_flow)
        return place

    def _free(self, begin_us: int) -> int:
        for place, end_us in enumerate(self._ends_us):
            if end_us <= begin_us:
                return place
        number = len(self._tracks) + 1
        self._tracks.append(self._writer.track(self._name if number == 1 else f"{self._name} ({number})", self._parent))
        self._ends_us.append(0)
        return number - 1
