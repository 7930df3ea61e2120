"""Text of others (a response, an error, a log, a name), made safe for the place where it is shown.

What a target sends can end up in a record, and from there in a terminal, a CI log, an XML file or a page. Escape
sequences then recolour or overwrite other lines, direction marks reorder them, and a pipe adds a cell to a table.
"""

import re
import unicodedata
from collections.abc import Callable
from enum import Enum
from html import escape

MAX_CHARACTERS = 4_000  # of a line; a longer one is shortened
MAX_NAME_CHARACTERS = 100  # of a name in a table or a figure
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
ELLIPSIS = "…"


class Target(Enum):
    """A place where text is shown."""

    LINE = "one line of a terminal"
    LINES = "several lines of a terminal"
    XML = "text or attribute of XML 1.0, whose writer escapes markup"
    MARKDOWN = "text within a line of Markdown, or a cell of a table"
    HTML = "text or quoted attribute of HTML"
    FIGURE = "text of a matplotlib figure"


# Escape sequences of ECMA-48: strings (OSC, DCS …) that end with BEL or ST, CSI with its parameters, and short ones.
_SEQUENCE = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
)
_JOINERS = "\u200c\u200d"  # without a width; letters of some scripts and some emoji need them
_LINE_BREAKS_AND_TABS = "\t\n\v\f\r\x85"
_SPACES = ("Zl", "Zp", "Zs")
_WITHOUT_GLYPH = "Cf"  # direction marks and the like
_PRIVATE_USE = "Co"
_MARKDOWN = re.compile(r"[\\`*\[\]|~$]|(?<!\w)_|_(?!\w)")


def cleaned(text: object, target: Target, limit: int = MAX_CHARACTERS) -> str:
    """Return a text as it can be shown at a place, each line with at most `limit` characters before escaping.

    Escape sequences and characters without a glyph are removed. Controls, lone surrogates and code points without a
    character become U+FFFD. White space becomes a space; `Target.LINES` keeps line breaks. Markup of the place is
    escaped.
    """
    lines = str(text).replace("\r\n", "\n").split("\n") if target is Target.LINES else [str(text)]
    return "\n".join(_ESCAPES[target](_shortened(_plain(line), limit)) for line in lines)


def _plain(text: str) -> str:
    """The text with printable characters only."""
    return text if text.isprintable() else "".join(map(_printable, _SEQUENCE.sub("", text)))


def _printable(character: str) -> str:
    category = unicodedata.category(character)
    if character.isprintable() or character in _JOINERS or category == _PRIVATE_USE:
        return character
    if category in _SPACES or character in _LINE_BREAKS_AND_TABS:
        return " "
    return "" if category == _WITHOUT_GLYPH else REPLACEMENT


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + ELLIPSIS


def _unchanged(text: str) -> str:
    return text


def _markdown(text: str) -> str:
    """Markup is escaped; a name behind an `@` would notify an account where the text is posted."""
    return _MARKDOWN.sub(r"\\\g<0>", escape(text, quote=False)).replace("@", "&#64;")


def _without_formulas(text: str) -> str:
    return text.replace("$", r"\$")


_ESCAPES: dict[Target, Callable[[str], str]] = {
    Target.LINE: _unchanged,
    Target.LINES: _unchanged,
    Target.XML: _unchanged,
    Target.MARKDOWN: _markdown,
    Target.HTML: escape,
    Target.FIGURE: _without_formulas,
}
