"""What to say of a name that does not exist: the one that was probably meant, or all that there are."""

import difflib
from collections.abc import Iterable

SIMILARITY = 0.5  # of `difflib`, from which a name is near


def hint(name: str, known: Iterable[str]) -> str:
    """`did you mean tuned?` if a known name is near, else `choose one of …`."""
    names = list(known)
    nearest = difflib.get_close_matches(name, names, 1, SIMILARITY)
    return f"did you mean {nearest[0]}?" if nearest else f"choose one of {', '.join(names)}"
