"""What a command uses of time and memory: `python -m bench.peers.command_usage FOLDER COMMAND…`.

A process of its own, because the kernel counts the memory of the process that starts a command as the command's.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import click

from loadgen.subprocesses import start
from workbench import atomic
from workbench.errors import reporting_errors

USAGE, LOG = "usage.json", "command.log"


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def main(folder: Path, command: tuple[str, ...]) -> None:
    """Run COMMAND, and write its wall and CPU time (s), its peak of memory (MiB) and its exit code to FOLDER."""
    start_s = time.perf_counter()
    with start(command[0], list(command), folder / LOG) as child:
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start_s
        last_line = child.last_line()
    values: dict[str, Any] = {
        "seconds": seconds,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mib": usage.ru_maxrss / 1024,
        "code": os.waitstatus_to_exitcode(status),
        "last_line": last_line,
    }
    atomic.write_text(folder / USAGE, json.dumps(values))
    sys.exit(values["code"])


if __name__ == "__main__":
    with reporting_errors():
        main(prog_name="python -m bench.peers.command_usage", standalone_mode=False)
