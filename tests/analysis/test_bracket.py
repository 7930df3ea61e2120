"""What the probes of a search show, and the bracket that they leave."""

from analysis.capacity.bracket import Bracket, Probe, bracket, by_load, found


def test_a_load_that_holds_above_one_that_does_not_is_not_certified():
    probes = [Probe(10, True), Probe(20, False), Probe(30, True)]
    assert bracket(probes) == Bracket(10, 20)


def test_nothing_tried_gives_no_bracket():
    assert bracket([]) == Bracket(None, None)


def test_a_load_that_did_not_show_the_same_each_time_is_no_end_of_the_bracket():
    held, broke = [Probe(10, True)] * 3, [Probe(40, False)] * 3
    mixed = [Probe(20, True), Probe(20, False), Probe(20, True)]
    assert bracket([*held, *mixed, *broke], 3) == Bracket(10, 40)


def test_a_verdict_takes_as_many_blocks_as_are_asked_for():
    probes = [*[Probe(10, True)] * 3, Probe(20, True), *[Probe(30, False)] * 2, *[Probe(40, False)] * 3]
    assert bracket(probes, 3) == Bracket(10, 40)
    assert bracket(probes, 1) == Bracket(20, 30)


def test_a_run_that_is_not_believed_counts_for_nothing():
    (load,) = by_load([Probe(10, True), Probe(10, None), Probe(10, True)])
    assert (load.met, load.judged, load.unbelieved, load.is_believed) == (2, 2, 1, True)


def searched(made, *probes):
    """An experiment with these probes of tuned under open load, beside a run of its plan."""
    return made.experiment(made.run("tuned", "open-64"), probes=probes)


def test_what_a_search_found_is_read_from_its_probes(made):
    slow = made.run("tuned", "open-64", slower=200)
    failed = made.run("tuned", "open-32")
    failed.rows[-1] |= {"ok": False, "error": "status 500", "status": 500}
    empty = made.run("tuned", "open-2")
    empty.rows = [row | {"phase": "warmup"} for row in empty.rows]
    unsent = made.run("tuned", "open-16")
    unsent.record["generator"]["dropped"] = {"warmup": 0, "measure": 3}
    held, unbelieved = made.run("tuned", "open-8"), made.run("tuned", "open-4").invalid()
    (one,) = found(searched(made, held, slow, failed, unsent, unbelieved, empty))
    assert [(probe.load, probe.met) for probe in one.probes] == [
        (8, True), (64, False), (32, False), (16, False), (4, None), (2, None),
    ]  # fmt: skip
    said = {probe.load: probe.said for probe in one.probes}
    assert said[64].endswith("ms")
    assert "p95" in said[64]
    measured = [row for row in failed.rows if row["phase"] == "measure"]
    assert said[32] == f"1 of {len(measured)} requests failed"
    assert said[16] == "3 requests could not be sent"
    assert (one.bracket, [probe.load for probe in one.at(8)], one.at(7)) == (Bracket(8, 16), [8], [])


def test_an_experiment_without_a_search_found_nothing(made):
    assert found(made.experiment(made.run())) == []
