"""`python -m lab` as a process: it prints its address, serves the notebooks, and ends when it is told to."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import psutil
import pytest

from workbench.paths import REPOSITORY

PATIENCE_S = 60


def fetch(address):
    """The page at an address, which is printed a little before it answers."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(address) as response:
                return response.read().decode()
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@pytest.fixture
def server(tmp_path):
    """The process and its address; it opens no browser and writes nothing outside of a folder of its own.

    The settings of its user would serve to the network, and ask a package registry for extensions.
    """
    (tmp_path / "config").mkdir()
    own = {"ServerApp": {"ip": "0.0.0.0"}, "LabApp": {"extension_manager": "pypi"}}
    (tmp_path / "config" / "jupyter_server_config.json").write_text(json.dumps(own))
    environ = {**os.environ, "JUPYTER_DATA_DIR": str(tmp_path / "data"), "JUPYTER_RUNTIME_DIR": str(tmp_path / "run"),
               "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "lab", "--no-browser"], cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True
    )
    for line in process.stderr:
        if found := re.search(r"http://127\.0\.0\.1:\d+/lab\S*", line):
            yield process, found.group()
            break
    process.kill()
    process.wait(PATIENCE_S)
    process.stderr.close()


def test_the_lab_serves_the_notebooks_without_news(server):
    process, address = server
    page = fetch(address)
    configuration = json.loads(re.search(r'id="jupyter-config-data"[^>]*>\s*(\{.*?\})\s*</script>', page, re.DOTALL)[1])
    assert "@jupyterlab/apputils-extension:announcements" in configuration["disabledExtensions"]
    assert configuration["serverRoot"].endswith(REPOSITORY.name)
    assert configuration["extensionManager"]["name"] == "read-only"
    process.send_signal(signal.SIGTERM)
    process.stderr.read()
    assert process.wait(PATIENCE_S) == 0


def test_the_lab_is_for_this_machine_and_its_token(server):
    process, address = server
    fetch(address)
    connections = psutil.Process(process.pid).net_connections("tcp")
    assert {each.laddr.ip for each in connections if each.status == "LISTEN"} == {"127.0.0.1"}
    for token in ("", "?token=", "?token=another"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{address.partition('/lab')[0]}/api/contents{token}")
        with refused.value as response:
            assert response.code == 403
