"""A cluster and an object store as processes, and programs of this repository that use them."""

import os
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from pyarrow import fs

from workbench.paths import REPOSITORY

S3_ENVIRON = {
    "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}  # fmt: skip


@contextmanager
def started(program, python=sys.executable, **environ):
    """A program beside this file as a process that prints one line when it is ready, and ends with its input."""
    with subprocess.Popen(
        [python, str(Path(__file__).with_name(program))],
        cwd=REPOSITORY,
        env={**os.environ, **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(30)


class Bucket:
    """The bucket `recordings` of a store."""

    def __init__(self, environ):
        self._url = environ["AWS_ENDPOINT_URL"]
        self._system = fs.S3FileSystem(access_key="a", secret_key="b", region="us-east-1", endpoint_override=self._url)

    def put(self, folder, name):
        """Store a folder under this name."""
        fs.copy_files(str(folder), f"recordings/{name}", destination_filesystem=self._system)

    def write(self, key, content):
        """Store bytes under a key, whatever it is."""
        request = urllib.request.Request(f"{self._url}/recordings/{quote(key, safe='')}", content, method="PUT")
        urllib.request.urlopen(request, timeout=10).close()

    def remove(self, key):
        """Remove what a key names."""
        self._system.delete_file(f"recordings/{key}")


def run(module, *arguments, timeout=120, **environ):
    """Run a module of this repository to its end."""
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=REPOSITORY,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@pytest.fixture(scope="session")
def scheduler(tmp_path_factory, store):
    """The address of a cluster of two worker processes that reach the store, and keep copies of their own."""
    folder = tmp_path_factory.mktemp("workers")
    with started("cluster_process.py", TRACETRACK_DATA_DIR=str(folder), **store) as address:
        yield address


@pytest.fixture(scope="session")
def store():
    """Variables of the environment that lead to an S3 with the bucket `recordings`."""
    with started("store_process.py", REPOSITORY / ".venv" / "store" / "bin" / "python", **S3_ENVIRON) as url:
        yield {**S3_ENVIRON, "AWS_ENDPOINT_URL": url}


@pytest.fixture(scope="session")
def bucket(store):
    """The bucket, to change what is in it."""
    return Bucket(store)
