"""Sections on a page of arms of a user's own: no words and no loads of the published system."""

import json
from pathlib import Path

import pytest

from reports.sections import capacity, trust, users, why
from tests.builders import Builder
from tests.reports.page_reader import page_text, report_of, table_cells
from workbench.arms import TUNED

SOURCE = {"kind": "command", "command": "serve shop", "folder": "/srv/shop"}
NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "03-report.ipynb"


def _run(builder: Builder, arm: str, scenario: str, block: int = 0, **options):
    run = builder.run(TUNED, scenario, block=block, **options)
    run.record["deployment"] |= {"name": arm, "source": SOURCE}
    return run


@pytest.fixture
def searched(builder):
    """Two arms in as many blocks as each has, and a search for the capacity of the second one."""

    def make(base_blocks: int = 4, head_blocks: int = 4):
        blocks = {"base": base_blocks, "head": head_blocks}
        runs = [_run(builder, arm, "burst-25", block) for arm, number in blocks.items() for block in range(number)]
        probes = [_run(builder, "head", "open-8", 9), _run(builder, "head", "open-16", 9, slower=200)]
        arms = [{"name": name, **SOURCE} for name in blocks]
        search = {"deployment": "head", "family": "open"}
        return report_of(builder.experiment(*runs, probes=probes, searches=[search], comparison={"arms": arms}))

    return make


def test_no_burst_of_the_published_system_is_missed(searched):
    text = page_text(why(searched()))
    assert "saturated resources" in text
    assert "burst of 50 users" not in text
    assert "set-up" not in text


def test_capacities_are_those_of_arms(searched):
    report = searched()
    row = table_cells(capacity.capacity(report), "Capacity of each arm")["head"]
    assert (row["load"], row["capacity"]) == ("requests/s", "(8–16)")
    assert "set-up" not in page_text(users(report))


def test_the_heading_of_capacities_holds_for_requests_a_second_too():
    cells = ["".join(cell["source"]) for cell in json.loads(NOTEBOOK.read_text())["cells"]]
    assert "## How much load it sustains" in cells


@pytest.mark.parametrize(
    ("blocks", "sentence"),
    [
        ((4, 4), "2 of 2 pairs of an arm and a load ran in 4 blocks or more."),
        ((4, 2), "1 of 2 pairs of an arm and a load ran in 4 blocks or more. The others ran in at most 2 blocks"),
        ((1, 1), "No arm ran in 4 blocks or more, so no comparison of arms has an interval."),
        ((0, 0), "No arm has a valid run outside of the search for capacity."),
    ],
)
def test_blocks_are_counted_without_the_loads_of_a_search(searched, blocks, sentence):
    assert sentence in page_text(trust(searched(*blocks)))
