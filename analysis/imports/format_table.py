"""The formats of other tools' results, each with how it is recognised and what reads it.

To add one: a module that reads it into staged rows, and a row in `FORMATS`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from workbench.errors import UserError

from . import (
    gatling_log,
    histogram_log,
    jmeter_csv,
    jmeter_xml,
    k6_csv,
    k6_json,
    locust_requests,
    locust_statistics,
    percentile_text,
    vegeta_results,
)
from .import_options import ImportOptions
from .result_file import ResultFile
from .staged_rows import Reading

Reader = Callable[[ResultFile, Path, Path, ImportOptions], Reading]


class Format(NamedTuple):
    """A format of the option's `name`, which a `tool` writes.

    One of the functions is true for the first line of a file of it, or for its beginning. `lack` says what a first line
    lacks to be read, as the end of a sentence about the file; it is empty for nothing.
    """

    name: str
    tool: str
    read: Reader
    is_first_line: Callable[[str], bool] = lambda _: False
    is_head: Callable[[str], bool] = lambda _: False
    lack: Callable[[str, ImportOptions], str] = lambda *_: ""


_JMETER_CSV = Format(
    "jmeter-csv",
    "JMeter",
    jmeter_csv.read,
    lambda line: jmeter_csv.is_header(line) or jmeter_csv.is_row(line),
    lack=jmeter_csv.lack,
)
# In the order in which they are tried: one that could be taken for another comes first.
FORMATS = (
    Format("jmeter-xml", "JMeter", jmeter_xml.read, is_head=jmeter_xml.is_head, lack=jmeter_xml.lack),
    Format("k6-csv", "k6", k6_csv.read, k6_csv.is_header, lack=k6_csv.lack),
    Format("locust-stats", "Locust", locust_statistics.read, locust_statistics.is_header, lack=locust_statistics.lack),
    Format("locust-requests", "Locust", locust_requests.read, locust_requests.is_header, lack=locust_requests.lack),
    _JMETER_CSV,
    Format("vegeta-csv", "Vegeta", vegeta_results.read_csv, vegeta_results.is_csv_row, lack=vegeta_results.csv_lack),
    Format("vegeta-json", "Vegeta", vegeta_results.read_json, vegeta_results.is_json_line),
    Format("k6-json", "k6", k6_json.read, k6_json.is_line),
    Format("gatling", "Gatling", gatling_log.read, gatling_log.is_line),
    Format("hlog", "HdrHistogram", histogram_log.read, is_head=histogram_log.is_head),
    Format("hgrm", "HdrHistogram", percentile_text.read, is_head=percentile_text.is_head),
)
NAMES = tuple(each.name for each in FORMATS)
GOB_MARKS = (b"Result\x01", b"Timestamp", b"Latency")  # names of the type that begins a stream of Vegeta
K6_SUMMARY = '"root_group"'
GATLING_MARK = "simulation.log"
MAX_QUOTED = 60  # characters of a first line in a message


def find(source: ResultFile, options: ImportOptions) -> Format:
    """The format of a file: that of the option, or the one that its content has.

    Raises `UserError` for no known format, and for that of the option where the file has another one, or lacks what the
    format needs.
    """
    first = source.first_lines()[0]
    recognised = _recognised(source, first)
    named = next((each for each in FORMATS if each.name == options.format), None)
    if named is _JMETER_CSV and options.columns:  # its user says what the columns are, whatever they look like
        return named
    if not recognised and (reason := _known_reason(source, first)):
        raise UserError(f"{source.named} {reason}")
    chosen = named or (recognised[0] if recognised else None)
    if chosen is None:
        raise UserError(
            f"{source.named} begins with {first[:MAX_QUOTED]!r}, which is none of the known formats "
            f"({', '.join(NAMES)}); name it with --format"
        )
    lack = chosen.lack(first, options)
    if recognised and chosen not in recognised:
        other = recognised[0].name
        raise UserError(
            f"{source.named} {lack or f'is not in the format {chosen.name}'}; it looks like {other}: leave out --format"
        )
    if lack:
        raise UserError(f"{source.named} {lack}; give results of {chosen.tool}, or another --format")
    return chosen


def _recognised(source: ResultFile, first: str) -> list[Format]:
    """The formats that a file with this first line may have, the likeliest one first."""
    text = source.head().decode(errors="replace").removeprefix("\ufeff")
    return [each for each in FORMATS if each.is_first_line(first) or each.is_head(text)]


def _known_reason(source: ResultFile, first: str) -> str:
    """Why a file is known to have no results, as the end of a sentence about it; empty for no such reason."""
    head = source.head()
    if _is_binary(head):
        return _binary_reason(source, head)
    if other := locust_statistics.other_file(first):
        return f"has {other} of Locust, which has no requests; give NAME_stats.csv beside it"
    if K6_SUMMARY.encode() in head:
        return "is a summary of k6, which has no requests; run it with --out json=FILE"
    return ""


def _is_binary(head: bytes) -> bool:
    """Whether the beginning of a file is no text, whatever its encoding."""
    controls = sum(byte < 32 and byte not in b"\t\n\r\x1b" for byte in head[:1024])
    return controls > 0


def _binary_reason(source: ResultFile, head: bytes) -> str:
    """Which binary format a file has, and what to do."""
    if all(mark in head for mark in GOB_MARKS):
        return "is in Vegeta's own encoding (gob); convert it: vegeta encode --to json"
    if source.named.name.startswith(GATLING_MARK):
        return f"{gatling_log.BINARY}; {gatling_log.REMEDY}"
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "is text in UTF-16; convert it to UTF-8"
    return "is binary, and no known format; see docs/IMPORTS.md"
