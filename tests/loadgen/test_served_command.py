"""Commands that serve: their words, their start, their end, and what they must not leave behind."""

import os
import signal
import subprocess
import sys
import urllib.request

import psutil
import pytest

from loadgen import command_guard, services
from loadgen.arm_start import ArmStart
from loadgen.served_command import LOG, ServedCommand
from workbench.errors import UserError
from workbench.polling import attempts

SERVER = f"{sys.executable} -m http.server $PORT --bind $HOST"


def command(words, folder):
    return ServedCommand("mine", words, folder)


def serve(words, folder):
    return command(words, folder).serving(folder, services.free_port())


def alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_port_and_host_stand_in_the_words_whatever_their_quotes(tmp_path):
    words = "serve '--name=my app' $PORT ${PORT} {port} --bind=$HOST:$PORT $PORTAL"
    assert command(words, tmp_path).words(81) == [
        "serve", "--name=my app", "81", "81", "81", "--bind=127.0.0.1:81", "$PORTAL",
    ]  # fmt: skip


def test_it_serves_in_its_folder_and_ends_with_the_block(tmp_path):
    (tmp_path / "page.txt").write_text("here")
    port = services.free_port()
    with command(SERVER, tmp_path).serving(tmp_path, port) as child:
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/page.txt").read() == b"here"
        pids = [process.pid for process in psutil.Process(child.pid).children(recursive=True)]
        assert pids
    assert not any(map(alive, [child.pid, *pids]))
    assert "GET /page.txt" in (tmp_path / LOG).read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (f"{sys.executable} -c \"raise SystemExit('no config')\"", "ended with code 1: no config"),
        (f"{sys.executable} -c pass", "ended with code 0: it printed nothing"),
    ],
)
def test_a_command_that_ends_early_is_named_with_its_last_line(tmp_path, words, message):
    with pytest.raises(UserError, match=message) as error, serve(words, tmp_path):
        pytest.fail("it does not listen")
    assert str(tmp_path / LOG) in error.value.message


def test_a_command_that_never_listens_is_named(tmp_path):
    message = r"was not ready on port \d+ within 0.3 s \(Connection refused\); it has to listen on the port that \$PORT"
    never = ServedCommand("mine", "sleep 60", tmp_path, ArmStart(ready_within_s=0.3))
    with pytest.raises(UserError, match=message), never.serving(tmp_path, services.free_port()):
        pytest.fail("it does not listen")


def test_a_path_that_is_never_there_is_named_and_not_the_port(tmp_path):
    message = r"\(/health answers 404\); /health has to answer with 2xx or 3xx: name a path in ready that does\n"
    never = ServedCommand("mine", SERVER, tmp_path, ArmStart(ready="/health", ready_within_s=3))
    with pytest.raises(UserError, match=message), never.serving(tmp_path, services.free_port()):
        pytest.fail("it is not ready")


MUTE = """
import os, socket
with socket.create_server(("127.0.0.1", int(os.environ["PORT"]))) as server:
    while True:
        server.accept()[0].sendall(b"no HTTP\\r\\n")
"""


def test_what_listens_and_is_no_http_is_not_told_to_listen(tmp_path):
    (tmp_path / "mute.py").write_text(MUTE)
    never = ServedCommand("mine", f"{sys.executable} mute.py", tmp_path, ArmStart(ready_within_s=2))
    message = r"; what listens there has to answer requests of HTTP\n"
    with pytest.raises(UserError, match=message), never.serving(tmp_path, services.free_port()):
        pytest.fail("it is not ready")


def test_a_command_is_ready_when_its_path_answers_with_success(tmp_path):
    start = ArmStart(ready="/page.txt", ready_within_s=20)
    command = f"{sys.executable} -c \"import time; time.sleep(0.5); open('page.txt', 'w').close()\" & {SERVER}"
    (tmp_path / "serve.sh").write_text(f"{command}\n")
    with ServedCommand("mine", "sh serve.sh", tmp_path, start).serving(tmp_path, services.free_port()):
        assert (tmp_path / "page.txt").exists()


