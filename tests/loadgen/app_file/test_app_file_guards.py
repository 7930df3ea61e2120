"""What a `workbench.toml` of others can do no harm by: syntax of a shell, and hosts that were not confirmed."""

import sys

import pytest

from loadgen import arm_reset
from loadgen.app_file.app_file import AppFile
from workbench.errors import UsageError

USERS = """
from locust import HttpUser, task

class Reader(HttpUser):
    @task
    def index(self):
        self.client.get("/")
"""
PROGRAM = "import sys; open('words.txt', 'w').write(repr(sys.argv[1:]))"
FILE = """\
name = "Shop"

[users]
locustfile = "users.py"

[arms.now]
url = "{url}"
reset = '''{python} -c "{program}" $(touch one) `touch two` ; touch three > four'''

[scenarios.alone]
load = "single"
"""


@pytest.fixture
def read(tmp_path):
    """Reads the file with this address."""
    (tmp_path / "users.py").write_text(USERS)

    def read_file(url):
        (tmp_path / "workbench.toml").write_text(FILE.format(url=url, python=sys.executable, program=PROGRAM))
        return AppFile.read(tmp_path / "workbench.toml")

    return read_file


def test_no_shell_reads_a_command_of_the_file(read, tmp_path):
    (arm,) = read("http://127.0.0.1:1").arms
    before = {path.name for path in tmp_path.iterdir()}
    arm_reset.run(arm.name, arm.start, None, tmp_path, {}, tmp_path)
    words = ["$(touch", "one)", "`touch", "two`", ";", "touch", "three", ">", "four"]
    assert (tmp_path / "words.txt").read_text() == repr(words)
    assert {path.name for path in tmp_path.iterdir()} - before == {"words.txt", arm_reset.LOG}


def test_host_of_the_file_that_is_another_machine_has_to_be_confirmed(read):
    file = read("http://192.0.2.7:80")
    with pytest.raises(UsageError, match=r"192\.0\.2\.7 is not this machine.*--confirm-target 192\.0\.2\.7"):
        file.comparison()
    with pytest.raises(UsageError, match="--confirm-target"):
        file.comparison(["192.0.2.8"])
    assert file.comparison(["192.0.2.7"]).confirmed == ("192.0.2.7",)
