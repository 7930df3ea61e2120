"""Names of others, such as endpoints, as text that a format can hold: without controls, and none twice."""

from collections.abc import Iterable
from itertools import count

from workbench.text_cleaning import Target, cleaned

MAX_CHARACTERS = 200


def distinct_names(names: Iterable[str]) -> dict[str, str]:
    """The name to show for each of these names; a number follows where two would be shown as the same."""
    shown: dict[str, str] = {}
    used: set[str] = set()
    for name in dict.fromkeys(names):
        text = cleaned(name, Target.LINE, MAX_CHARACTERS)
        numbered = (text if number == 1 else f"{text} ({number})" for number in count(1))
        shown[name] = next(each for each in numbered if each not in used)
        used.add(shown[name])
    return shown
