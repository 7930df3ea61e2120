"""Three network namespaces on this machine: one with the run and its target, and two with a worker each.

    worker 1: 10.77.1.2 ── 10.77.1.1 ┐
                                     ├ the run, and its target at 192.0.2.1
    worker 2: 10.77.2.2 ── 10.77.2.1 ┘

Each has devices, addresses and abstract sockets of its own. Root is not needed: a user namespace is around them.
"""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from tests.loadgen.hosts.over_hosts import HOSTS_SECRET

OUTER = ("unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--mount-proc", "--kill-child")
TARGET, TARGET_PORT, PORT = "192.0.2.1", 8000, 5557
FAR_MS = 40.0  # the round trip of a worker that is far away, by the proxy
HOUR_S = 3_600
IN_ANOTHER_TIME = f"unshare --time --monotonic {HOUR_S} --fork --kill-child"
SERVER = """
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        os.write(1, b"timed\\n" if self.headers["X-Request-Start"] else b"untimed\\n")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass

ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Page).serve_forever()
"""
SCRIPT = f"""
set -e
folder=$1; shift
ip link set lo up
ip address add {TARGET}/32 dev lo
for number in 1 2; do
  unshare --net sleep 300 & inner=$!
  echo $inner > "$folder/inner-$number"
  until [ "$(readlink /proc/$inner/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
  ip link add wire$number type veth peer name uplink netns $inner
  ip address add 10.77.$number.1/30 dev wire$number
  ip link set wire$number up
  nsenter --target $inner --net sh -c "ip link set lo up; ip address add 10.77.$number.2/30 dev uplink; \\
    ip link set uplink up; ip route add default via 10.77.$number.1"
done
{shlex.quote(sys.executable)} "$folder/server.py" {TARGET} {TARGET_PORT} > "$folder/served" 2>&1 &
for number in 1 2; do
  nsenter --target $(cat "$folder/inner-$number") --net bash "$folder/worker-$number.sh" \\
    > "$folder/worker-$number.log" 2>&1 &
  workers="$workers $!"
done
bash "$folder/beside.sh" & beside=$!
code=0
"$@" || code=$?
kill $beside 2>/dev/null || true
for worker in $workers; do wait $worker || true; done
exit $code
"""


def are_allowed():
    if not all(map(shutil.which, ("unshare", "nsenter", "ip"))):
        return False
    return subprocess.run([*OUTER, *IN_ANOTHER_TIME.split(), "true"], capture_output=True).returncode == 0


class Namespaces:
    """Runs loads over the namespaces; files of the last one are in `folder`."""

    def __init__(self, command, folder: Path, locustfile: str):
        self.folder, self._command = folder, command
        self._locustfile = str(folder / "mine.py")
        (folder / "mine.py").write_text(locustfile)
        (folder / "server.py").write_text(SERVER)

    def run(self, *arguments, before_1="", before_2="", far_2=False, beside="", hosts=2):
        """Run a load of two workers, or of this host alone.

        `before_…` goes in front of a worker's command, `beside` is a script that runs meanwhile. Worker 2 is `far_2`
        from the run by a proxy.
        """
        for number, before in ((1, before_1), (2, before_2)):
            script = self._worker(before, far=far_2 and number == 2) if hosts else "true"
            (self.folder / f"worker-{number}.sh").write_text(script)
        (self.folder / "beside.sh").write_text(beside)
        over_hosts = ("--hosts", str(hosts), "--bind", f"0.0.0.0:{PORT}") if hosts else ("--processes", "2")
        target = ("--target", f"http://{TARGET}:{TARGET_PORT}", "--confirm-target", TARGET)
        outer = (*OUTER, "bash", "-c", SCRIPT, "outer", str(self.folder))
        locustfile = ("--locustfile", self._locustfile)
        # The machine runs the hosts, the target and other tests.
        own = HOSTS_SECRET | {"TRACETRACK_SHARED_MACHINE": "1"}
        return self._command.run("run", *target, *locustfile, *over_hosts, *arguments, before=outer, timeout=120, **own)

    def _worker(self, before, far):
        """The script of a worker."""
        python = shlex.quote(sys.executable)
        proxies = [
            f"{python} -m loadgen.proxy --listen 127.0.0.1:{port} --upstream {TARGET}:{port} --round-trip-ms {FAR_MS} &"
            for port in (PORT, PORT + 1)
        ]
        master = "127.0.0.1" if far else TARGET
        command = f"{before} {python} -m loadgen worker --master {master}:{PORT} --locustfile {self._locustfile}"
        return "\n".join([*(proxies if far else []), f"{command} --confirm-target {TARGET}", "code=$?"]) + (
            "\nkill $(jobs -p) 2>/dev/null\nexit $code\n"
        )

    def worker_log(self, number):
        return (self.folder / f"worker-{number}.log").read_text()

    def served(self):
        """What the target noted of each request."""
        return (self.folder / "served").read_text().splitlines()
