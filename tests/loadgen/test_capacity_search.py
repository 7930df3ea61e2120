"""The rounds of a capacity search, with deployments whose limit is known."""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np
import pytest

from analysis.capacity.bracket import Probe, bracket
from analysis.capacity.sentinel import Sentinel, void_blocks
from loadgen import capacity_search, profiles
from loadgen.profile import Search
from loadgen.run_spec import run_name

SEARCHES = (Search("as-measured", "open", 8), Search("tuned", "open", 100), Search("tuned", "sustained", 100, most=150))
SENTINEL = profiles.find("capacity").sentinel
BLOCKS = 4  # of the plan, which come first
LIMITS = {("as-measured", "open"): 5, ("tuned", "open"): 333, ("tuned", "sustained"): 1000}


def tried(seed=1, limits=LIMITS, searches=SEARCHES):
    """The runs of each round, and the probes by deployment and family."""
    probes = {}

    def probe_of(spec):
        family, load = spec.scenario.split("-")
        probe = Probe(float(load), float(load) <= limits[spec.deployment, family])
        probes.setdefault((spec.deployment, family), []).append(probe)
        return probe

    return [round_.specs for round_ in capacity_search.rounds(searches, "small", seed, BLOCKS, probe_of)], probes


def test_rounds_know_how_many_runs_follow_once_there_is_a_bracket():
    rounds = list(
        capacity_search.rounds(
            SEARCHES[1:2], "small", 1, BLOCKS, lambda spec: Probe(load := int(spec.scenario[5:]), load <= 333)
        )
    )
    following = [len(rounds) - number for number in range(1, len(rounds) + 1)]
    assert [round_.later for round_ in rounds][-3:] == following[-3:]
    assert all(round_.later > 0 for round_ in rounds[:-1])


def test_rounds_end_with_the_bracket_of_each_limit():
    _, probes = tried()
    for searched, limit in LIMITS.items():
        result = bracket(probes[searched])
        if searched == ("tuned", "sustained"):  # the highest load of this search
            assert (result.lower_bound, result.upper_bound) == (150, None)
        else:
            assert result.lower_bound <= limit < result.upper_bound


def test_round_has_one_load_of_each_unfinished_search():
    rounds, probes = tried()
    runs = Counter((spec.deployment, spec.scenario.split("-")[0]) for specs in rounds for spec in specs)
    assert runs == {searched: len(tried) for searched, tried in probes.items()}
    for number, specs in enumerate(rounds):
        assert [spec.block for spec in specs] == [BLOCKS + number] * len(specs)
        assert [spec.position for spec in specs] == list(range(len(specs)))
        assert len({(spec.deployment, spec.scenario.split("-")[0]) for spec in specs}) == len(specs)


def test_rounds_of_the_same_seed_and_probes_are_the_same():
    assert tried(4)[0] == tried(4)[0]
    first_rounds = {tuple((spec.deployment, spec.scenario) for spec in tried(seed)[0][0]) for seed in range(10)}
    assert len(first_rounds) > 1


def test_probes_have_folders_of_their_own():
    names = [run_name(spec) for specs in tried()[0] for spec in specs]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("profile", ["capacity", "what-if", "smoke"])
def test_searches_of_a_profile_can_be_run(profile):
    assert profiles.find(profile).searches
    limits = {(search.deployment, search.family): search.first for search in profiles.find(profile).searches}
    for specs in tried(limits=limits, searches=profiles.find(profile).searches)[0]:
        for spec in specs:
            spec.check()


def test_rounds_without_a_search_are_none():
    assert tried(searches=())[0] == []


def limit_of(deployment):
    return 100.0 * int(deployment)


