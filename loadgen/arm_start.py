"""How the application of an arm is made ready for a run: its variables, what resets it, how it shows that it is up."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.redaction import redacted, redacted_values

READY_WITHIN_S, RESET_WITHIN_S = 30.0, 300.0
HOST = "127.0.0.1"  # of what the workbench starts
PORT_PLACE, HOST_PLACE = re.compile(r"\$PORT\b|\$\{PORT\}|\{port\}"), re.compile(r"\$HOST\b|\$\{HOST\}|\{host\}")
PYTHON_PLACE = re.compile(r"\$PYTHON\b|\$\{PYTHON\}")


@dataclass(frozen=True)
class ArmStart:
    """What happens before the load of each run of an arm.

    environment: variables of the command, and of what resets it
    ready: the path that answers with 2xx or 3xx when the application is ready; with an empty one any answer will do
    reset: a command that runs before each run, before the application starts; empty for none
    commit: the command runs in a copy of its folder at this commit; empty for the folder itself
    database: `postgresql` for an empty database of the workbench's own in each run, whose URL is in $DATABASE_URL
    serving: kind of server, workers, threads and connections, as settings of a deployment name them; empty if unknown
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    ready: str = ""
    ready_within_s: float = READY_WITHIN_S
    reset: str = ""
    reset_within_s: float = RESET_WITHIN_S
    commit: str = ""
    database: str = ""
    serving: Mapping[str, str | int] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """What the source of an arm records of it, as texts; what is not given is left out."""
        variables = redacted_values(dict(self.environment))
        facts = {
            "environment": " ".join(f"{name}={value}" for name, value in sorted(variables.items())),
            "ready": self.ready,
            "reset": redacted(self.reset),
            "database": self.database,
            "serving": " ".join(f"{name}={value}" for name, value in self.serving.items()),
        }
        return {name: fact for name, fact in facts.items() if fact}


AS_IT_IS = ArmStart()


def filled(word: str, port: int | None) -> str:
    """A word of a command with host and port of a run, and the workbench's own interpreter, in their places.

    None leaves the port as it stands.
    """
    word = PYTHON_PLACE.sub(lambda _: sys.executable, HOST_PLACE.sub(HOST, word))
    return word if port is None else PORT_PLACE.sub(str(port), word)
