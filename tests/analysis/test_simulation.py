"""The simulation against what can be worked out, against formulas, and against an independent simulator."""

import math

import ciw
import numpy as np
import pytest

from analysis.queueing import replay_burst
from analysis.queueing.engine import Cores, Delay, Engine, Places, Work
from analysis.queueing.simulation import Holding, Machine, burst, predicted

STEPS = ("login", "dashboard", "search")


def ends(*jobs, cores=1):
    """When each job (its begin, its work, whether it is polite) is done, ms."""
    engine, done = Engine(), {}
    shared = Cores(engine, cores)

    def job(number, ms, polite):
        yield Work(shared, ms, polite)
        done[number] = engine.now_ms

    for number, (begin_ms, ms, polite) in enumerate(jobs):
        engine.start(job(number, ms, polite), begin_ms)
    engine.run()
    return [done[number] for number in range(len(jobs))]


def test_who_works_alone_takes_the_time_of_the_work():
    assert ends((5, 10, False)) == pytest.approx([15])


def test_two_share_a_core_evenly_and_the_longer_one_has_it_alone_at_the_end():
    assert ends((0, 10, False), (0, 30, False)) == pytest.approx([20, 40])
    assert ends((0, 10, False), (0, 30, False), cores=2) == pytest.approx([10, 30])
    assert ends((0, 10, False), (0, 10, False), (0, 10, False), cores=2) == pytest.approx([15, 15, 15])


def test_who_comes_later_takes_a_share_from_then_on():
    assert ends((0, 10, False), (5, 10, False)) == pytest.approx([15, 20])


def test_who_is_polite_has_what_others_leave():
    assert ends((0, 10, True), (2, 10, False)) == pytest.approx([20, 12])
    assert ends((0, 10, True), (0, 10, False), cores=2) == pytest.approx([10, 10])
    assert ends((0, 10, True), (0, 10, True), (0, 4, False), cores=2) == pytest.approx([12, 12, 4])


def poisson(make, customers, rate, seed):
    """Mean times in the system (after the first tenth) of customers who come at random: `make(engine, random)` gives
    what each of them does."""
    engine, random, taken = Engine(), np.random.default_rng(seed), []
    serve = make(engine, random)

    def customer():
        came_ms = engine.now_ms
        yield from serve()
        taken.append(engine.now_ms - came_ms)

    for at_ms in np.cumsum(random.exponential(1 / rate, customers)):
        engine.start(customer(), at_ms)
    engine.run()
    return np.array(taken[customers // 10 :])


def first_come(servers):
    def make(engine, random):
        place = Places(engine, servers)

        def serve():
            yield place
            yield Delay(random.exponential(1.0))
            place.release()

        return serve

    return make


def erlang_c(servers, load):
    """The mean time in the system of M/M/c, in services (Erlang 1917)."""
    busy = load**servers / math.factorial(servers) / (1 - load / servers)
    waits = busy / (sum(load**n / math.factorial(n) for n in range(servers)) + busy)
    return 1 + waits / (servers - load)


@pytest.mark.simulated
@pytest.mark.parametrize(("servers", "load"), [(1, 0.7), (2, 1.5), (4, 3.0)])
def test_first_come_first_served_is_as_erlang_has_it_and_as_another_simulator(servers, load):
    means = [poisson(first_come(servers), 40_000, load, seed).mean() for seed in range(8)]
    error = np.std(means, ddof=1) / math.sqrt(8)
    print(f"M/M/{servers}, load {load}: {np.mean(means):.3f} ± {error:.3f}, Erlang {erlang_c(servers, load):.3f}")
    assert np.mean(means) == pytest.approx(erlang_c(servers, load), abs=4 * error)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=load)],
        service_distributions=[ciw.dists.Exponential(rate=1.0)],
        number_of_servers=[servers],
    )
    theirs = []
    for seed in range(8):
        ciw.seed(seed)
        simulated = ciw.Simulation(network)
        simulated.simulate_until_max_time(40_000 / load / 2)
        records = [record for record in simulated.get_all_records() if record.arrival_date > 2_000 / load]
        theirs.append(np.mean([record.waiting_time + record.service_time for record in records]))
    both = math.hypot(error, np.std(theirs, ddof=1) / math.sqrt(8))
    print(f"    ciw {np.mean(theirs):.3f}")
    assert np.mean(means) == pytest.approx(np.mean(theirs), abs=4 * both)


