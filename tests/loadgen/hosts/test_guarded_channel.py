"""Locust's own connections between hosts."""

import subprocess
import sys

import pytest

from tests.loadgen.hosts.over_hosts import SECRET, free_ports

# A worker says that it is there; the master prints what it hears within three seconds.
EXCHANGE = """
import sys
from loadgen.generator import guarded_channel
import gevent
from locust.rpc import zmqrpc
from locust.rpc.protocol import Message

role, port, guarded = sys.argv[1], int(sys.argv[2]), sys.argv[3]
if guarded == "guarded":
    guarded_channel.install()
if role == "master":
    server = zmqrpc.Server("127.0.0.1", port)
    heard = gevent.spawn(server.recv_from_client)
    heard.join(3)
    print(heard.value[1].type if heard.value else "nothing")
else:
    client = zmqrpc.Client("127.0.0.1", port, "worker")
    client.send(Message("client_ready", "2", "worker"))
    gevent.sleep(3)
"""


def exchange(role, port, guarded, secret):
    return subprocess.Popen(
        [sys.executable, "-c", EXCHANGE, role, str(port), guarded],
        env={"PATH": "", "TRACETRACK_HOSTS_SECRET": secret, "TRACETRACK_PROCESS": "0/1"},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("guarded", "secret", "heard"),
    [("guarded", SECRET, "client_ready"), ("guarded", "x" * 20, "nothing"), ("open", SECRET, "nothing")],
)
def test_locusts_master_hears_only_workers_with_the_secret(guarded, secret, heard):
    port = free_ports()
    with exchange("master", port, "guarded", SECRET) as master, exchange("worker", port, guarded, secret) as worker:
        assert master.communicate(timeout=60)[0].strip() == heard
        worker.kill()
