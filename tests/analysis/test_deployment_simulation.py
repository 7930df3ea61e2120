"""The simulation against what can be worked out, against formulas, and against an independent simulator."""

import math

import ciw
import numpy as np
import pytest

from analysis.queueing import replay_burst
from analysis.queueing.deployment_simulation import Load, Simulation
from analysis.queueing.discrete_event import Cores, Delay, Environment, Resource, Work
from analysis.queueing.mva import Station, solve
from analysis.queueing.server_model import ServerModel
from analysis.queueing.service_demands import Demands, EndpointDemands, ServiceDemand

STEPS = ("login", "dashboard", "search")


def ends(*jobs, cores=1):
    """When each job (its begin, its work, whether its priority is low) is done, ms."""
    environment, done = Environment(), {}
    shared = Cores(environment, cores)

    def job(number, ms, low_priority):
        yield Work(shared, ms, low_priority)
        done[number] = environment.now_ms

    for number, (begin_ms, ms, low_priority) in enumerate(jobs):
        environment.start(job(number, ms, low_priority), begin_ms)
    environment.run()
    return [done[number] for number in range(len(jobs))]


def test_who_works_alone_takes_the_time_of_the_work():
    assert ends((5, 10, False)) == pytest.approx([15])


def test_two_share_a_core_evenly_and_the_longer_one_has_it_alone_at_the_end():
    assert ends((0, 10, False), (0, 30, False)) == pytest.approx([20, 40])
    assert ends((0, 10, False), (0, 30, False), cores=2) == pytest.approx([10, 30])
    assert ends((0, 10, False), (0, 10, False), (0, 10, False), cores=2) == pytest.approx([15, 15, 15])


def test_who_comes_later_takes_a_share_from_then_on():
    assert ends((0, 10, False), (5, 10, False)) == pytest.approx([15, 20])


def test_work_of_low_priority_has_what_others_leave():
    assert ends((0, 10, True), (2, 10, False)) == pytest.approx([20, 12])
    assert ends((0, 10, True), (0, 10, False), cores=2) == pytest.approx([10, 10])
    assert ends((0, 10, True), (0, 10, True), (0, 4, False), cores=2) == pytest.approx([12, 12, 4])


def test_work_that_several_do_at_once_is_done_when_the_last_of_them_is():
    environment, done = Environment(), {}
    shared = Cores(environment, 2)

    def job(name, processes):
        yield Work(shared, 12, processes=processes)
        done[name] = environment.now_ms

    environment.start(job("alone", 2))
    environment.run()
    assert done == {"alone": 6}
    environment.start(job("two", 2))
    environment.start(job("one", 1))
    environment.run()
    # Three share two cores until two of them have done 6 each, at 9; the third has 6 left, and a core.
    assert (done["two"], done["one"]) == (pytest.approx(6 + 9), pytest.approx(6 + 9 + 6))


def poisson(make, customers, rate, seed):
    """Mean times in the system (after the first tenth) of customers who come at random: `make(environment, random)`
    gives what each of them does."""
    environment, random, taken = Environment(), np.random.default_rng(seed), []
    serve = make(environment, random)

    def customer():
        came_ms = environment.now_ms
        yield from serve()
        taken.append(environment.now_ms - came_ms)

    for at_ms in np.cumsum(random.exponential(1 / rate, customers)):
        environment.start(customer(), at_ms)
    environment.run()
    return np.array(taken[customers // 10 :])


def first_come(servers):
    def make(environment, random):
        place = Resource(environment, servers)

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


def mean_and_p95(times):
    return np.mean(times), np.quantile(times, 0.95)


def over_seeds(figures):
    """The mean over the seeds, and its standard error."""
    figures = np.array(figures)
    return figures.mean(axis=0), figures.std(axis=0, ddof=1) / math.sqrt(len(figures))


def by_ciw(servers, load, seed):
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=load)],
        service_distributions=[ciw.dists.Exponential(rate=1.0)],
        number_of_servers=[servers],
    )
    ciw.seed(seed)
    simulated = ciw.Simulation(network)
    simulated.simulate_until_max_time(40_000 / load / 2)
    records = [record for record in simulated.get_all_records() if record.arrival_date > 2_000 / load]
    return [record.waiting_time + record.service_time for record in records]


