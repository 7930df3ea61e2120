"""One process of the load generator: Locust with the recording and the pacing of a run.

`python -m loadgen.generator …` takes Locust's own options; `config` has what it takes from the environment.
"""

import sys
from typing import Any

from locust import argument_parser, runners
from locust import main as locust_main
from locust.env import Environment

from . import driver, guarded_channel, import_path, output, rehearsal
from .config import OVER_HOSTS, URL, USER_CLASSES

MAX_SILENCE_S = 120


def main() -> None:
    """Run Locust until the load is over; the exit code is Locust's."""
    output.limit()
    import_path.prefer(USER_CLASSES.parent)
    # The scenario decides what Locust's own configuration files would; `LOCUST_…` variables are left out by the parent.
    argument_parser.get_empty_argument_parser.__defaults__ = (True, ())
    argument_parser.get_parser.__defaults__ = ((),)
    # On a busy machine a worker may be silent for seconds, and Locust would give its users to the others. That one has
    # ended is noticed by the parent.
    runners.HEARTBEAT_LIVENESS = MAX_SILENCE_S // runners.HEARTBEAT_INTERVAL
    # Locust would split a path at its commas.
    locust_main.get_locustfiles_locally = lambda options: [str(USER_CLASSES)]
    if OVER_HOSTS:
        guarded_channel.install()
    create_environment = locust_main.create_environment

    def create_prepared(*arguments: Any, **options: Any) -> Environment:
        environment = create_environment(*arguments, **options)
        # The last listener: what the locustfile sets up at `init` has been done when it is looked at.
        environment.events.init.add_listener(driver.prepare)
        return environment

    locust_main.create_environment = create_prepared
    sys.argv += ["--host", URL]
    with rehearsal.refused_errors():
        locust_main.main()


if __name__ == "__main__":
    main()
