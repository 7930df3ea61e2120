"""A view of something that goes on: it shows the state of now, and follows it between the cells.

A task of the kernel's own event loop looks once a second, for a few milliseconds. Nothing runs in a thread, and
nothing is asked of the processes that make or serve the load.
"""

import asyncio
import math
import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import ipywidgets
import pandas as pd

from loadgen import progress
from workbench.polling import attempts

from . import plot_style
from .shown import MAX_TEXT_ROWS, View, paragraphs
from .table_view import printable

INTERVAL_S = 1.0


class LiveView(View):
    """What a subclass shows of a measurement; `look` reads what is new, and `is_going` says whether there may be more.

    Showing the object again, as after a reload of the page, shows the state of now.
    """

    def __init__(self) -> None:
        self._task: asyncio.Task | None = None
        self._headline = ipywidgets.HTML()

    @property
    def is_going(self) -> bool:
        """True while there may be something new."""
        raise NotImplementedError

    @property
    def parts(self) -> Sequence[ipywidgets.Widget]:
        """The widgets below the sentences."""
        raise NotImplementedError

    def look(self) -> None:
        """Read what is new."""
        raise NotImplementedError

    def draw(self) -> None:
        """Bring the widgets up to date with what was read."""
        self._headline.value = paragraphs(self.sentences)

    def refresh(self) -> None:
        """Read what is new, and draw it."""
        self.look()
        self.draw()

    def wait(self, timeout_s: float = math.inf) -> bool:
        """Wait for its end; returns whether it ended within the time.

        It blocks the kernel: views go on, buttons do not answer.
        """
        for _ in attempts(timeout_s, INTERVAL_S):
            self.refresh()
            if not self.is_going:
                break
        self.refresh()
        return not self.is_going

    def follow(self) -> None:
        """Refresh between the cells from now on, until it has ended; in a script without an event loop do nothing."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._refresh_until_end())

    async def _refresh_until_end(self) -> None:
        while self.is_going:
            await asyncio.sleep(INTERVAL_S)
            self.refresh()
        self.refresh()

    @cached_property
    def widget(self) -> ipywidgets.VBox:
        """Sentences, and what the subclass has below them."""
        self.draw()
        return plot_style.styled([self._headline, *self.parts])

    @property
    def _first_rows(self) -> pd.DataFrame:
        """The last rows: those are of now."""
        return self.table.tail(MAX_TEXT_ROWS).apply(printable)

    def __repr__(self) -> str:
        self.look()
        return super().__repr__()

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        if progress.DESCRIPTOR in os.environ:  # a command runs the notebook and shows the progress
            return {"text/plain": repr(self), "text/html": self._repr_html_()}
        self.follow()
        self.refresh()
        return super()._repr_mimebundle_()