@pytest.mark.simulated
@pytest.mark.parametrize(("servers", "load"), [(1, 0.7), (2, 1.5), (4, 3.0)])
def test_first_come_first_served_is_as_erlang_has_it_and_as_another_simulator(servers, load):
    ours, error = over_seeds([mean_and_p95(poisson(first_come(servers), 40_000, load, seed)) for seed in range(8)])
    theirs, their_error = over_seeds([mean_and_p95(by_ciw(servers, load, seed)) for seed in range(8)])
    print(
        f"M/M/{servers}, load {load}: mean {ours[0]:.3f} ± {error[0]:.3f}, Erlang {erlang_c(servers, load):.3f}, "
        f"ciw {theirs[0]:.3f}; p95 {ours[1]:.3f} ± {error[1]:.3f}, ciw {theirs[1]:.3f}"
    )
    assert ours[0] == pytest.approx(erlang_c(servers, load), abs=4 * error[0])
    if servers == 1:  # the time in the system is exponential
        assert ours[1] == pytest.approx(math.log(20) / (1 - load), abs=4 * error[1])
    assert (np.abs(ours - theirs) <= 4 * np.hypot(error, their_error)).all()


@pytest.mark.simulated
@pytest.mark.parametrize("kind", ["exponential", "two-point"])
def test_who_shares_a_core_takes_as_long_whatever_the_works_distribution(kind):
    """M/G/1 with processor sharing: work over what is left of the core (Kleinrock 1967)."""

    def make(environment, random):
        core = Cores(environment, 1)

        def serve():
            ms = random.exponential(1.0) if kind == "exponential" else (0.2 if random.random() < 5 / 6 else 5.0)
            yield Work(core, ms)

        return serve

    means = [poisson(make, 30_000, 0.6, seed).mean() for seed in range(8)]
    error = np.std(means, ddof=1) / math.sqrt(8)
    print(f"M/G/1-PS, {kind}: {np.mean(means):.3f} ± {error:.3f}, {1 / 0.4:.3f} by the formula")
    assert np.mean(means) == pytest.approx(1 / 0.4, abs=4 * error)


def needs(**held):
    """By endpoint the holdings that requests are drawn from; a number is a time of computing."""
    lists = {name: ones if isinstance(ones, list) else [ones] for name, ones in held.items()}
    return Demands(
        {
            name: EndpointDemands(
                (), tuple(one if isinstance(one, ServiceDemand) else ServiceDemand(float(one)) for one in ones), 0.0
            )
            for name, ones in lists.items()
        }
    )


def burst(machine, demands, users, steps=("login",), seed=1):
    return Simulation(machine, demands, seed).burst(users, steps)


def last_ms(rows):
    return (rows["start_ms"] + rows["latency_ms"]).max()


def test_one_worker_is_the_replay_of_its_queue():
    service_ms = {"login": 100.0, "dashboard": 80.0, "search": 5.0}
    rows = burst(ServerModel(cores=2, workers=1), needs(**service_ms), 20, STEPS)
    replayed = replay_burst(service_ms, 20)
    key = ["user", "endpoint"]
    ours, theirs = (frame.sort_values(key).reset_index(drop=True) for frame in (rows, replayed))
    assert ours["latency_ms"].to_list() == pytest.approx(theirs["latency_ms"].to_list())
    assert ours["start_ms"].to_list() == pytest.approx(theirs["start_ms"].to_list())


def test_work_takes_the_cores_that_there_are_and_the_workers_that_take_it():
    for cores, workers, wanted_ms in ((1, 1, 120), (2, 1, 120), (2, 2, 60), (1, 2, 120), (4, 2, 60)):
        assert last_ms(burst(ServerModel(cores=cores, workers=workers), needs(login=10), 12)) == pytest.approx(
            wanted_ms
        )


