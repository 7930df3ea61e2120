"""Checking a page: it is built again from the sealed recording that it names, and compared part by part.

A page that the same program made with the same packages has to be the same, byte for byte. Otherwise its numbers,
verdicts, drawn values and sources have to be, and the summary says what was not compared.
"""

import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import takewhile, zip_longest
from pathlib import Path

from workbench.paths import recording_path
from workbench.text_cleaning import Target, cleaned

from . import build, page_numbers, verification
from .page_maker import PROGRAM
from .page_numbers import Page
from .page_parts import Kind, Part
from .verification import Verification

MAX_SHOWN = 20
BEFORE_CHARACTERS, SHOWN_CHARACTERS = 30, 100  # of a long text, around the first character that differs
DATA = frozenset({Kind.NUMBER, Kind.VERDICT, Kind.DRAWN_VALUE, Kind.SOURCE})
NOT_COMPARED = "its words, drawings, script and markup were not compared"
WITH_OTHER_PACKAGES = frozenset(Kind) - {Kind.DRAWING}


def verify(path: Path) -> Verification:
    """Build the page again from its experiment and compare the two.

    Raises `UserError` for a file that is no page, and `RecordingError` where its experiment is gone.
    """
    page = page_numbers.read(path)
    recording = recording_path(page.experiment)
    recorded = verification.verify(recording, page.digest)
    if recorded.mismatches:
        return Verification(str(path), recorded.mismatches, "")
    with tempfile.TemporaryDirectory(prefix="tracetrack-page-") as folder:
        return compare(path, build.build(str(recording), Path(folder) / "html").page)


def compare(path: Path, rebuilt_path: Path) -> Verification:
    """Compare a page with the one that was built again; raises `UserError` for a file that is no page."""
    page, rebuilt = page_numbers.read(path), page_numbers.read(rebuilt_path)
    kinds, exception = _compared_kinds(page.made_with, rebuilt.made_with)
    lines = list(differences(page, rebuilt, kinds))
    if not lines and not exception:
        lines = list(_differing_line(path.read_bytes(), rebuilt_path.read_bytes()))
    summary = f"{_agreeing(page, rebuilt)} of {len(page.numbers)} numbers agree with {page.experiment}"
    if not lines:
        summary = f"{summary}; {exception or 'the page is the same, byte for byte'}"
    return Verification(str(path), tuple(lines), summary, is_summed_up=True, max_shown=MAX_SHOWN)


def _compared_kinds(page: Mapping[str, str], rebuilt: Mapping[str, str]) -> tuple[Collection[Kind], str]:
    """The kinds of parts that have to be the same, and of a page that others made what was not compared."""
    names = [name for name in {**rebuilt, **page} if page.get(name) != rebuilt.get(name)]
    if not names:
        return frozenset(Kind), ""
    if not page:
        return DATA, f"it does not say what made it, so {NOT_COMPARED}"
    others = ", ".join(f"{name} {page.get(name, 'unknown')} (here {rebuilt.get(name, 'none')})" for name in names)
    others = cleaned(others, Target.LINE)
    if PROGRAM in names:
        return DATA, f"it was made with another {others}, so {NOT_COMPARED}"
    return WITH_OTHER_PACKAGES, f"it was made with {others}, so its drawings and classes were not compared"


def _agreeing(page: Page, rebuilt: Page) -> int:
    """How many numbers of the page are those of the one that was built again."""
    changed = sum(on_page is not None for _, on_page, _ in _unequal(page, rebuilt, {Kind.NUMBER}))
    return len(page.numbers) - changed


def differences(page: Page, rebuilt: Page, kinds: Collection[Kind] = frozenset(Kind)) -> Iterator[str]:
    """Yield a line for each part of these kinds that differs, is missing, or is not in the recording."""
    for (kind, place), on_page, recomputed in _unequal(page, rebuilt, kinds):
        name = place if kind is Kind.NUMBER else f"{kind.value} ({place})"
        yield cleaned(f"{name or 'a number without a source'}: {_difference(on_page, recomputed)}", Target.LINE)


def _difference(on_page: str | None, recomputed: str | None) -> str:
    if on_page is None:
        return f"the page lacks {_excerpt(recomputed or '')}"
    if recomputed is None:
        return f"the page has {_excerpt(on_page)}, which the recording does not give"
    same = _same_beginning(on_page, recomputed)
    return f"the page has {_excerpt(on_page, same)}, and the recording gives {_excerpt(recomputed, same)}"


def _unequal(
    page: Page, rebuilt: Page, kinds: Collection[Kind]
) -> Iterator[tuple[tuple[Kind, str], str | None, str | None]]:
    """Yield kind and place with both texts of each part that is not the same, kind by kind; None for a missing one."""
    shown, computed = _by_place(page.parts, kinds), _by_place(rebuilt.parts, kinds)
    order = list(Kind)
    for key in sorted({**shown, **computed}, key=lambda key: order.index(key[0])):
        texts = shown.get(key, []), computed.get(key, [])
        start = _same_beginning(*texts)
        end = _same_beginning(*(text[start:][::-1] for text in texts))
        rest = (text[start : len(text) - end] for text in texts)
        for on_page, recomputed in zip_longest(*rest):
            yield key, on_page, recomputed


def _by_place(parts: Sequence[Part], kinds: Collection[Kind]) -> dict[tuple[Kind, str], list[str]]:
    texts = defaultdict(list)
    for part in parts:
        if part.kind in kinds:
            texts[part.kind, part.place].append(part.text)
    return texts


def _same_beginning(first: Sequence[str], second: Sequence[str]) -> int:
    """The number of items, or characters, that two sequences have in common from their start."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))


def _excerpt(text: str, same: int = 0) -> str:
    """The text, or of a long one what surrounds the first character after the `same` ones."""
    if len(text) <= SHOWN_CHARACTERS:
        return text
    start = max(0, min(same, len(text)) - BEFORE_CHARACTERS)
    end = start + SHOWN_CHARACTERS
    return f"{'…' * (start > 0)}{text[start:end]}{'…' * (end < len(text))}"


def _differing_line(page: bytes, rebuilt: bytes) -> Iterator[str]:
    """Yield where two pages with the same parts begin to differ in their bytes, such as in a comment or a class."""
    pairs = zip_longest(page.split(b"\n"), rebuilt.split(b"\n"), fillvalue=b"")
    for number, lines in enumerate(pairs, start=1):
        if lines[0] != lines[1]:
            on_page, recomputed = (line.decode(errors="replace").replace("\r", "␍") for line in lines)
            yield cleaned(f"markup (line {number}): {_difference(on_page, recomputed)}", Target.LINE)
            return
