"""Requests that were opened one after the other: the last one shows, with buttons to others and a way back."""

from collections.abc import Callable
from typing import Any, Protocol

import ipywidgets
import pandas as pd

from workbench.recording import Run

from .run_loss import or_loss
from .shown import Shown, paragraphs

MAX_LINKS = 12


class OpenedRequest(Protocol):
    """A request of a run: what it shows, the requests that its worker served before it, and the way to another one."""

    @property
    def run(self) -> Run: ...

    @property
    def ahead(self) -> pd.DataFrame: ...

    def content(self) -> list[ipywidgets.Widget]: ...

    def other(self, user: int, sequence: int) -> "OpenedRequest": ...


class RequestTrail:
    """The widget of a request; `place` shows the request that was opened last."""

    def __init__(self, first: OpenedRequest):
        self.place = ipywidgets.VBox()
        self._opened: list[OpenedRequest | Shown] = [first]
        self._show()

    def back(self) -> None:
        """Show the request before; nothing at the first one."""
        if len(self._opened) > 1:
            self._opened.pop()
            self._show()

    def _open(self, request: OpenedRequest, user: int, sequence: int) -> None:
        self._opened.append(or_loss(request.run, lambda: request.other(user, sequence)))
        self._show()

    def _show(self) -> None:
        """Show the last request with widgets of its own: one of a table shows once only."""
        last = self._opened[-1]
        back = [_button("← Back", "show the request before", self.back)] if len(self._opened) > 1 else []
        parts = [last.widget] if isinstance(last, Shown) else [*last.content(), *self._links(last)]
        self.place.children = [*back, *parts]

    def _links(self, request: OpenedRequest) -> list[ipywidgets.Widget]:
        """A button for each of the requests that its worker served longest meanwhile."""
        if request.ahead.empty:
            return []
        buttons = [self._link(request, row) for row in request.ahead.nlargest(MAX_LINKS, "held_ms").itertuples()]
        some = f" (the {MAX_LINKS} longest of {len(request.ahead)})" if len(request.ahead) > MAX_LINKS else ""
        title = ipywidgets.HTML(paragraphs([f"Open a request that its worker served meanwhile{some}"]))
        return [title, ipywidgets.HBox(buttons, layout={"flex_flow": "row wrap"})]

    def _link(self, request: OpenedRequest, row: Any) -> ipywidgets.Button:
        user, sequence = int(row.user), int(row.sequence)
        return _button(
            f"{row.endpoint} {user}-{sequence}", "open this request", lambda: self._open(request, user, sequence)
        )


def _button(name: str, tooltip: str, act: Callable[[], None]) -> ipywidgets.Button:
    button = ipywidgets.Button(description=name, tooltip=tooltip)
    button.on_click(lambda _: act())
    return button
