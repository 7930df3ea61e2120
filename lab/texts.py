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
    """Both ends with their signs: `-12.3 to +4.56 ms`."""
    return f"{_signed(low)} to {_signed(high)} ms"


def _signed(value: float) -> str:
    return f"+{number(value)}" if value > 0 else number(value)


def counted(amount: int, noun: str) -> str:
    """`1 block`, `1,234 requests`."""
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"
