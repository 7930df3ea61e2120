"""Numbers in sentences: three significant digits, without an exponent."""

import math

DIGITS = 3


def number(value: float) -> str:
    """`0.0123`, `4.56`, `789`, `12,345`."""
    if not value or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(0, DIGITS - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"


def milliseconds(value: float) -> str:
    """`4.56 ms`; from a second on `1.23 s`."""
    return f"{number(value)} ms" if abs(value) < 999.5 else f"{number(value / 1000)} s"


def interval_ms(low: float, high: float) -> str:
    """An interval of a difference: `4.56 to 12.3 ms less`; with both signs `1.20 ms less to 3.40 ms more`."""
    if low < 0 < high:
        return f"{more_or_less(low)} to {more_or_less(high)}"
    nearer, farther = sorted((abs(low), abs(high)))
    unit = milliseconds(farther).rpartition(" ")[2]
    first = milliseconds(nearer).removesuffix(f" {unit}") if unit == "ms" else number(nearer / 1000)
    return f"{first} to {more_or_less(max(low, high, key=abs))}"


def more_or_less(change_ms: float) -> str:
    """`4.56 ms less`, `1.23 s more`."""
    return f"{milliseconds(abs(change_ms))} {'less' if change_ms < 0 else 'more'}"


def counted(amount: int, noun: str) -> str:
    """`1 block`, `1,234 requests`."""
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"
