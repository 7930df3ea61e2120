"""The text of a statement without the values that it contains: what may be shown to a person who may see no data."""

import re

# A quote that does not end takes the rest with it: rather too much is left out than too little.
_TOKENS = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<name>"[^"]*")
    |(?P<value>'(?:[^']|'')*(?:'|\Z) | \$\w*\$.*\Z | (?<![\w$:.])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b)
    """,
    re.VERBOSE | re.DOTALL,
)
_SPACES = re.compile(r"\s+")


def without_values(statement: str) -> str:
    """The statement in one line, with `?` in the place of each literal and without comments.

    Parameters are placeholders in the text already. In a statement with a backslash, all from the first quote on is
    left out: whether it escapes the quote after it depends on the server's settings.
    """
    if "\\" in statement and "'" in statement:
        statement = statement[: statement.index("'")] + "'"
    replaced = _TOKENS.sub(lambda match: {"comment": " ", "name": match[0]}.get(match.lastgroup or "", "?"), statement)
    return _SPACES.sub(" ", replaced).strip()
