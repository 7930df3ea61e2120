"""Pieces of the page, as HTML."""

from dataclasses import dataclass

from workbench.redaction import redacted
from workbench.text_cleaning import Target, cleaned


@dataclass(frozen=True)
class Html:
    """A finished piece of the page. A notebook displays it where it is the last value of a cell."""

    text: str

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Html of {len(self.text)} characters>"

    def _repr_html_(self) -> str:
        return self.text


def escaped(text: str) -> str:
    """A text as it can stand on the page: without secrets, control characters and markup."""
    return cleaned(redacted(text), Target.HTML)