def test_threads_of_a_worker_run_python_one_at_a_time_and_hash_together():
    threads, hashes = ServerModel(cores=4, workers=1, threads=8), needs(login=ServiceDemand(0.0, hash_ms=10.0))
    assert last_ms(burst(threads, needs(login=10), 4)) == pytest.approx(40)
    assert last_ms(burst(threads, hashes, 4)) == pytest.approx(10)
    one_hash = ServerModel(cores=4, workers=1, threads=8, hash_slots=1)
    assert last_ms(burst(one_hash, hashes, 4)) == pytest.approx(40)


def test_a_loop_takes_any_number_of_requests_and_stands_still_for_a_hash():
    loop = ServerModel(cores=4, workers=1, threads=None, connections=None, parallel_hashes=False)
    away = needs(login=ServiceDemand(0.0, database_wait_ms=10.0))
    assert last_ms(burst(loop, away, 50)) == pytest.approx(10)
    assert last_ms(burst(loop, needs(login=ServiceDemand(0.0, hash_ms=10.0)), 4)) == pytest.approx(40)
    blocking = ServerModel(
        cores=4, workers=1, threads=None, connections=None, parallel_hashes=False, blocking_queries=True
    )
    assert last_ms(burst(blocking, away, 4)) == pytest.approx(40)


def test_a_pool_lets_so_many_ask_the_database_at_once():
    asks = needs(search=ServiceDemand(0.0, database_wait_ms=30.0))
    for connections, wanted_ms in ((1, 120), (2, 60), (4, 30), (9, 30), (None, 30)):
        machine = ServerModel(cores=1, workers=1, threads=8, connections=connections)
        assert last_ms(burst(machine, asks, 4, ("search",))) == pytest.approx(wanted_ms)


def test_the_load_generator_sends_one_after_the_other_on_the_same_cores():
    sends = needs(login=ServiceDemand(0.0, send_ms=5.0))
    assert last_ms(burst(ServerModel(cores=4, workers=4), sends, 6)) == pytest.approx(30)
    both = needs(login=ServiceDemand(10.0, send_ms=5.0))
    assert last_ms(burst(ServerModel(cores=1, workers=4), both, 6)) == pytest.approx(90)


def test_what_is_done_after_the_answer_is_in_nobodys_latency_but_takes_the_worker():
    rows = burst(ServerModel(cores=2, workers=1, threads=8), needs(login=ServiceDemand(10.0, after_ms=20.0)), 2)
    assert rows["latency_ms"].to_list() == pytest.approx([10, 20])
    steps = burst(
        ServerModel(cores=2, workers=1, threads=8), needs(login=ServiceDemand(10.0, after_ms=20.0)), 1, ("login",) * 2
    )
    assert steps["latency_ms"].to_list() == pytest.approx([10, 30])


def test_a_worker_of_one_request_at_a_time_takes_the_next_when_it_is_done_with_the_last():
    rows = burst(
        ServerModel(cores=2, workers=1), needs(login=ServiceDemand(5.0, database_wait_ms=20.0, after_ms=2.0)), 3
    )
    assert rows["latency_ms"].to_list() == pytest.approx([25, 52, 79])


def test_workers_that_share_their_requests_have_each_their_connections_and_hashes():
    asks = needs(login=ServiceDemand(0.0, database_wait_ms=30.0))
    assert last_ms(burst(ServerModel(cores=1, workers=4, connections=1), asks, 4)) == pytest.approx(30)
    # Who asks has the connection until the answer is read: two threads with one connection take turns.
    reads = needs(login=ServiceDemand(0.0, database_wait_ms=10.0, database_client_ms=5.0))
    assert last_ms(burst(ServerModel(cores=4, workers=1, threads=2, connections=1), reads, 2)) == pytest.approx(30)
    assert last_ms(burst(ServerModel(cores=4, workers=1, threads=2, connections=2), reads, 2)) == pytest.approx(20)
    loop = ServerModel(cores=4, workers=1, threads=None, connections=None, parallel_hashes=False, blocking_queries=True)
    assert last_ms(burst(loop, reads, 2)) == pytest.approx(30)
    hashes = needs(login=ServiceDemand(0.0, hash_ms=10.0))
    assert last_ms(burst(ServerModel(cores=4, workers=4, hash_slots=1), hashes, 4)) == pytest.approx(10)


