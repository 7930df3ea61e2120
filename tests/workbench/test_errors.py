"""How a command ends: by a signal, by an expected failure, or by both at once."""

import os
import signal
import subprocess
import sys
import time

import pytest

from workbench.errors import reporting_errors
from workbench.interruption import INTERRUPTIONS, Interrupted
from workbench.paths import REPOSITORY, runs_directory

# What runs in a command when the signal comes, by what it does to exceptions that are not its own.
SITUATIONS = {
    "waiting": "time.sleep(20)",
    "an error handler around it": """
try:
    time.sleep(20)
except (UserError, OSError, Exception):
    sys.exit(3)
""",
    "an error while it unwinds": """
try:
    time.sleep(20)
finally:
    raise UserError("the database is gone")
""",
    "a lost terminal while it unwinds": """
try:
    time.sleep(20)
finally:
    raise OSError(5, "Input/output error")
""",
    "a callback of asyncio": """
import asyncio
async def wait():
    asyncio.get_running_loop().call_soon(time.sleep, 20)
    await asyncio.sleep(20)
asyncio.run(wait())
""",
    "a command of click": """
import click
@click.command()
def main():
    time.sleep(20)
main([], standalone_mode=False)
""",
    "a second signal while it cleans up": """
try:
    time.sleep(20)
finally:
    import os, signal
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.2)
    print("cleaned up", file=sys.stderr)
""",
    # Python drops what a finalizer raises: the command goes on, and is not taken for one that ended by itself.
    "a finalizer": """
class Finalized:
    def __del__(self):
        time.sleep(0.5)
Finalized()
""",
}
COMMAND = """
import sys, time
from workbench.errors import UserError, reporting_errors
with reporting_errors():
    print("ready", flush=True)
"""


def command(situation):
    lines = "".join(f"    {line}\n" for line in SITUATIONS[situation].splitlines())
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND + lines],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_signal_ends_a_command_with_130_whatever_it_does(situation):
    with command(situation) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)  # until it is in its block
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "stopped by SIGTERM; what was recorded until then can be read"
    if situation != "a finalizer":
        assert "Traceback" not in errors
    assert ("cleaned up" in errors) == (situation == "a second signal while it cleans up")


@pytest.mark.parametrize("number", INTERRUPTIONS, ids=lambda number: number.name)
def test_every_signal_ends_a_command_alike(number):
    with command("waiting") as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors.splitlines()[-1].split(";")[0]) == (130, f"stopped by {INTERRUPTIONS[number]}")


def test_a_hangup_that_is_ignored_stays_ignored():
    script = COMMAND + "    time.sleep(0.3)\n    print('done')\n"
    ignoring = (
        "import os, signal, sys\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    arguments = [sys.executable, "-c", ignoring, "-c", script]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGHUP)
        output, _ = process.communicate(timeout=20)
    assert (process.returncode, output) == (0, "done\n")


def test_an_interruption_is_no_error_of_the_program():
    assert not issubclass(Interrupted, Exception)
    assert issubclass(Interrupted, KeyboardInterrupt)


@pytest.mark.parametrize("package", ["analysis", "bench", "loadgen", "reports"])
def test_a_signal_while_a_command_is_imported_ends_it_with_130(package):
    # With -v Python prints a line for each module that it imports.
    command = [sys.executable, "-v", "-m", package, "--help"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=REPOSITORY, **pipes) as process:
        assert any(str(REPOSITORY / package / "__main__.py") in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (130, "")
    assert errors.endswith("\nstopped by Ctrl-C\n")
    assert "Traceback" not in errors


@pytest.mark.parametrize("place", ["/proc/none", "file", "file/below", "with-a-file-for-runs"])
def test_a_folder_of_data_that_cannot_be_made_is_one_line(tmp_path, monkeypatch, capsys, place):
    (tmp_path / "file").touch()
    (tmp_path / "with-a-file-for-runs").mkdir()
    (tmp_path / "with-a-file-for-runs" / "runs").touch()
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path / place))
    with pytest.raises(SystemExit) as ended, reporting_errors():
        runs_directory().mkdir(parents=True, exist_ok=True)
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Error: {tmp_path / place}")
    assert "choose another folder" in line
    assert "TRACETRACK_DATA_DIR" in line


@pytest.mark.parametrize("name", ["none", "runs/one/none"])
def test_a_missing_file_that_is_no_folder_of_data_stays_an_error_of_the_program(tmp_path, monkeypatch, name):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path / "data"))
    with pytest.raises(FileNotFoundError), reporting_errors():
        (tmp_path / "data" / name if "/" in name else tmp_path / name).read_bytes()