@dataclass
class Machine:
    """A machine on which probes take 28 s and sentinels 5 s, with a neighbour for `busy_s` seconds.

    Of deployments that sustain 100, 200 … the neighbour leaves `left` of the capacity; the sentinel takes as much
    longer.
    """

    random: np.random.Generator
    busy_s: tuple[float, float] = (0.0, 0.0)
    left: float = 1.0
    now_s: float = 1e6
    probes: dict[str, list[Probe]] = field(default_factory=lambda: defaultdict(list))
    sentinels: list[Sentinel] = field(default_factory=list)
    runs: list[tuple[float, str]] = field(default_factory=list)

    def probe_of(self, spec):
        left, load = self._pass(28.0, spec), float(spec.scenario.removeprefix("open-"))
        is_sustained = self.random.random() < 1 / (1 + (load / left / limit_of(spec.deployment)) ** 20)
        self.probes[spec.deployment].append(Probe(load, bool(is_sustained), block=spec.block, ended_s=self.now_s))
        return self.probes[spec.deployment][-1]

    def sentinel_of(self, spec):
        duration_s = self.random.lognormal(0.0, 0.08) / self._pass(5.0, spec)
        self.sentinels.append(Sentinel(spec.block - (spec.position == 0), duration_s, self.now_s))
        return self.sentinels[-1]

    def search(self, sentinel=SENTINEL, searches=1):
        """Carry out searches and return their brackets by deployment; the runs of a round begin when they may."""
        started = [Search(f"{number}", "open", 30, blocks=5) for number in range(1, searches + 1)]
        rounds = capacity_search.rounds(
            started, "small", 1, 0, self.probe_of, lambda search: 0.9 * limit_of(search.deployment),
            sentinel, self.sentinel_of if sentinel else None,
        )  # fmt: skip
        for round_ in rounds:
            self.now_s = max(self.now_s, round_.not_before_s)
        void = void_blocks(self.sentinels)
        return {
            deployment: bracket([probe for probe in probes if probe.block not in void], 5)
            for deployment, probes in self.probes.items()
        }

    def _pass(self, seconds, spec):
        """The share of the capacity that a run has, which is the neighbour's if it is there for a fifth of the run."""
        begin_s, self.now_s = self.now_s, self.now_s + seconds
        self.runs.append((begin_s, spec.scenario))
        shared_s = min(self.now_s, self.busy_s[1]) - max(begin_s, self.busy_s[0])
        return self.left if shared_s > seconds / 5 else 1.0


def test_a_sentinel_runs_before_the_first_round_and_after_each():
    machine = Machine(np.random.default_rng(1))
    machine.search()
    scenarios = [scenario for _, scenario in machine.runs]
    assert scenarios[0] == scenarios[-1] == SENTINEL.scenario
    assert "burst-200 burst-200" not in " ".join(scenarios)
    assert [sentinel.block for sentinel in machine.sentinels] == list(range(-1, machine.probes["1"][-1].block + 1))


def test_probes_that_confirm_a_bound_span_more_than_ten_minutes():
    machine = Machine(np.random.default_rng(1))
    found = machine.search()["1"]
    for end in found.ends:
        ends_s = sorted(probe.ended_s for probe in machine.probes["1"] if probe.load == end)
        assert ends_s[4] - ends_s[0] > 600


def test_a_load_whose_run_was_invalid_is_tried_again_at_once():
    answers = iter([None])
    rounds = capacity_search.rounds(
        SEARCHES[:1], "small", 1, 0, lambda spec: Probe(float(spec.scenario[5:]), next(answers, True), ended_s=1e9)
    )
    first, second = next(rounds), next(rounds)
    assert first.specs[0].scenario == second.specs[0].scenario
    assert second.not_before_s == 0


def test_rounds_of_the_same_probes_are_the_same_after_an_interruption():
    first, second = (Machine(np.random.default_rng(2), (1e6 + 300, 1e6 + 900), 0.5) for _ in range(2))
    assert (first.search(), first.runs) == (second.search(), second.runs)


def disturbed_brackets(left, sentinel, searches, experiments):
    """Share of brackets that are wrong or lack an end, and the minutes of an experiment without a neighbour."""
    random, bad = np.random.default_rng(5), 0
    quiet = [Machine(random) for _ in range(10)]
    for machine in quiet:
        machine.search(sentinel, searches)
    span_s = np.mean([machine.now_s for machine in quiet]) - 1e6
    for _ in range(experiments):
        begin_s = 1e6 + random.uniform(-600, span_s)
        machine = Machine(random, (begin_s, begin_s + 600), left)
        for deployment, found in machine.search(sentinel, searches).items():
            limit = limit_of(deployment)
            bad += found.ends is None or not found.lower_bound <= limit <= found.upper_bound
    return bad / experiments / searches, span_s / 60


@pytest.mark.parametrize("searches", [1, 5])
@pytest.mark.parametrize("left", [0.5, 0.8])
@pytest.mark.simulated
def test_a_neighbour_for_ten_minutes_does_not_decide_a_bound(left, searches, monkeypatch):
    """It comes at any time during the search."""
    spaced, minutes = disturbed_brackets(left, SENTINEL, searches, 150 // searches)
    monkeypatch.setattr(capacity_search, "MIN_GAP_S", -math.inf)
    in_a_row, fewer_minutes = disturbed_brackets(left, None, searches, 150 // searches)
    print(
        f"a neighbour leaves {left:.0%}, {searches} searches: {spaced:.1%} of the brackets wrong or open, "
        f"{minutes:.0f} min; probes in a row and no sentinel: {in_a_row:.1%}, {fewer_minutes:.0f} min"
    )
    assert spaced <= 0.06
    if searches == 1:
        assert in_a_row >= 0.15
