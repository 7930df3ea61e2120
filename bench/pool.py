"""What the timed pool costs a request, against SQLAlchemy's own pool: CPU time of the application's process.

The request is the cheapest that goes to the database (statistics by one row, session in a cookie, no cache), so that
the share is as large as it gets. Both applications answer in turns, request by request, in one process and in random
order within each pair; the interval is over the pairs, on the logarithm of the ratio.
"""

import math
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from flask.testing import FlaskClient

from loadgen import dataset, deployments, services
from reference_app import create_app
from reference_app.settings import Settings

PAIRS, WARM_UP = 5000, 200
Z_95 = 1.96  # two-sided 95 %; with thousands of pairs Student's is the same
HIGHEST_SHARE = 0.03


def main() -> None:
    """Print CPU a request with each pool, and their ratio with its interval."""
    with _applications() as clients:
        for client in clients * WARM_UP:
            _cpu_us(client)
        pairs = [_pair(*clients, number) for number in range(PAIRS)]
    ratios = [math.log(timed_us / stock_us) for stock_us, timed_us in pairs]
    middle, spread = statistics.mean(ratios), Z_95 * statistics.stdev(ratios) / math.sqrt(PAIRS)
    low, share, high = (math.exp(ratio) - 1 for ratio in (middle - spread, middle, middle + spread))
    stock_us, timed_us = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"timed pool, {PAIRS:,} interleaved pairs of requests:")
    print(f"  CPU a request    stock {stock_us:.0f} µs, timed {timed_us:.0f} µs (medians)")
    print(f"  the timed costs  {share:+.1%}, 95 % interval {low:+.1%} to {high:+.1%} (at most {HIGHEST_SHARE:.0%})")


def _pair(stock, timed, number):
    """CPU of a request to both, in microseconds."""
    order = random.Random(number).sample([0, 1], 2)
    measured = {place: _cpu_us((stock, timed)[place]) for place in order}
    return measured[0], measured[1]


def _cpu_us(client: FlaskClient) -> float:
    begun_ns = time.process_time_ns()
    client.get("/api/dashboard/stats")
    return (time.process_time_ns() - begun_ns) / 1000


@contextmanager
def _applications() -> Iterator[tuple[FlaskClient, FlaskClient]]:
    settings = deployments.find("as-measured", statistics_query="summary", sessions="cookie", scale="small")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(services.database_server(folder / "postgres", 100))
        template = dataset.ensure_template(server, "small", "btree")
        database = stack.enter_context(dataset.clone(server, template, "bench", settings))
        settings = replace(settings, database_url=server.url_of(database), secret_key="a key of the bench")
        yield tuple(_client(stack, replace(settings, pool_timed=timed)) for timed in (False, True))


def _client(stack: ExitStack, settings: Settings) -> FlaskClient:
    app = create_app(settings)
    stack.callback(app.extensions["engine"].dispose)
    client = app.test_client()
    with client.session_transaction() as session:
        session["user"] = {"id": 1, "username": "user001", "role": "admin"}
    return client
