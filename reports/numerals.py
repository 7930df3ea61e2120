"""Numbers on the page: each one names its source, so that it can be recomputed.

A number is the value of a finding, whose id it names; or published; or a setting: a size, a limit or a date that was
chosen and not measured; or it belongs to its section, which is computed from the runs as a whole. A number without a
source is a defect of the page, which a test finds.
"""

import re

from analysis.findings.finding import Finding

from .markup import Html, escaped

PUBLISHED, SETTING, SECTION = "published", "setting", "section"
DIGITS = re.compile(r"\d(?:[\d.,]*\d)?")
MISSING = Html('<span class="missing">not measured</span>')


def number(text: str, source: str) -> Html:
    """A number, or a text with numbers, with its source: `published`, `setting`, or the id of a finding."""
    return Html(f'<span class="n" data-source="{escaped(source)}">{escaped(text)}</span>')


def of_finding(finding: Finding | None, form: str, value: float | None = None) -> Html:
    """The value of a finding in this `str.format` form; `value` replaces its effect. Without one: `not measured`."""
    value = finding.effect if value is None and finding is not None else value
    if finding is None or value is None:
        return MISSING
    return number(form.format(value), finding.id)


def with_interval(finding: Finding | None, form: str) -> Html:
    """`14.7 (13.2–16.3)`: the value of a finding with its interval, if it has one."""
    if finding is None or finding.effect is None:
        return MISSING
    text = form.format(finding.effect)
    if finding.interval:
        low, high = (form.format(end) for end in finding.interval)
        text += f" ({low}–{high})"
    return number(text, finding.id)


def marked(text: str, source: str = SETTING) -> Html:
    """A text of this program or of a record, whose numbers all have the same source."""
    pieces, position = [], 0
    for match in DIGITS.finditer(text):
        pieces += [escaped(text[position : match.start()]), str(number(match[0], source))]
        position = match.end()
    return Html("".join([*pieces, escaped(text[position:])]))


def sentence(template: str, **values: Html | str) -> Html:
    """A text whose own numbers are settings, with values in its `{fields}`: finished pieces, or texts of settings."""
    pieces = re.split(r"\{(\w+)\}", template)
    shown = [str(marked(piece)) if i % 2 == 0 else _piece(values[piece]) for i, piece in enumerate(pieces)]
    return Html("".join(shown))


def _piece(value: Html | str) -> str:
    return str(value) if isinstance(value, Html) else str(marked(value))
