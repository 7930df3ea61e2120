"""One request: who may have held its worker, what its run read, and the way from request to request and back."""

import shutil
from dataclasses import replace

import ipywidgets
import pytest

from lab.lab_run import LabRun
from lab.microscope import MEANS_OF_RUN, Microscope
from lab.request_trail import RequestTrail
from tests.lab.shown_parts import fallback


@pytest.fixture(scope="module")
def run(exp):
    return exp.run("as-measured", "burst-50").recorded


@pytest.fixture
def slowest(run):
    """The slowest login; a function of it opens it in a run whose server has other settings."""
    row = LabRun(run).requests.slowest("login", 1).table.iloc[0]

    def opened(**settings) -> Microscope:
        deployment = {**run.record["deployment"], "settings": settings}
        return Microscope(replace(run, record={**run.record, "deployment": deployment}), row["user"], row["sequence"])

    return opened


def text_of(place: ipywidgets.VBox) -> str:
    """All text of the widgets below a widget."""
    if isinstance(place, ipywidgets.HTML):
        return place.value
    return " ".join(text_of(child) for child in getattr(place, "children", ()))


def buttons(trail: RequestTrail) -> list[ipywidgets.Button]:
    """The links to other requests."""
    last = trail.place.children[-1]
    return list(last.children) if isinstance(last, ipywidgets.HBox) else []


@pytest.mark.parametrize(
    ("settings", "doubt"),
    [
        ({"server": "sync", "workers": 1}, ""),
        ({"server": "gthread", "threads": 1}, ""),
        ({"server": "gthread", "threads": 4}, " in 4 threads; the one that held it is one of them"),
        ({"server": "gevent", "workers": 8}, " in greenlets; the one that held it is one of them"),
        ({}, " and how many it serves at once is not known; the one that held it is one of them"),
    ],
)
def test_one_of_several_is_said_where_each_could_have_held_the_worker(slowest, settings, doubt):
    opened = slowest(**settings)
    number = len(opened.ahead)
    assert number > 3
    assert f"which served {number} requests{doubt}: " in " ".join(opened.sentences)


@pytest.mark.parametrize("server", ["gevent", "sync"])
def test_a_single_request_in_greenlets_need_not_have_held_the_worker(slowest, server):
    opened = slowest(server=server)
    opened.ahead = opened.ahead.head(1)
    assert ("which need not have held it" in " ".join(opened.sentences)) == (server == "gevent")


def test_the_way_leads_from_holder_to_holder_and_back(run, slowest):
    trail = RequestTrail(slowest(server="sync"))
    first, names = text_of(trail.place), [button.description for button in buttons(trail)]
    assert "← Back" not in [getattr(child, "description", "") for child in trail.place.children]
    for _ in range(2):
        buttons(trail)[-1].click()
        back, opened = trail.place.children[0], text_of(trail.place)
        assert back.description == "← Back"
        assert opened != first
    back.click()
    trail.place.children[0].click()
    assert text_of(trail.place) == first
    assert [button.description for button in buttons(trail)] == names
    trail.back()
    assert text_of(trail.place) == first


def test_the_statements_are_folded_and_said_to_be_of_the_run(slowest):
    opened = slowest(server="sync")
    assert list(opened.statements.columns) == ["statement", "calls", "mean_ms"]
    (row,) = opened.statements.query("statement == 'SELECT $1'").to_dict("records")
    assert row["mean_ms"] == pytest.approx(0.01 * 150 / 149)
    fold = opened.content()[1]
    assert fold.selected_index is None
    assert MEANS_OF_RUN in text_of(fold)
    assert fallback(opened)


def test_a_session_that_was_active_before_does_not_count_at_a_later_reading(builder):
    files = builder.run("tuned")
    (instant_us, *later_us) = sorted({row["at_us"] for row in files.database})
    active = {"at_us": instant_us, "source": "activity", "name": "active", "metric": "none", "value": 2.0}
    files.database.append(active)
    run = LabRun(builder.experiment(files).runs[0])
    rows = run.requests.query("SELECT user, sequence, start_ms + queue_ms AS at_ms FROM measured ORDER BY at_ms").table
    first, last = rows.iloc[0], rows.iloc[-1]
    assert last["at_ms"] * 1000 > later_us[0]
    assert "before: 2 × CPU or nothing." in " ".join(run.microscope(first["user"], first["sequence"]).sentences)
    assert "before: none." in " ".join(run.microscope(last["user"], last["sequence"]).sentences)


def test_what_was_not_read_is_one_sentence_and_the_rest_is_shown(builder):
    files = builder.run("tuned")
    files.database = files.pool = None
    opened = LabRun(builder.experiment(files).runs[0]).microscope(0, 1)
    assert opened.sentences[-1] == "Not read in this run: the pools, the database's sessions, its statements."
    assert len(opened.content()) == 1
    assert fallback(opened)


def test_a_link_into_a_run_that_was_deleted_is_one_line_with_a_way_back(builder):
    recorded = builder.experiment(builder.run("as-measured")).runs[0]
    slowest = LabRun(recorded).requests.slowest("login", 1).table.iloc[0]
    trail = RequestTrail(Microscope(recorded, slowest["user"], slowest["sequence"]))
    first = text_of(trail.place)
    shutil.rmtree(recorded.directory)
    buttons(trail)[0].click()
    assert "was deleted" in text_of(trail.place)
    trail.place.children[0].click()
    assert text_of(trail.place) == first
