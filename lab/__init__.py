"""The lab: recorded experiments as objects that show themselves in a notebook.

    from lab import open_experiment
    exp = open_experiment()  # the newest; or an id
    exp.change("as-measured", "tuned").why("login")
    start_run("tuned", "sustained-100")  # beside the kernel, to watch

Every result has its numbers in `.table`, and its sentences in `.sentences`.

    %load_ext lab
    %ab?  # two set-ups of your own against each other
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .live_start import attach, start_experiment, start_run
    from .measuring import start_form
    from .opening import open_experiment, open_run
    from .stored_recordings import stored

__all__ = [
    "attach",
    "load_ipython_extension",
    "open_experiment",
    "open_run",
    "start_experiment",
    "start_form",
    "start_run",
    "stored",
]

# The module of each name: imported when the name is used first, as pytest loads this package for its plug-in.
MODULES = {
    "attach": "live_start",
    "open_experiment": "opening",
    "open_run": "opening",
    "start_experiment": "live_start",
    "start_form": "measuring",
    "start_run": "live_start",
    "stored": "stored_recordings",
}


def __getattr__(name: str) -> Any:
    """A public name of one of the modules."""
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *MODULES})


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """Add the magics of the lab: `%load_ext lab`."""
    from .magics import LabMagics

    shell.register_magics(LabMagics)
