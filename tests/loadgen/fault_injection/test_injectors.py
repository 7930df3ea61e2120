"""Each injector on a real stack: its fault is in force from `begin` to `end`, and gone afterwards."""

import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace

import psutil
import psycopg2
import pytest
import redis

from loadgen import services
from loadgen.fault_injection.database_faults import APPLICATION_SESSIONS
from loadgen.fault_injection.injectors import INJECTORS
from loadgen.fault_injection.process_faults import KERNEL, busy_worker, first_worker
from loadgen.fault_scenarios import WITH_TRIGGER
from tests.processes import wait_until
from tests.resilience import chaos_world
from tests.resilience.chaos_clients import Client
from tests.resilience.chaos_steps import Dashboard, Login, Scan
from workbench import faults
from workbench.errors import UserError

pytestmark = pytest.mark.resilience

LOCKS = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'tracetrack.bag'::regclass"
DELAYS = "SELECT count(*) FROM pg_proc WHERE proname = 'slow_down' AND prosrc LIKE '%pg_sleep%'"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with chaos_world.running(tmp_path_factory.mktemp("injected")) as started:
        yield started


@pytest.fixture
def target(world):
    """The stack, with sessions of the application at the server that are idle."""
    client = Client(world.address, world.ledger)
    wait_until(lambda: client.send(Login(0, 0)).status == 302 and client.send(Dashboard(0)).status == 200)
    world.settle()
    return world.target


class Injections:
    """Faults that were begun; those that are in force are ended after the test."""

    def __init__(self, target):
        self._target = target
        self._in_force = []

    def begin(self, name):
        injector = INJECTORS[name](self._target)
        self._in_force.append(injector)
        injector.prepare()
        injector.begin()
        return injector

    def end(self):
        """End all, once each, and wait until what they took away is there again."""
        for injector in self._in_force:
            injector.end()
        wait_until(lambda: all(injector.is_over() for injector in self._in_force))
        self._in_force.clear()


@pytest.fixture
def injections(target):
    made = Injections(target)
    yield made
    made.end()


def sessions(world):
    return {pid for (pid,) in world.query(f"SELECT pid {APPLICATION_SESSIONS}".replace("%(database)s", "%s"))}


def stands_still(pid):
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED


def connects(url):
    try:
        services.connect(url).close()
    except UserError:
        return False
    return True


def answers(url):
    with redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=None) as client:
        try:
            return client.ping()
        except redis.RedisError:
            return False


def test_injectors_are_those_of_the_catalogue():
    assert INJECTORS.keys() == faults.KINDS.keys()


def test_idle_sessions_are_ended(world, injections):
    before = sessions(world)
    injections.begin("idle-backends-terminated")
    wait_until(lambda: not before & sessions(world))


def test_idle_sessions_of_a_server_without_any_cannot_be_ended(target):
    without = replace(target, database="postgres")
    with pytest.raises(UserError, match="no session of the application was idle"):
        INJECTORS["idle-backends-terminated"](without).begin()


def test_bags_are_locked_until_the_end(world, injections):
    injections.begin("bags-locked")
    assert world.query(LOCKS) == [(1,)]
    injections.end()
    wait_until(lambda: world.query(LOCKS) == [(0,)])


def test_busy_sessions_are_ended_that_wait_for_the_lock(world, injections):
    injections.begin("busy-backends-terminated")
    with closing(psycopg2.connect(world.target.server.application_url_of(world.target.database))) as waiting:
        with waiting.cursor() as cursor:
            cursor.execute("SET application_name = 'tracetrack'; SET lock_timeout = '100ms'")
            with pytest.raises(psycopg2.errors.LockNotAvailable):
                cursor.execute("SELECT count(*) FROM tracetrack.bag")
        # In an open transaction it is not idle, though it waits for no lock any more.
        injections.end()
        wait_until(lambda: waiting.info.backend_pid not in sessions(world))
    assert world.query(LOCKS) == [(0,)]


@pytest.mark.parametrize("name", ["database-stopped", "failover"])
def test_server_is_away_until_the_end_and_then_serves_again(world, injections, name):
    server = world.target.server
    injector, pid = injections.begin(name), server.pid
    wait_until(server.child.ended)
    assert not injector.is_over()
    injections.end()
    assert server.pid != pid
    assert connects(server.url)


def test_server_of_another_owner_cannot_be_stopped(target):
    foreign = replace(target, server=replace(target.server, child=None))
    for name in ("database-stopped", "failover", "backend-frozen"):
        injector = INJECTORS[name](foreign)
        with pytest.raises(UserError, match="of DATABASE_URL"):
            injector.begin()
        injector.end()


def test_backend_stands_still_until_the_end(world, injections):
    injections.begin("backend-frozen")
    wait_until(lambda: any(map(stands_still, sessions(world))))
    injections.end()
    wait_until(lambda: not any(map(stands_still, sessions(world))))


