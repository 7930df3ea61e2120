"""What the timed pool costs a request, against SQLAlchemy's own pool: CPU time of the worker that answers it.

The request is the cheapest that goes to the database (statistics by one row, session in a cookie, no cache), so that
the share is as large as it gets. Two servers, alike but for the pool, answer in turns, in random order within each
pair. A process is some per cent faster or slower than the next from its birth, so the servers are started anew for each
block, and the interval is Student's over the blocks, on the logarithm of the ratio.
"""

import itertools
import math
import random
import statistics
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from loadgen import application, dataset, deployments, services
from loadgen.accounts import PASSWORD
from reference_app.settings import Settings

BLOCKS, PAIRS, REQUESTS, WARM_UP = (
    12,
    40,
    10,
    10,
)  # pairs of a block, requests of each server in a pair, unmeasured pairs
T_95 = 2.201  # two-sided 95 %, 11 degrees of freedom
HIGHEST_SHARE = 0.03
SETTINGS = {
    "without deadlines": {},
    "with deadlines and autocommit": {"deadlines": True, "reads": "autocommit"},
}


@dataclass(frozen=True)
class Server:
    """One worker, and a session with it."""

    url: str
    cookie: str
    worker: int

    def cpu_us(self) -> float:
        """CPU time of the worker for a request, the mean of some."""
        before_ns = self._on_cpu_ns()
        for _ in range(REQUESTS):
            self._ask()
        return (self._on_cpu_ns() - before_ns) / REQUESTS / 1000

    def _ask(self):
        request = urllib.request.Request(f"{self.url}/api/dashboard/stats", headers={"Cookie": self.cookie})
        with urllib.request.urlopen(request) as answer:  # raises for anything but a success
            answer.read()

    def _on_cpu_ns(self):
        return int(Path(f"/proc/{self.worker}/schedstat").read_text().split()[0])


class KeepRedirect(urllib.request.HTTPRedirectHandler):
    """A login answers with a redirect, and the cookie is in that answer."""

    def redirect_request(self, *_):
        return None


def main() -> None:
    """Print CPU a request with each pool, and their ratio with its interval."""
    for label, changed in SETTINGS.items():
        with _database(changed) as settings:
            blocks = [_block(settings, number) for number in range(BLOCKS)]
        _print(label, blocks)


def _block(settings, number):
    """The pairs of one life of both servers."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        order = random.Random(number).sample([False, True], 2)
        started = {timed: _start(stack, folder, replace(settings, pool_timed=timed)) for timed in order}
        servers = started[False], started[True]
        return [_pair(servers, turn) for turn in range(WARM_UP + PAIRS)][WARM_UP:]


def _pair(servers, number):
    order = random.Random(number).sample([0, 1], 2)
    measured = {place: servers[place].cpu_us() for place in order}
    return measured[0], measured[1]


def _print(label, blocks):
    ratios = [statistics.mean(math.log(timed_us / stock_us) for stock_us, timed_us in block) for block in blocks]
    middle, spread = statistics.mean(ratios), T_95 * statistics.stdev(ratios) / math.sqrt(len(ratios))
    low, share, high = (math.exp(ratio) - 1 for ratio in (middle - spread, middle, middle + spread))
    stock_us, timed_us = (statistics.median(column) for column in zip(*itertools.chain(*blocks), strict=True))
    print(f"timed pool {label}, {len(blocks)} blocks of {PAIRS} interleaved pairs of {REQUESTS} requests:")
    print(f"  CPU a request    stock {stock_us:.0f} µs, timed {timed_us:.0f} µs (medians)")
    print(f"  the timed costs  {share:+.1%}, 95 % interval {low:+.1%} to {high:+.1%} (at most {HIGHEST_SHARE:.0%})")


@contextmanager
def _database(changed) -> Iterator[Settings]:
    settings = deployments.find("as-measured", statistics_query="summary", sessions="cookie", scale="small", **changed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(services.database_server(folder / "postgres", 110))
        template = dataset.ensure_template(server, "small", "btree")
        database = stack.enter_context(dataset.clone(server, template, "bench", settings))
        yield replace(settings, database_url=server.url_of(database), secret_key="a key of the bench")


def _start(stack, folder, settings):
    log = folder / f"gunicorn-{settings.pool_timed}.log"
    served = stack.enter_context(application.serve(settings, log))
    (worker,) = psutil.Process(served.child.pid).children()
    return Server(served.url, _cookie(served.url), worker.pid)


def _cookie(url):
    form = urllib.parse.urlencode({"username": "user001", "password": PASSWORD}).encode()
    opener = urllib.request.build_opener(KeepRedirect)
    try:
        opener.open(f"{url}/login", form)
    except urllib.error.HTTPError as redirect:
        return redirect.headers["Set-Cookie"].split(";")[0]
    raise RuntimeError("the login was refused")
