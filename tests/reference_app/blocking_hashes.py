"""For gunicorn: the application with hashes that block until the folder BLOCKING_HASHES has a file `released`.

Every password fits.
"""

import os
from pathlib import Path
from uuid import uuid4

from gevent.monkey import get_original

import reference_app
from reference_app import passwords

FOLDER = Path(os.environ["BLOCKING_HASHES"])
sleep = get_original("time", "sleep")  # does not yield to other greenlets, as a hash does not


def block(stored, password):
    (FOLDER / f"started-{uuid4()}").touch()
    while not (FOLDER / "released").exists():
        sleep(0.01)
    return True


def create_app():
    passwords._verify = block
    return reference_app.create_app()