def test_connections_are_used_up_until_the_end(world, injections):
    url = world.target.server.application_url_of(world.target.database)
    injections.begin("connections-used-up")
    assert not connects(url)
    assert connects(world.target.server.url)
    injections.end()
    wait_until(lambda: connects(url))


def test_an_application_that_connects_again_and_again_keeps_no_connection(world, injections):
    url, is_over, held_s = world.target.server.application_url_of(world.target.database), threading.Event(), []

    def insist():
        while not is_over.wait(0.02):
            with (
                suppress(psycopg2.OperationalError),
                closing(psycopg2.connect(url, application_name="tracetrack")) as own,
            ):
                began_s = time.monotonic()
                with suppress(psycopg2.OperationalError), own.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(2)")
                held_s.append(time.monotonic() - began_s)

    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(insist)
        try:
            wait_until(lambda: held_s)
            injections.begin("connections-used-up")
            held_s.clear()
            time.sleep(3.0)
        finally:
            is_over.set()
    assert all(seconds < 1.0 for seconds in held_s)


@pytest.mark.parametrize("name", ["black-hole", "black-hole-cold-pool"])
def test_nothing_passes_a_black_hole_until_the_end(world, injections, name):
    before = sessions(world)
    injections.begin(name)
    assert not connects(world.settings.database_url)
    if name == "black-hole-cold-pool":
        wait_until(lambda: not before & sessions(world))
    else:
        assert before <= sessions(world)
    injections.end()
    assert connects(world.settings.database_url)


def test_statements_of_scans_are_slow_until_the_end(world, injections):
    world.query(f"{WITH_TRIGGER} SELECT 1")
    injections.begin("slow-statement")
    assert world.query(DELAYS) == [(1,)]
    injections.end()
    assert world.query(DELAYS) == [(0,)]


@pytest.mark.parametrize("name", ["store-away", "store-frozen"])
def test_store_does_not_answer_until_the_end(world, injections, name):
    injections.begin(name)
    assert not answers(world.settings.redis_url)
    injections.end()
    wait_until(lambda: answers(world.settings.redis_url))


def test_first_worker_is_killed_where_none_is_busy(world, injections):
    pid = first_worker(world.target)
    injector = injections.begin("worker-killed")
    wait_until(lambda: not psutil.pid_exists(pid))
    injections.end()
    assert injector.problem == ""


def busy_workers(world):
    workers = world.target.environment.metrics.read().values()
    return [values["pid"] for values in workers if values["checked_out"]]


def test_worker_with_a_request_is_the_one_that_is_chosen(world, injections):
    client = Client(world.address, world.ledger)
    client.send(Login(0, 0))
    injections.begin("bags-locked")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.send, Scan(0, 0, 0))
        wait_until(lambda: any(values["checked_out"] for values in world.target.environment.metrics.read().values()))
        (busy,) = [
            values["pid"] for values in world.target.environment.metrics.read().values() if values["checked_out"]
        ]
        assert busy_worker(world.target) == busy
        injections.end()
        waiting.result()


def test_process_that_never_stood_still_is_a_problem(world, injections, monkeypatch):
    injector = injections.begin("worker-stuck")
    wait_until(lambda: stands_still(injector._pid))
    os.kill(injector._pid, signal.SIGCONT)
    wait_until(lambda: not stands_still(injector._pid))
    injections.end()
    assert injector.problem == f"process {injector._pid} did not stand still"


def test_lock_that_nobody_waited_for_is_a_problem(world, injections):
    injector = injections.begin("busy-backends-terminated")
    injections.end()
    assert injector.problem == "no session of the application waited for the lock"


def test_kernel_that_did_not_start_the_run_is_left_alone(target, monkeypatch):
    with subprocess.Popen(["sleep", "60"]) as stranger:
        monkeypatch.setenv(KERNEL, str(stranger.pid))
        with pytest.raises(UserError, match="did not start this run"):
            INJECTORS["kernel-killed"](target).begin()
        assert stranger.poll() is None
        stranger.kill()


def test_first_worker_stands_still_until_the_end(world, injections):
    pid = first_worker(world.target)
    injector = injections.begin("worker-stuck")
    wait_until(lambda: stands_still(pid))
    assert not injector.has_ended_early()
    injections.end()
    wait_until(lambda: not stands_still(pid))


def test_stuck_worker_that_was_replaced_ends_the_fault_early(world, injections):
    pid = first_worker(world.target)
    injector = injections.begin("worker-stuck")
    os.kill(pid, signal.SIGKILL)
    wait_until(injector.has_ended_early)


def test_kernel_without_a_notebook_cannot_be_killed(target, monkeypatch):
    monkeypatch.delenv("TRACETRACK_KERNEL", raising=False)
    with pytest.raises(UserError, match="no notebook kernel started this run"):
        INJECTORS["kernel-killed"](target).begin()


def test_worker_without_a_memory_limit_cannot_run_out_of_memory(target):
    with pytest.raises(UserError, match="no memory limit"):
        INJECTORS["worker-out-of-memory"](target).begin()
