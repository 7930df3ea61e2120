"""The form that starts an experiment, or why nothing can be measured on this machine."""

from typing import TYPE_CHECKING

import pandas as pd

from .shown import Shown

if TYPE_CHECKING:
    from .live_form import StartForm


def start_form() -> "StartForm | Shown":
    """A form that starts an experiment beside the kernel; on a machine for analysis only, what it lacks."""
    try:
        from .live_form import StartForm  # imports the load generator and the application
    except ImportError as error:
        reason = f"Nothing can be measured here: {error}. Recorded experiments open all the same."
        return Shown([reason], pd.DataFrame())
    return StartForm()