def test_connections_go_to_workers_by_their_shares():
    work = needs(login=ServiceDemand(1.0))
    busy = ServerModel(cores=4, workers=2, threads=None, connections=None, worker_shares=(1.0, 0.0))
    assert last_ms(burst(busy, work, 40)) == pytest.approx(40)
    even = ServerModel(cores=4, workers=2, threads=None, connections=None)
    assert last_ms(burst(even, work, 40)) < 30


def test_the_same_seed_draws_the_same_burst():
    demands, machine = needs(login=[1, 9], dashboard=[1, 9], search=[1, 9]), ServerModel(cores=2, workers=2, threads=4)
    first, again, other = (burst(machine, demands, 10, STEPS, seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


SHARES = {"login": 0.2, "search": 0.8}


def test_open_load_comes_at_its_rate_whatever_the_answers_and_is_counted_from_its_warm_up():
    load = Load("open", 200, SHARES, warmup_s=2.0, duration_s=50.0)
    rows = Simulation(ServerModel(cores=1, workers=1), needs(login=20, search=20), 1).steady(load)
    assert len(rows) == pytest.approx(10_000, rel=0.05)
    assert (rows["endpoint"] == "search").mean() == pytest.approx(0.8, abs=0.02)
    assert rows["start_ms"].min() >= 2000
    assert rows["start_ms"].max() < 52_000
    assert rows["latency_ms"].max() > 100_000, "a worker with work for four has the others wait"


def test_users_begin_with_a_login_and_think_in_between():
    load = Load("sustained", 40, SHARES, warmup_s=0.0, duration_s=200.0, think_s=(1.0, 3.0))
    rows = Simulation(ServerModel(cores=1, workers=1, threads=9), needs(login=1, search=1), 1).steady(load)
    first = rows.groupby("user").first()
    assert len(first) == 40
    assert set(first["endpoint"]) == {"login"}
    assert first["start_ms"].between(0, 3000).all()
    pauses = rows.groupby("user")["start_ms"].diff().dropna() - rows.groupby("user")["latency_ms"].shift().dropna()
    assert pauses.between(999.9, 3000.1).all()
    assert len(rows) == pytest.approx(40 * 200 / 2.0, rel=0.03)


@pytest.mark.simulated
def test_an_open_load_on_two_workers_waits_as_erlang_has_it():
    service_ms = np.random.default_rng(3).exponential(10.0, 5000)
    demands, rate = needs(login=list(service_ms)), 150.0
    load = Load("open", rate, {"login": 1.0}, warmup_s=10.0, duration_s=300.0)
    means = [
        Simulation(ServerModel(cores=2, workers=2), demands, seed).steady(load)["latency_ms"].mean()
        for seed in range(8)
    ]
    error, scale = np.std(means, ddof=1) / math.sqrt(8), service_ms.mean()
    wanted_ms = scale * erlang_c(2, rate * scale / 1000)
    print(f"M/M/2 as a deployment: {np.mean(means):.2f} ± {error:.2f} ms, Erlang {wanted_ms:.2f}")
    assert np.mean(means) == pytest.approx(wanted_ms, abs=4 * error)


@pytest.mark.simulated
@pytest.mark.parametrize("users", [20, 60, 90])
def test_users_who_think_wait_for_one_worker_as_the_closed_network_has_it(users):
    """Mean-value analysis, exact for exponential services; how the thinking is distributed makes no difference."""
    drawn_ms = np.random.default_rng(3).exponential(25.0, 5000)
    load = Load("sustained", users, {"login": 1.0}, warmup_s=60.0, duration_s=1500.0, think_s=(1.0, 3.0))
    runs = [
        Simulation(ServerModel(cores=1, workers=1), needs(login=list(drawn_ms)), seed).steady(load) for seed in range(6)
    ]
    means = [rows["latency_ms"].mean() for rows in runs]
    error = np.std(means, ddof=1) / math.sqrt(6)
    wanted = solve([Station("worker", float(drawn_ms.mean()))], users, 2000.0)
    print(f"{users} users: {np.mean(means):.1f} ± {error:.1f} ms, mean-value analysis {wanted.response_ms:.1f}")
    assert np.mean(means) == pytest.approx(wanted.response_ms, abs=4 * error, rel=0.01)
