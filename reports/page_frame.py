"""What all pages share: the style sheet with the colours of both grounds, and the policy that the browser enforces.

A page is one file that opens offline. Its policy allows its own style sheet and its own script, by digest, and
embedded pictures; no other script or style, nothing from elsewhere.
Text of others on a page is escaped; the policy is the second wall.
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

from .markup import Html

TEMPLATE = Path(__file__).parent / "template"


@dataclass(frozen=True)
class Frame:
    """The style sheet, the script (empty for a page without) and the content security policy of a page."""

    style: str
    script: str
    policy: str

    @classmethod
    def current(cls, script: str = "", sheets: Sequence[str] = ()) -> "Frame":
        """The frame with the colours of `analysis.figures.palette`.

        `script` and `sheets`, which are more style sheets, are names of files of the template.
        """
        style = _style(("style.css", *sheets))
        content = (TEMPLATE / script).read_text(encoding="utf-8") if script else ""
        return cls(style, content, _policy(style, content))


def _style(sheets: Sequence[str]) -> str:
    light, dark = palette.css_variables(), palette.css_variables(dark=True)
    sheet = "\n".join((TEMPLATE / name).read_text(encoding="utf-8") for name in sheets)
    on_dark = f"@media screen and (prefers-color-scheme: dark) {{\n:root {{\n{dark}\n}}\n}}"
    return f"\n:root {{\n{light}\n}}\n{on_dark}\n{sheet}\n"


def _policy(style: str, script: str) -> str:
    rules = {
        "default-src": "'none'",
        "script-src": _digest(script) if script else "'none'",
        "style-src": _digest(style),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in rules.items())


def _digest(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


@dataclass(frozen=True)
class Section:
    """A heading of a page and what stands below it."""

    heading: str
    content: Html

    @property
    def anchor(self) -> str:
        """The id of the heading."""
        return "-".join(re.findall(r"\w+", self.heading.lower()))


def page(
    title: str, lead: Html, sections: Sequence[Section], sheets: Sequence[str] = (), *, has_heading: bool = False
) -> str:
    """A whole page: its title, what stands on the first screen, and its sections.

    The title is the first heading, unless `lead` has that one. `sheets` are as in `Frame.current`.
    """
    environment = Environment(loader=FileSystemLoader(TEMPLATE), autoescape=False)  # noqa: S701 -- pieces are escaped
    return environment.get_template("page.html.j2").render(
        title=cleaned(redacted(title), Target.HTML),
        lead=lead,
        has_heading=has_heading,
        sections=sections,
        frame=Frame.current(sheets=sheets),
    )
