"""When each user does their next task: what a scenario's kind means.

Locust asks a task set to wait after each task; here that wait, and one before the first task, decide. So any user
class serves every kind of scenario: in a `burst` each user does so many tasks without a pause, in `sustained` load
they think in between, and in `open` load a task begins when the schedule says, done by whoever is free.
"""

import random
import time
from collections import deque

import gevent
from gevent.event import AsyncResult
from locust import User
from locust.exception import StopUser
from locust.user.task import DefaultTaskSet, TaskSet

from . import summary, timestamps
from .arrivals import Piece, instants_s, share
from .config import PROCESS, PROCESSES
from .start_barrier import Crowd

LONG_NS, WAKING_NS = 2_000_000, 400_000


class Pace:
    """The times of a scenario, by the clock of this machine, once all users have been let go.

    Users are let go together; `first` waits for the first task of a user, `next` for each further one. Both raise
    `StopUser` where there is none.
    """

    def __init__(self, scenario: dict, seed: int, crowd: Crowd):
        self.scenario = scenario
        self.seed = seed
        self.crowd = crowd

    @property
    def warm_ns(self) -> int:
        return self.crowd.released_ns + round(self.scenario["warmup_s"] * 1e9)

    @property
    def end_ns(self) -> int:
        return self.warm_ns + round(self.scenario["duration_s"] * 1e9)

    def first(self, user, who: timestamps.Person) -> None:
        raise NotImplementedError

    def next(self, user, who: timestamps.Person) -> None:
        raise NotImplementedError


class Turns(Pace):
    """So many tasks one after the other, and more until the time is up if there is one."""

    def first(self, user, who):
        user.turns = 0
        who.scheduled_ns = self.crowd.released_ns
        who.measured = not (self.scenario["warmup_passes"] or self.scenario["warmup_s"])

    def next(self, user, who):
        user.turns += 1
        now_ns, warmup = time.monotonic_ns(), self.scenario["warmup_passes"]
        if user.turns >= warmup + self.scenario["passes"] and now_ns >= self.end_ns:
            raise StopUser
        who.measured = user.turns >= warmup and now_ns >= self.warm_ns


class Thinking(Pace):
    """Tasks with a pause between them until the time is up; nothing in flight is cut off.

    A class of users that has a waiting time of its own keeps it.
    """

    def first(self, user, who):
        user.pauses = random.Random(f"{self.seed}/pauses/{who.number}")
        self._pause(who, user.pauses.uniform(0, self.scenario["think_s"][1]))  # or all would stay in step

    def next(self, user, who):
        own = type(user).wait_time is not User.wait_time
        self._pause(who, user.wait_time() if own else user.pauses.uniform(*self.scenario["think_s"]))

    def _pause(self, who, pause_s):
        due_ns = time.monotonic_ns() + round(pause_s * 1e9)
        gevent.sleep(pause_s)
        if time.monotonic_ns() >= self.end_ns:
            raise StopUser
        who.scheduled_ns, who.measured = due_ns, due_ns >= self.warm_ns


class Arriving(Pace):
    """Tasks that begin when the schedule says, whether or not earlier ones have ended; users are the cap in flight."""

    def __init__(self, scenario, seed, crowd):
        super().__init__(scenario, seed, crowd)
        self._free: deque[AsyncResult] = deque()
        self._unsent = {"warmup": 0, "measure": 0}
        summary.about["dropped"] = self._unsent
        gevent.spawn(self._dispatch)

    def first(self, user, who):
        call = AsyncResult()
        self._free.append(call)
        who.scheduled_ns = call.get()
        if who.scheduled_ns is None:
            raise StopUser
        who.measured = who.scheduled_ns >= self.warm_ns

    next = first

    def _dispatch(self):
        self.crowd.wait_for_release()
        gevent.sleep(0)  # until all who were let go stand free
        pieces = [Piece(*piece) for piece in self.scenario["pieces"]]
        instants = instants_s(pieces, self.scenario["arrivals"], f"{self.seed}/arrivals")
        for instant_s in share(instants, PROCESS, PROCESSES):
            due_ns = self.crowd.released_ns + round(instant_s * 1e9)
            _sleep_until(due_ns)
            self._call(due_ns)
        _sleep_until(self.end_ns)
        self._close()

    def _call(self, due_ns):
        if self._free:
            self._free.popleft().set(due_ns)
        else:
            self._unsent["measure" if due_ns >= self.warm_ns else "warmup"] += 1

    def _close(self):
        """Nobody is needed any more: who is free goes, and who is not goes when they come back."""
        self._free, waiting = _Closed(), self._free
        for call in waiting:
            call.set(None)


class _Closed:
    """Where nobody waits any more."""

    def append(self, call: AsyncResult) -> None:
        call.set(None)


KINDS: dict[str, type[Pace]] = {"single": Turns, "burst": Turns, "sustained": Thinking, "open": Arriving}


def govern(environment, scenario: dict, seed: int) -> None:
    """Let the scenario decide when the users of this process do their tasks."""
    crowd = Crowd(environment, PROCESSES)
    pace = KINDS[scenario["kind"]](scenario, seed, crowd)
    run = TaskSet.run
    begun = summary.about["started_tasks"] = {"warmup": 0, "measure": 0}

    execute = TaskSet.execute_task, DefaultTaskSet.execute_task

    def run_from_the_word(self):
        timestamps.acting.set(timestamps.person(self.user))
        crowd.wait_for_all()
        be_called(self.user, pace.first)
        run(self)

    def be_called(user, wait=pace.next):
        who = timestamps.person(user)
        if who.called:
            return
        try:
            wait(user, who)
        except StopUser:
            crowd.over += 1
            raise
        who.called = True
        begun["measure" if who.measured else "warmup"] += 1

    def when_called(execute):
        def begin(self, task):
            # A set of tasks is none itself; and who leaves one goes on with the next task without a wait of Locust's.
            if not (isinstance(task, type) and issubclass(task, TaskSet)):
                be_called(self.user)
                timestamps.person(self.user).called = False
            execute(self, task)

        return begin

    timestamps.Person.measured_at_first = False
    DefaultTaskSet.run = run_from_the_word
    TaskSet.execute_task, DefaultTaskSet.execute_task = map(when_called, execute)
    TaskSet.wait = lambda self: be_called(self.user)
    gevent.spawn(_mark, pace)


def _mark(pace):
    """Note the requests in flight at both ends of the measured time."""
    pace.crowd.wait_for_release()
    for instant_ns in (pace.warm_ns, pace.end_ns):
        _sleep_until(instant_ns)
        timestamps.in_flight.mark()


def _sleep_until(instant_ns):
    """Not at all where the instant has passed: what is overdue is made up for at once.

    A processor that idles takes a quarter of a millisecond to be awake again: after a long sleep we wake before the
    instant and watch the clock, and whatever comes meanwhile. Where requests are due in close order it does not idle.
    """
    ahead_ns = instant_ns - time.monotonic_ns()
    if ahead_ns > LONG_NS:
        gevent.sleep((ahead_ns - WAKING_NS) / 1e9)
        while time.monotonic_ns() < instant_ns:
            gevent.sleep(0)
    elif ahead_ns > 0:
        gevent.sleep(ahead_ns / 1e9)
