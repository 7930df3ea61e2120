"""Checking a page: every number on it is computed again from the sealed recording that it names."""

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

from workbench.paths import recording_path

from . import build, page_numbers, verification
from .page_numbers import Page, PageNumber
from .verification import Verification

MAX_SHOWN = 20


def verify(path: Path) -> Verification:
    """Build the page again from its experiment and compare the numbers, source by source.

    Raises `UserError` for a file that is no page, and `RecordingError` where its experiment is gone.
    """
    page = page_numbers.read(path)
    recording = recording_path(page.experiment)
    recorded = verification.verify(recording, page.digest)
    if recorded.mismatches:
        return Verification(str(path), recorded.mismatches, "")
    with tempfile.TemporaryDirectory(prefix="tracetrack-page-") as folder:
        rebuilt = page_numbers.read(build.build(str(recording), Path(folder) / "html").page)
    lines = list(differences(page, rebuilt))
    agreeing = max(len(page.numbers), len(rebuilt.numbers)) - len(lines)
    if len(lines) > MAX_SHOWN:
        lines = [*lines[:MAX_SHOWN], f"and {len(lines) - MAX_SHOWN} others"]
    summary = f"{agreeing} of {len(page.numbers)} numbers agree with {page.experiment}"
    return Verification(str(path), (*lines, summary) if lines else (), summary)


def differences(page: Page, rebuilt: Page) -> Iterator[str]:
    """Yield a line for each number that differs, is missing, or is not in the recording."""
    shown, computed = _by_source(page.numbers), _by_source(rebuilt.numbers)
    for source in [*shown, *(source for source in computed if source not in shown)]:
        for on_page, recomputed in zip_longest(shown.get(source, []), computed.get(source, [])):
            if on_page == recomputed:
                continue
            name = source or "a number without a source"
            if on_page is None:
                yield f"{name}: the page lacks {recomputed}"
            elif recomputed is None:
                yield f"{name}: the page has {on_page}, which the recording does not give"
            else:
                yield f"{name}: the page has {on_page}, and the recording gives {recomputed}"


def _by_source(numbers: Sequence[PageNumber]) -> dict[str, list[str]]:
    texts = defaultdict(list)
    for number in numbers:
        texts[number.source].append(number.text)
    return texts
