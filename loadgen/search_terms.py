"""The terms that the users search for."""

from random import Random
from typing import Literal

PUBLISHED_TERM = "BAG"
NO_MATCH = ("pallet", "forklift", "zzz", "M555", "sb-none")
WHOLE_ID, FRAGMENT = 0.4, 0.4  # shares of the mix; the rest matches nothing


def child_qr_id(number: int) -> str:
    """The QR id of a child bag, counted from 1."""
    return f"M444-{number:07d}"


class Terms:
    """Search terms of one user: `published` is always BAG, `mix` draws them from the user's random numbers.

    `rows` are the dataset's, by table.
    """

    def __init__(self, kind: Literal["published", "mix"], rows: dict[str, int], random: Random):
        self._kind = kind
        self._children = rows["link"]
        self._random = random

    def draw(self) -> tuple[str, str | None]:
        """A term, and the QR id that the response to it must contain, or None."""
        if self._kind == "published":
            return PUBLISHED_TERM, None
        qr_id = child_qr_id(self._random.randint(1, self._children))
        draw = self._random.random()
        if draw < WHOLE_ID:
            return qr_id, qr_id
        if draw < WHOLE_ID + FRAGMENT:
            return qr_id[-5:], None
        return self._random.choice(NO_MATCH), None
