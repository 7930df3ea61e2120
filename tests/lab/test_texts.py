"""Numbers and intervals of differences in sentences."""

import pytest

from lab import texts


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-2052.0, -1797.0, "1.80 to 2.05 s less"),
        (94.6, 117.2, "94.6 to 117 ms more"),
        (-1200.0, -800.0, "0.800 to 1.20 s less"),
        (-1.2, 3.4, "1.20 ms less to 3.40 ms more"),
        (-1500.0, 20.0, "1.50 s less to 20.0 ms more"),
        (0.0, 5.0, "0 to 5.00 ms more"),
    ],
)
def test_an_interval_has_one_unit_and_says_less_or_more(low, high, words):
    assert texts.interval_ms(low, high) == words
