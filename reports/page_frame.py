"""What all pages share: the style sheet with the colours of both grounds, and the policy that the browser enforces.

A page is one file that opens offline. Its policy allows its own style sheet, by digest, and embedded pictures; no
script, no other style, nothing from elsewhere. Text of others on a page is escaped; the policy is the second wall.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from analysis.figures import palette
from workbench.redaction import redacted
from workbench.text_cleaning import Target, cleaned

from .tables import Html

TEMPLATE = Path(__file__).parent / "template"


@dataclass(frozen=True)
class Frame:
    """The style sheet and the content security policy of a page."""

    style: str
    policy: str

    @classmethod
    def current(cls) -> "Frame":
        """The frame with the colours of `analysis.figures.palette`."""
        style = _style()
        return cls(style, _policy(style))


def _style() -> str:
    light, dark = palette.css_variables(), palette.css_variables(dark=True)
    sheet = (TEMPLATE / "style.css").read_text(encoding="utf-8")
    on_dark = f"@media screen and (prefers-color-scheme: dark) {{\n:root {{\n{dark}\n}}\n}}"
    return f"\n:root {{\n{light}\n}}\n{on_dark}\n{sheet}\n"


def _policy(style: str) -> str:
    digest = b64encode(sha256(style.encode()).digest()).decode()
    rules = {
        "default-src": "'none'",
        "script-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in rules.items())


@dataclass(frozen=True)
class Section:
    """A heading of a page and what stands below it."""

    heading: str
    content: Html

    @property
    def anchor(self) -> str:
        """The id of the heading."""
        return "-".join(re.findall(r"\w+", self.heading.lower()))


def page(title: str, lead: Html, sections: Sequence[Section]) -> str:
    """A whole page: its title, what stands on the first screen, and its sections."""
    environment = Environment(loader=FileSystemLoader(TEMPLATE), autoescape=False)  # noqa: S701 -- pieces are escaped
    return environment.get_template("page.html.j2").render(
        title=cleaned(redacted(title), Target.HTML), lead=lead, sections=sections, frame=Frame.current()
    )
