"""`python -m lab`: JupyterLab on the notebooks, without news and without a request to the network."""

import os
import sys
from pathlib import Path

import click

from workbench.errors import reporting_errors
from workbench.paths import REPOSITORY

CONFIGURATION = Path(__file__).parent / "jupyter"
START = "notebooks/00-start.ipynb"
HOST = "127.0.0.1"
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


@click.command()
@click.option(
    "--port", type=click.IntRange(1, 65_535), default=8888, show_default=True, help="The next free one above."
)
@click.option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
def lab(port: int, no_browser: bool) -> None:
    """Open the notebooks in JupyterLab. It serves on 127.0.0.1, and its address has a token."""
    options = {
        "ServerApp.ip": HOST,  # whatever the settings of the user say
        "ServerApp.root_dir": str(REPOSITORY),
        "LabApp.default_url": f"/lab/tree/{START}",
        "LabApp.extension_manager": "readonly",  # the other one asks a package registry
        "ServerApp.port": str(port),
        "ServerApp.allow_root": str(os.geteuid() == 0),
        "ServerApp.open_browser": str(not no_browser and _has_display()),
    }
    paths = [str(CONFIGURATION), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(paths)
    sys.stdout.flush()
    arguments = [f"--{name}={value}" for name, value in options.items()]
    # Its signals are then JupyterLab's own.
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *arguments])  # noqa: S606


def _has_display() -> bool:
    """False where a browser could only be one in the terminal, or none."""
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in DISPLAYS)


def command() -> None:
    """Run the command line; an expected failure is one or two lines and an exit code."""
    with reporting_errors():
        lab(prog_name="python -m lab", standalone_mode=False)


if __name__ == "__main__":
    command()
