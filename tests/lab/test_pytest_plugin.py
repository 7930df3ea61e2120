"""The plug-in of pytest, by pytest itself: a load that is sustained, one that is not, and one without a measurement."""

import sys

import pytest

from lab.marked_load import MarkedLoad
from tests.loadgen.page_server import SLOW_PROGRAM

pytest_plugins = ("pytester",)

USERS = """
import time
from locust import FastHttpUser, task
class One(FastHttpUser):
    @task
    def look(self):
        self.client.get("/page")
"""
BUSY = """
        end_s = time.perf_counter() + 0.3
        while time.perf_counter() < end_s:
            pass
"""
TESTS = """
import sys
import pytest
SERVER = f"{sys.executable} server.py"
@pytest.mark.sustains("burst-8", p95_ms=2000, command=f"{SERVER} 0.1", locustfile="users.py")
def test_fast():
    open("body", "a").write("fast ")
@pytest.mark.sustains("burst-8", p95_ms=100, command=f"{SERVER} 0.3", locustfile="users.py")
def test_slow():
    open("body", "a").write("slow ")
@pytest.mark.sustains("burst-8", p95_ms=2000, command=f"{SERVER} 0.02", locustfile="busy.py")
def test_busy_generator():
    open("body", "a").write("busy ")
"""


@pytest.mark.exclusive
def test_the_load_decides_before_the_body_runs(pytester, monkeypatch):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(pytester.path / "data"))
    pytester.makepyfile(server=SLOW_PROGRAM, users=USERS, busy=USERS + BUSY, test_mine=TESTS)
    result = pytester.runpytest_subprocess("--strict-markers", "--junit-xml=junit.xml", timeout=300)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "burst-8 on *server.py 0.3 with p95 of every endpoint below 100 ms: not sustained (4 of 4 blocks valid).",
            "GET /page: p95 3?? ms (95 % * to * ms or wider, n = 4 blocks), not below the bound.",
            "What limited it: in * of 4 runs *",
            'lab.open_experiment("*-comparison") has its requests.',
            "burst-8 on *: the measurement is invalid (0 of 4 blocks valid, and it takes 4).",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert (pytester.path / "body").read_text() == "fast "
    assert "below 2.00 s: sustained (4 of 4 blocks valid)." in (pytester.path / "junit.xml").read_text()


def test_each_mistake_is_a_line_before_any_test_runs(pytester):
    pytester.makepyfile(
        """
        import pytest
        @pytest.mark.sustains("burst-8", p95_ms="fast", target="http://127.0.0.1:1", deployment="tuned")
        def test_first(): pass
        @pytest.mark.sustains("burst8", p95_ms=3, target="http://127.0.0.1:1")
        def test_second(): pass
        def test_other(): pass
        """
    )
    result = pytester.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    name = "test_each_mistake_is_a_line_before_any_test_runs.py"
    result.stderr.fnmatch_lines(
        [
            f"ERROR: {name}::test_first: sustains needs p95_ms, a number of milliseconds above 0, and not 'fast'",
            f"{name}::test_first: sustains needs one of target, command, deployment",
            f"{name}::test_second: sustains: there is no scenario 'burst8'*",
        ]
    )
    # A test that is not selected is not checked.
    assert pytester.runpytest_subprocess("-k", "other").ret == pytest.ExitCode.OK


def test_tests_without_the_mark_import_nothing_of_the_workbench(pytester):
    pytester.makepyfile(
        """
        import sys
        def test_modules():
            assert "lab.pytest_plugin" in sys.modules
            assert not {"analysis", "loadgen", "locust", "pandas", "plotly", "gevent"} & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=1)


URL = {"target": "http://127.0.0.1:1"}


@pytest.mark.parametrize(
    ("positional", "arguments", "message"),
    [
        ((), {"p95_ms": 3, **URL}, "takes one scenario first"),
        (("burst-8", 300), {"p95_ms": 3, **URL}, "takes one scenario first"),
        ((8,), {"p95_ms": 3, **URL}, "takes one scenario first"),
        (("burst-8",), {"p95_ms": 3, "bloks": 4, **URL}, "has no argument bloks"),
        (("burst-8",), URL, "needs p95_ms"),
        (("burst-8",), {"p95_ms": 0, **URL}, "needs p95_ms"),
        (("burst-8",), {"p95_ms": True, **URL}, "needs p95_ms"),
        (("burst-8",), {"p95_ms": float("nan"), **URL}, "needs p95_ms"),
        (("burst-8",), {"p95_ms": 3, "blocks": 4.5, **URL}, "blocks is a whole number"),
        (("burst-8",), {"p95_ms": 3, "blocks": 2, **URL}, "fewer than 4 blocks decide nothing"),
        (("burst-8",), {"p95_ms": 3}, "needs one of target, command, deployment"),
        (("burst-8",), {"p95_ms": 3, "target": 8000}, "target is a text"),
        (("burst-8",), {"p95_ms": 3, "target": "ftp://127.0.0.1"}, "is no target"),
        (("burst-8",), {"p95_ms": 3, "target": "http://192.0.2.7:80"}, "192.0.2.7 is not this machine"),
        (("burst-8",), {"p95_ms": 3, "command": " "}, "names no command"),
        (("burst-8",), {"p95_ms": 3, "deployment": "tunde"}, "no deployment 'tunde'"),
        (("burst-8",), {"p95_ms": 3, "deployment": "tuned", "locustfile": "users.py"}, "go with commands and URLs"),
        (("burst-8",), {"p95_ms": 3, "locustfile": "none.py", **URL}, "none.py cannot be read"),
        (("burst-8",), {"p95_ms": 3, "tags": "buy", **URL}, "tags are a list of texts"),
        (("start",), {"p95_ms": 3, "deployment": "tuned"}, "sends nothing"),
    ],
)
def test_a_mistake_is_named_in_one_line(tmp_path, positional, arguments, message):
    (line,) = MarkedLoad(positional, arguments, tmp_path).mistakes()
    assert message in line
    assert "\n" not in line


def test_a_good_mark_becomes_the_options_of_the_command(tmp_path):
    (tmp_path / "users.py").write_text("")
    arguments = {"p95_ms": 3, "locustfile": "users.py", "tags": ["buy"], "scale": None, "command": "serve $PORT"}
    load = MarkedLoad(("burst-8",), arguments, tmp_path)
    assert load.mistakes() == []
    assert load.words() == [
        "--arm", "application=command:serve $PORT", "--scenario", "burst-8", "--p95-ms", "3", "--blocks", "4",
        "--locustfile", str(tmp_path / "users.py"), "--tag", "buy",
    ]  # fmt: skip


def test_what_cannot_be_measured_is_said_in_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path / "data"))
    command = f"{sys.executable} -c pass"
    measured = MarkedLoad(("burst-8",), {"p95_ms": 3, "command": command}, tmp_path).measure()
    assert not measured.is_sustained
    assert measured.text.startswith("burst-8 was not measured: the command of arm application ended with code 0")
    assert "Traceback" not in capsys.readouterr().out
