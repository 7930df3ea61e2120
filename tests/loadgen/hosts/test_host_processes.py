"""The load of a worker, as it comes from the run."""

import json
from pathlib import Path

import pytest

from loadgen import scenarios
from loadgen.generator.interface import INSECURE
from loadgen.hosts import host_processes
from loadgen.locust_runner import Load


@pytest.fixture
def load():
    return Load(
        scenarios.find("open-40"),
        7,
        {"bags": 3},
        4,
        Path("/elsewhere/users.py"),
        tags=("a",),
        tls="/elsewhere/ca.pem",
        run_token="t" * 20,
        session_lifetimes_s=(60, 600),
        success={"GET /": {"status": 200}},
    )


def received(load, ca, folder, locustfile=None, additions=None):
    """What a worker makes of a load that has come as a message."""
    fields = json.loads(json.dumps(host_processes.load_fields(load, ca))) | (additions or {})
    return host_processes.load_of(fields, locustfile, folder)


def test_a_worker_has_the_load_of_the_run(load, tmp_path):
    own = received(load, "the authority", tmp_path, Path("/here/users.py"))
    assert Path(own.tls).read_text() == "the authority"
    assert own.user_classes == Path("/here/users.py")
    differing = {"tls", "locustfile"}
    assert {name: value for name, value in vars(own).items() if name not in differing} == {
        name: value for name, value in vars(load).items() if name not in differing
    }


def test_a_load_comes_as_data_and_brings_no_path_and_no_variable(load, tmp_path):
    """Whatever a message adds, its environment has the same names, and the user classes are of this disk."""
    names = ("locustfile", "user_classes", "directory", "tls", "LD_PRELOAD")
    own = received(load, "", tmp_path, additions=dict.fromkeys(names, "/tmp/evil.py"))
    environ = own.environ(tmp_path, 0, "http://target")
    assert set(environ) == set(load.environ(tmp_path, 0, "http://target"))
    assert "evil" not in json.dumps(environ)


def test_a_worker_checks_no_certificate_where_the_run_does_not(load, tmp_path):
    insecure = Load(load.scenario, 1, {}, tls=INSECURE)
    assert received(insecure, "", tmp_path).tls == INSECURE
