"""The server of a run ends with it, also when only a part of it was killed."""

import signal

import psutil

from loadgen import application


def test_an_idle_worker_whose_master_was_killed_is_ended(settings, tmp_path):
    with application.serve(settings, tmp_path / "gunicorn.log") as served:
        workers = psutil.Process(served.child.pid).children()
        assert len(workers) == settings.workers
        served.child.process.send_signal(signal.SIGKILL)
        served.child.process.wait()
    _, alive = psutil.wait_procs(workers, timeout=2)
    assert alive == []