def test_a_command_has_the_variables_of_its_arm_and_its_reset_runs_before(tmp_path):
    reset = f"{sys.executable} -c \"import os; open('page.txt', 'w').write(os.environ['GREETING'])\""
    start = ArmStart({"GREETING": "hello"}, "/page.txt", reset=reset)
    port = services.free_port()
    with ServedCommand("mine", SERVER, tmp_path, start).serving(tmp_path, port):
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/page.txt").read() == b"hello"


def test_a_program_that_there_is_not_is_refused_before(tmp_path):
    with pytest.raises(UserError, match=r"there is no program 'no-such-program'; name .* the PATH, or its path$"):
        command("no-such-program $PORT", tmp_path).require_startable()
    command(SERVER, tmp_path).require_startable()


def test_a_program_that_only_the_workbench_has_is_named(tmp_path):
    outside = ServedCommand("mine", "gunicorn app", tmp_path, ArmStart({"PATH": "/usr/bin:/bin"}))
    with pytest.raises(UserError, match=r"the workbench has one of its own: \$PYTHON -m gunicorn"):
        outside.require_startable()


LEAVING = """
import os, sys, time
from http.server import HTTPServer, SimpleHTTPRequestHandler
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open("left", "w").write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
while not os.path.exists("left"):
    time.sleep(0.01)
if sys.argv[1:] == ["ends"]:
    sys.exit("started as a daemon")
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), SimpleHTTPRequestHandler).serve_forever()
"""


@pytest.mark.parametrize("argument", ["serves", "ends"])
def test_processes_that_it_leaves_behind_are_killed_and_named(tmp_path, argument):
    (tmp_path / "leaving.py").write_text(LEAVING)
    message, words = "left 1 process behind, which was killed: python", f"{sys.executable} leaving.py {argument}"
    with pytest.raises(UserError, match=message), serve(words, tmp_path):
        pass
    assert not alive(int((tmp_path / "left").read_text()))


def test_a_command_that_goes_to_the_background_is_told_to_stay(tmp_path):
    (tmp_path / "leaving.py").write_text(LEAVING.replace('sys.exit("started as a daemon")', "sys.exit(3)"))
    message = (
        r"arm mine ended with code 3 and left 1 process behind, which was killed: python\S* \(\d+\); it ended before "
        r"it was ready, and has to stay in the foreground\n"
    )
    with pytest.raises(UserError, match=message), serve(f"{sys.executable} leaving.py ends", tmp_path):
        pytest.fail("it is not ready")


def test_processes_of_another_user_are_given_up(monkeypatch):
    """They are named, and do not keep the guard from ending."""

    def kill(pid, number):
        raise PermissionError

    monkeypatch.setattr(command_guard, "KILL_S", 0.1)
    monkeypatch.setattr(command_guard.os, "kill", kill)
    with subprocess.Popen(["sleep", "60"]) as process:
        names = command_guard._kill_all()
        monkeypatch.undo()
        process.kill()
    assert f"sleep ({process.pid})" in names


OWNER = """
import sys, time
from pathlib import Path
from loadgen.arm_start import ArmStart
from loadgen.served_command import ServedCommand
from loadgen import services
folder = Path(sys.argv[1])
command = ServedCommand("mine", f"{sys.executable} leaving.py serves", folder)
with command.serving(folder, services.free_port()) as child:
    print(child.pid, flush=True)
    time.sleep(600)
"""


def test_it_ends_with_the_workbench_however_that_ends(tmp_path):
    (tmp_path / "leaving.py").write_text(LEAVING)
    with subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as owner:
        guard = int(owner.stdout.readline())
        pids = [guard, *(process.pid for process in psutil.Process(guard).children(recursive=True))]
        os.kill(owner.pid, signal.SIGKILL)
    assert len(pids) >= 3
    for _ in attempts(15, 0.05):
        if not any(map(alive, pids)):
            break
    assert not any(map(alive, pids))
