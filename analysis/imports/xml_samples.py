"""Samples of a JTL in XML as columns of staged rows: a column at once is several times as fast as a row."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from .jmeter_csv import TRANSACTION
from .staged_rows import ALL, MAX_INTEGER, http_status, integer

Attributes = dict[str, str]
T = TypeVar("T")
US_PER_MS = 1000
MESSAGE = "failureMessage"
# Attributes by their short names, each with that of JMeter before 2.1.
LONG = {"t": "time", "ts": "timeStamp", "lb": "label", "tn": "threadName", "rc": "responseCode",
        "rm": "responseMessage", "s": "success", "by": "bytes"}  # fmt: skip
IDLE, COUNTS = "it", ("sc", "ec")


def columns(samples: Sequence[Attributes], *, stamps_end: bool) -> dict[str, Any]:
    """The staged columns of samples by their attributes; a time stamp is that of the end with `stamps_end`.

    The message of a failed assertion is the attribute `MESSAGE`.
    """
    texts = {short: _texts(samples, short, long) for short, long in LONG.items()}
    at_us, latency_us = _integers(texts["ts"], US_PER_MS), _integers(texts["t"], US_PER_MS)
    idle_us = _integers(_texts(samples, IDLE, IDLE), US_PER_MS)
    counts: Any = [_integers(_texts(samples, name, name)) for name in COUNTS]
    reasons = _each(list(zip(texts["rc"], texts["rm"], strict=True)), _reason)
    return {
        "at_us": pc.if_else(latency_us.is_valid(), pc.subtract(at_us, latency_us), at_us) if stamps_end else at_us,
        "latency_us": latency_us,
        "endpoint": [text or ALL for text in texts["lb"]],
        "user_name": texts["tn"],
        "status": _each(texts["rc"], http_status),
        "ok": [text == "true" for text in texts["s"]],
        "error": [each.get(MESSAGE) or reason for each, reason in zip(samples, reasons, strict=True)],
        "bytes": _integers(texts["by"]),
        "is_group": _each(texts["rm"], _stands_for_others),
        "span_us": pc.add(latency_us, idle_us.fill_null(0)),
        "samples": pc.max_element_wise(*counts),
    }


def is_group(sample: Attributes) -> bool:
    """Whether a sample stands for the samples within it."""
    return _stands_for_others(sample.get("rm") or sample.get(LONG["rm"]))


def _texts(samples: Sequence[Attributes], short: str, long: str) -> list[str | None]:
    """The values of an attribute; None where it is missing or empty."""
    texts = [each.get(short) or None for each in samples]
    return (
        [text or each.get(long) or None for text, each in zip(texts, samples, strict=True)] if None in texts else texts
    )


def _each(texts: Sequence[T], function: Callable[[T], Any]) -> list[Any]:
    """A function of texts, called once for each of the few different ones."""
    values = {text: function(text) for text in set(texts)}
    return [values[text] for text in texts]


def _reason(code_and_message: tuple[str | None, str | None]) -> str | None:
    return " ".join(filter(None, code_and_message)).strip() or None


def _integers(texts: Sequence[str | None], factor: int = 1) -> pa.Array:
    """The numbers in texts times a factor, as `staged_rows.integer` has them."""
    column = pa.array(texts, pa.string())
    if not pc.any(pc.match_substring_regex(column, "[^0-9]")).as_py():
        try:
            numbers = pc.multiply_checked(column.cast(pa.int64()), factor)
            if (pc.max(numbers).as_py() or 0) <= MAX_INTEGER:
                return numbers
        except pa.ArrowInvalid:
            pass  # one of them is too large
    return pa.array([integer(text, factor) for text in texts], pa.int64())


def _stands_for_others(message: str | None) -> bool:
    return message is not None and message.startswith(TRANSACTION)
