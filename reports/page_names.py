"""File names of the pages of reports and comparisons, of their views, and of the stored facts beside them."""

import re
from hashlib import sha256

PAGE, FINDINGS, SUMMARY, JUNIT = "optimization-results.html", "findings.json", "summary.md", "junit.xml"
DISCARDED = (FINDINGS, SUMMARY, JUNIT)  # what a CI reads of a report
REPORT_FACTS, COMPARISON_FACTS = ".report.json", ".comparison.json"
RESERVED = re.compile(r"(index|optimization-results|peers|peers-.*|compare-.*)", re.IGNORECASE)  # names of other pages
MAX_STEM_CHARACTERS = 100
DIGEST_CHARACTERS = 8


def report_stem(experiment: str) -> str:
    """The file name of an experiment's report without its ending: its id, where that is a file name of its own."""
    stem = _file_name(experiment)
    return f"experiment-{stem}" if RESERVED.fullmatch(stem) else stem


def comparison_stem(before: str, after: str) -> str:
    """The file name of a comparison without its ending: `compare-<A>-<B>`."""
    return f"compare-{_file_name(before)}-{_file_name(after)}"


def distinct_stem(before: str, after: str) -> str:
    """A file name for a comparison whose `comparison_stem` is that of another pair: a-b with c, and a with b-c."""
    return f"{comparison_stem(before, after)}-{_digest(f'{before}/{after}')}"


def _file_name(name: str) -> str:
    """A name as a part of a file name; one that had to be changed or cut ends with a digest, which keeps it unique."""
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[:MAX_STEM_CHARACTERS]
    return safe if safe == name else f"{safe}-{_digest(name)}".lstrip("-")


def _digest(text: str) -> str:
    return sha256(text.encode(errors="surrogateescape")).hexdigest()[:DIGEST_CHARACTERS]
