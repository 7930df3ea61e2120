"""Chaos with a seed: whatever requests and faults come, in whatever order, nothing is lost and no user is confused.

`TRACETRACK_CHAOS_EXAMPLES=200` draws so many sequences, from a new seed or from `TRACETRACK_CHAOS_SEED`; the short form
always draws the same few.
"""

import os
import secrets
import time
from pprint import pformat

import hypothesis
import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from tests.resilience import chaos_world
from tests.resilience.chaos_cases import CASES
from tests.resilience.chaos_invariants import violations
from tests.resilience.chaos_steps import Pause, Steps, Together, Under, sequences
from tests.resilience.chaos_world import StepRunner, World

pytestmark = pytest.mark.resilience

SHORT_FORM = 3
EXAMPLES = int(os.environ.get("TRACETRACK_CHAOS_EXAMPLES") or SHORT_FORM)
SEED = int(os.environ.get("TRACETRACK_CHAOS_SEED") or (1 if EXAMPLES <= SHORT_FORM else secrets.randbits(32)))
# A sequence takes seconds: it is shown as drawn, and not shortened.
PHASES = (hypothesis.Phase.generate,)


@pytest.fixture(scope="module", autouse=True)
def hypothesis_directory(request):
    """Keep Hypothesis' tables of characters outside of the sources."""
    set_hypothesis_home_dir(request.config.cache.mkdir("hypothesis"))
    yield
    set_hypothesis_home_dir(None)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    with chaos_world.running(tmp_path_factory.mktemp("chaos")) as started:
        yield started


def carry_out(world: World, steps: Steps) -> None:
    """Send and break all that the steps say; fails with every invariant that does not hold afterwards."""
    world.slow_recoveries.clear()
    runner = StepRunner(world)
    for step in steps:
        match step:
            case Pause(ms):
                time.sleep(ms / 1000)
            case Together(requests):
                runner.send_together(requests)
            case Under():
                runner.send_under(step)
            case request:
                runner.send(request)
    if broken := violations(world):
        shown = pformat(steps, width=110)
        pytest.fail("\n".join([*broken, "Keep the sequence in tests/resilience/chaos_cases.py:", shown]), pytrace=False)


@pytest.mark.parametrize("name", CASES)
def test_kept_sequence_of_faults_and_requests_breaks_no_invariant(world, name):
    carry_out(world, CASES[name])


@hypothesis.seed(SEED)
@hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=PHASES,
    print_blob=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)
@hypothesis.given(sequences)
def test_drawn_sequence_of_faults_and_requests_breaks_no_invariant(world, steps):
    try:
        carry_out(world, steps)
    except pytest.fail.Exception as failure:
        repeat = f"TRACETRACK_CHAOS_SEED={SEED} TRACETRACK_CHAOS_EXAMPLES={EXAMPLES}"
        command = f"{repeat} .venv/bin/python -m pytest -m resilience -n 0 tests/resilience/test_chaos.py"
        pytest.fail(f"{failure.msg}\nRepeat all of this seed: {command}", pytrace=False)
