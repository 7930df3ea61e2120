"""The project speaks in the field's standard terms: these home-made words do not come back, in code or in text."""

import io
import json
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("workbench", "instrumentation", "reference_app", "loadgen", "analysis", "reports", "lab", "bench")
TEXTS = ("README.md", "objectives.toml", "docs/*.md", "reports/template/*", "notebooks/*.ipynb", "Makefile")
# Word (a regular expression) and the term in its place.
HOME_MADE = {
    r"fore(tell|told|telling|see|seen|saw)\w*|unforeseen": "predict, prediction, modelled",
    r"\bbeliev\w*": "valid, invalid, trusted",
    r"\bg[ai]ves? (way|out)\b|\bgave (way|out)\b|gave_out": "saturated resource",
    r"\btold\b|\btell(s|ing)?\b": "reported, summary, message, reason",
    r"\bwho(ever)? (waits|asks|comes|holds|is not)\b": "name the actor: request, worker, caller",
    r"\bsomebody\b|\bnobody (is|was|else|has|hears|asks|waits|gets|knows|can)\b": "name the actor: request, worker",
    r"\blet go\b|let_go|wait_for_the_word": "start signal, release",
    r"\bcertified\b|\brefuted\b": "lower bound, upper bound; sustained, not sustained",
    r"\bundecided\b": "inconclusive",
    r"\bunsent\b": "dropped arrivals",
    r"\bright answers?\b|\banswered rightly\b": "successful responses",
    r"\btaken[ _]away\b": "leave-one-out, without",
    r"\bpolite(ly)?\b": "low priority",
    r"\bcrowd\b": "start barrier",
    r"\bsurroundings\b": "app environment",
    r"\bjudge?ments?\b": "verdict, finding",
}
IDENTIFIERS = {
    r"(^|_)(found|told|said|twice|again|worth|chance|asked|begun|ours)(_|$)|^BASE$": "a noun, see docs/GLOSSARY.md",
    r"^(MOST|FEWEST|LONGEST)_": "MAX_, MIN_",
}
# Where an old word has to stand: aliases of stored keys, and the list of what was renamed.
EXEMPT = {"workbench/record_format.py", "docs/CHANGELOG.md"}


def sources():
    files = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return [path for path in files if name(path) not in EXEMPT]


def texts():
    files = (path for pattern in TEXTS for path in sorted(ROOT.glob(pattern)) if path.suffix != ".png")
    return [path for path in files if name(path) not in EXEMPT]


def readable(path):
    """The text of a file that people read; of a notebook that of its cells."""
    if path.suffix != ".ipynb":
        return path.read_text()
    return "\n".join("".join(cell["source"]) for cell in json.loads(path.read_text())["cells"])


def name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", sources() + texts(), ids=name)
def test_no_home_made_word_stands_for_a_standard_term(path):
    found = [
        f"{name(path)}:{number}: {match[0]!r} → {term}"
        for number, line in enumerate(readable(path).splitlines(), start=1)
        for word, term in HOME_MADE.items()
        for match in re.finditer(word, line, re.IGNORECASE)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", sources(), ids=name)
def test_no_identifier_is_a_home_made_word(path):
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
    found = {
        f"{name(path)}:{token.start[0]}: {token.string} → {term}"
        for token in tokens
        if token.type == tokenize.NAME
        for word, term in IDENTIFIERS.items()
        if re.search(word, token.string)
    }
    assert not found, "\n".join(sorted(found))
