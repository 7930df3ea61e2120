"""The lab: recorded experiments as objects that show themselves in a notebook.

    from lab import open_experiment
    exp = open_experiment()  # the newest; or an id
    exp.change("as-measured", "tuned").why("login")

Every result has its numbers in `.table`, and its sentences in `.sentences`.
"""

from .opening import open_experiment, open_run
from .stored import stored

__all__ = ["open_experiment", "open_run", "stored"]
