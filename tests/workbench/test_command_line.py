"""Secrets among the arguments of a process: the program gets them, the table of processes does not show them."""

import json
import subprocess
import sys

import psutil
import pytest

PROGRAM = """
import json, sys
from workbench.command_line import hide_secrets
hide_secrets()
print(json.dumps(sys.argv[1:]), flush=True)
sys.stdin.read()
"""
SECRET = "s3cret-of-mine"
CASES = [
    ["--target", f"http://user:{SECRET}@127.0.0.1:1/"],
    [f"--target=http://user:{SECRET}@127.0.0.1:1/?x=1&y=ä ö", "--scenario", "burst-8"],
    ["--target", f"http://127.0.0.1:1/?token={SECRET}", "", "-", "a b", "\udcff"],
]


@pytest.mark.parametrize("arguments", CASES)
def test_a_secret_reaches_the_program_and_not_the_table_of_processes(tmp_path, arguments):
    program = tmp_path / "password=x" / "program.py"  # the path of the program itself stays as it is
    program.parent.mkdir()
    program.write_text(PROGRAM)
    with subprocess.Popen(
        [sys.executable, "-X", "utf8", str(program), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert json.loads(process.stdout.readline()) == arguments
        shown = psutil.Process(process.pid).cmdline()
        process.stdin.close()
    assert SECRET not in " ".join(shown)
    assert "***" in " ".join(shown)
    assert shown[1:4] == ["-X", "utf8", str(program)]
    assert len(shown) == 4 + len(arguments)


def test_arguments_without_a_secret_stay_with_their_process(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM + "import os; print('TRACETRACK_ARGUMENTS' in os.environ)")
    arguments = ["run", "--scenario", "burst-8"]
    output = subprocess.run([sys.executable, program, *arguments], input="", capture_output=True, text=True, check=True)
    assert output.stdout.splitlines() == [json.dumps(arguments), "False"]
