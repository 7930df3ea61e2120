"""The terms that the users search for."""

from random import Random
from typing import Literal

PUBLISHED_TERM = "BAG"
NO_MATCH = ("pallet", "forklift", "zzz", "M555", "sb-none")
COMMON_WORD = "000"  # in nearly every id, so that an index is of no use
WHOLE_ID, FRAGMENT = 0.4, 0.4  # shares of the mix; the rest matches nothing


def child_qr_id(number: int) -> str:
    """The QR id of a child bag, counted from 1."""
    return f"M444-{number:07d}"


class Terms:
    """Search terms of one user: `published` is always BAG, `mix` draws them from the user's random numbers.

    `expensive` terms match nothing, but PostgreSQL has to read nearly every bag to know; hardly any occurs twice, so
    that no cache has the answer.

    `rows` are the dataset's, by table.
    """

    def __init__(self, kind: Literal["published", "mix", "expensive"], rows: dict[str, int], random: Random):
        self._kind = kind
        self._children = rows["link"]
        self._random = random

    def draw(self) -> tuple[str, str | None]:
        """A term, and the QR id that the response to it must contain, or None."""
        if self._kind == "published":
            return PUBLISHED_TERM, None
        if self._kind == "expensive":
            return f"{self._random.randrange(16**3):03x} {COMMON_WORD}", None
        qr_id = child_qr_id(self._random.randint(1, self._children))
        draw = self._random.random()
        if draw < WHOLE_ID:
            return qr_id, qr_id
        if draw < WHOLE_ID + FRAGMENT:
            return qr_id[-5:], None
        return self._random.choice(NO_MATCH), None
