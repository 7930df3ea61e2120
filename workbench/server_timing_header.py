"""The columns of a request row that come from the application's `Server-Timing` header.

A header is what the application says, and it may say anything. A value that is no number, is given twice, or does not
fit into the latency of its request is discarded, which is null in the row and counted. The times in the application,
`app` and its parts, are discarded together: without one of them the others do not add up.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .request_schema import COLUMNS, DURATION, DURATIONS, NUMBER, PARTS, WORD, RequestColumn

# A metric of the header (a list of `name;parameter=value`): its parameters in any order, values quoted or not.
_METRIC = r'(?:^|,)\s*{name}\s*(?:;\s*\w+\s*=\s*(?:"[^"]*"|[^",;]*)\s*)*?;\s*{parameter}\s*=\s*"?(?P<value>[^",;]*)'
_NAMED = r"(?:^|,)\s*{name}\s*;"
_NAMED_TWICE = r"{named}[^,]*\bdur\s*=[^,]*;\s*dur\s*="
_FORMS = {
    DURATION: r"^\s*[0-9]{1,6}(?:\.[0-9]{1,9})?\s*$",  # ms, up to 16 minutes; a longer one does not fit
    NUMBER: r"^\s*[0-9]{1,4}\s*$",
    WORD: r"^\s*[a-z]+\s*$",
}
QUEUE, APP = "queue_us", "app_us"
PARTS_US = tuple(f"{part}_us" for part in PARTS)
# Each time is rounded to a microsecond, on both sides.
ROUNDING_US = 2
SUM_ROUNDING_US = len(PARTS) + 1

Columns = dict[str, Any]  # Arrow arrays by name


def columns(header: Any, latency_us: Any, discarded: Counter[str]) -> Columns:
    """The columns that the headers of some requests fill; `latency_us` are their latencies.

    `discarded` is increased by the number of values of each duration that were given and are null.
    """
    given = {spec.name: _given(header, spec) for spec in COLUMNS if spec.metric}
    read = {spec.name: _read(header, given[spec.name], spec) for spec in COLUMNS if spec.metric}
    fitting = _fitting(read, given, latency_us.cast(pa.int64()))
    for name in DURATIONS:
        if number := pc.sum(pc.and_(given[name].is_valid(), fitting[name].is_null())).as_py():
            discarded[name] += number
    return fitting


def discarded_note(record: Mapping[str, Any]) -> list[str]:
    """A line with the discarded values of a run's record; nothing where there are none."""
    counts = record.get("discarded_timings") or {}
    if not counts:
        return []
    numbers = ", ".join(f"{name.removesuffix('_us')} of {number:,}" for name, number in sorted(counts.items()))
    return [f"timings that the application sent and that cannot be are left out, by requests: {numbers}"]


def _given(header: Any, spec: RequestColumn) -> Any:
    """The text of one metric in each header, null where it is missing."""
    parameter = "dur" if spec.of_metric == DURATION else "desc"
    return pc.struct_field(pc.extract_regex(header, _METRIC.format(name=spec.metric, parameter=parameter)), "value")


def _read(header: Any, given: Any, spec: RequestColumn) -> Any:
    """The value of one metric in each header, durations in µs; null for none, two, or another form."""
    named = _NAMED.format(name=spec.metric)
    is_single = pc.and_(
        pc.equal(pc.count_substring_regex(header, named), pa.scalar(1)),
        pc.invert(pc.match_substring_regex(header, _NAMED_TWICE.format(named=named))),
    )
    is_good = pc.and_(is_single, pc.match_substring_regex(given, _FORMS[spec.of_metric]))
    value = pc.utf8_trim_whitespace(pc.if_else(is_good, given, None))
    if spec.of_metric != DURATION:
        return value
    return pc.round(pc.multiply(value.cast(pa.float64()), 1000.0)).cast(pa.int64())


def _fitting(read: Columns, given: Columns, latency_us: Any) -> Columns:
    """The values without those that do not fit into the latency, and the times in the application as a whole."""
    within = (APP, *PARTS_US)
    is_read = _all(pc.or_(given[name].is_null(), read[name].is_valid()) for name in within)
    parts_us = reduce(pc.add, (pc.fill_null(read[name], 0) for name in PARTS_US))
    app_us = pc.if_else(read[APP].is_valid(), read[APP], parts_us)
    fits = _all(
        [
            is_read,
            pc.less_equal(app_us, pc.add(latency_us, ROUNDING_US)),
            pc.less_equal(parts_us, pc.add(app_us, SUM_ROUNDING_US)),
        ]
    )
    kept = {name: pc.if_else(fits, read[name], None) for name in within}
    before_us = pc.add(read[QUEUE], pc.fill_null(kept[APP], 0))
    queue_us = pc.if_else(pc.less_equal(before_us, pc.add(latency_us, ROUNDING_US)), read[QUEUE], None)
    return read | kept | {QUEUE: queue_us}


def _all(conditions: Iterable[Any]) -> Any:
    return reduce(pc.and_, conditions)
