"""A plug-in of pytest: `@pytest.mark.sustains(…)` puts an application under load before the body of a test.

    @pytest.mark.sustains("sustained-50", p95_ms=300, blocks=5, command="gunicorn -b 127.0.0.1:$PORT shop:app",
                          locustfile="shop_users.py")
    def test_the_shop_takes_fifty_customers():
        pass

The test fails where the load is not sustained, with what was measured and what was at its limit. It fails as well where
the measurement is invalid or inconclusive, with a text that says so: a test that is skipped looks like one that passed.

Without such a test this module does nothing, and nothing else of the workbench is imported.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .marked_load import MarkedLoad

MARK = "sustains"
MARKER = (
    f"{MARK}(scenario, p95_ms, blocks=4, target=URL | command=WORDS | deployment=NAME, locustfile=None, tags=(), "
    "scale=None, confirm_target=None): the application sustains the load, with the p95 of every endpoint below p95_ms"
)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark."""
    config.addinivalue_line("markers", MARKER)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Check the arguments of each mark. Raises `UsageError` with a line for each mistake."""
    mistakes = [f"{item.nodeid}: {line}" for item in items for load in _loads(item) for line in load.mistakes()]
    if mistakes:
        raise pytest.UsageError("\n".join(dict.fromkeys(mistakes)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Measure each load of the test, after its fixtures are set up; the first that is not sustained fails the test."""
    for load in _loads(item):
        result = load.measure()
        item.user_properties.append((MARK, result.text.partition("\n")[0]))
        if not result.is_sustained:
            pytest.fail(result.text, pytrace=False)


def _loads(item: pytest.Item) -> "list[MarkedLoad]":
    """The loads of the marks of a test, in their order."""
    marks = list(item.iter_markers(MARK))
    if not marks:
        return []
    from .marked_load import MarkedLoad

    return [MarkedLoad(mark.args, mark.kwargs, item.path.parent) for mark in reversed(marks)]