@pytest.mark.simulated
@pytest.mark.parametrize("kind", ["exponential", "two-point"])
def test_who_shares_a_core_takes_as_long_whatever_the_works_distribution(kind):
    """M/G/1 with processor sharing: work over what is left of the core (Kleinrock 1967)."""

    def make(engine, random):
        core = Cores(engine, 1)

        def serve():
            ms = random.exponential(1.0) if kind == "exponential" else random.choice([0.2, 5.0], p=[5 / 6, 1 / 6])
            yield Work(core, ms)

        return serve

    means = [poisson(make, 30_000, 0.6, seed).mean() for seed in range(8)]
    error = np.std(means, ddof=1) / math.sqrt(8)
    print(f"M/G/1-PS, {kind}: {np.mean(means):.3f} ± {error:.3f}, {1 / 0.4:.3f} by the formula")
    assert np.mean(means) == pytest.approx(1 / 0.4, abs=4 * error)


def held(ms, hash_ms=0.0):
    return [Holding(transport_ms=0.0, computing_ms=ms, database_ms=0.0, hash_ms=hash_ms)]


def test_one_worker_is_the_replay_of_its_queue():
    service_ms = {"login": 100.0, "dashboard": 80.0, "search": 5.0}
    rows = burst(Machine(cores=2, workers=1), {name: held(ms) for name, ms in service_ms.items()}, 20, STEPS, seed=1)
    replayed = replay_burst(service_ms, 20)
    key = ["user", "endpoint"]
    ours, theirs = (frame.sort_values(key).reset_index(drop=True) for frame in (rows, replayed))
    assert ours["latency_ms"].to_list() == pytest.approx(theirs["latency_ms"].to_list())
    assert ours["start_ms"].to_list() == pytest.approx(theirs["start_ms"].to_list())


def last_ms(rows):
    return (rows["start_ms"] + rows["latency_ms"]).max()


def test_work_takes_the_cores_that_there_are_and_the_workers_that_take_it():
    holds = {"login": held(10.0)}
    for cores, workers, wanted_ms in ((1, 1, 120), (2, 1, 120), (2, 2, 60), (1, 2, 120), (4, 2, 60)):
        machine = Machine(cores=cores, workers=workers)
        assert last_ms(burst(machine, holds, 12, ("login",), seed=1)) == pytest.approx(wanted_ms)


def test_threads_of_a_worker_run_python_one_at_a_time_and_hash_together():
    threads = Machine(cores=4, workers=1, threads=8)
    assert last_ms(burst(threads, {"login": held(10.0)}, 4, ("login",), seed=1)) == pytest.approx(40)
    assert last_ms(burst(threads, {"login": held(0.0, hash_ms=10.0)}, 4, ("login",), seed=1)) == pytest.approx(10)
    one_hash = Machine(cores=4, workers=1, threads=8, hashes=1)
    assert last_ms(burst(one_hash, {"login": held(0.0, hash_ms=10.0)}, 4, ("login",), seed=1)) == pytest.approx(40)


def test_a_pool_lets_so_many_ask_the_database_at_once():
    asks = {"search": [Holding(0.0, 0.0, 30.0, 0.0, away_ms=30.0)]}
    for connections, wanted_ms in ((1, 120), (2, 60), (4, 30), (9, 30)):
        machine = Machine(cores=1, workers=1, threads=8, connections=connections)
        assert last_ms(burst(machine, asks, 4, ("search",), seed=1)) == pytest.approx(wanted_ms)


def test_the_same_seed_draws_the_same_burst():
    holds = {name: [*held(1.0), *held(9.0)] for name in STEPS}
    machine = Machine(cores=2, workers=2, threads=4)
    first, again, other = (burst(machine, holds, 10, STEPS, seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_a_burst_is_predicted_from_single_requests_and_set_beside_the_measured_one(made):
    experiment = made.experiment(made.run("as-measured", "single"), made.run("as-measured", "burst-50"))
    table = predicted(experiment, "as-measured", 50).set_index("figure")
    assert table["predicted"].to_list() == pytest.approx(table["measured"].to_list())
    assert table.loc["duration", "predicted"] == pytest.approx(9.25)


def test_without_single_requests_or_for_a_server_it_does_not_know_nothing_is_predicted(made):
    assert predicted(made.experiment(made.run()), "as-measured", 50).empty
    gevent = made.experiment(made.run("as-advised", "single"), name="gevent")
    assert predicted(gevent, "as-advised", 50).empty
