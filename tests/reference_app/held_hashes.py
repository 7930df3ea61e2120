"""For gunicorn: the application with hashes that fit, and last until the folder HELD_HASHES has a file `free`."""

import os
from pathlib import Path
from uuid import uuid4

from gevent.monkey import get_original

import reference_app
from reference_app import passwords

FOLDER = Path(os.environ["HELD_HASHES"])
sleep = get_original("time", "sleep")  # as a hash does, without a word to gevent


def held(stored, password):
    (FOLDER / f"begun-{uuid4()}").touch()
    while not (FOLDER / "free").exists():
        sleep(0.01)
    return True


def create_app():
    passwords._verify = held
    return reference_app.create_app()
