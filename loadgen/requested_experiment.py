"""What an experiment is asked to measure: a profile of TraceTrack, or what another `workbench.toml` declares."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from . import profiles
from .app_file.app_file import AppFile
from .compared_arms import Comparison


class RequestedExperiment(NamedTuple):
    """A profile by its name, None for the default one, or a comparison of arms; `id` begins the experiment's own."""

    profile: str | None
    comparison: Comparison | None
    id: str


def requested(app: str, profile: str, confirmed: Sequence[str] = ()) -> RequestedExperiment:
    """Read the file `app`, if there is one, and choose the profile; `confirmed` are hosts that are not this machine.

    Without a file it is that of TraceTrack, in this repository. Raises `UsageError` for a mistake in the file, or an
    unknown profile.
    """
    if app and (file := AppFile.read(Path(app))).path != profiles.FILE:
        return RequestedExperiment(None, file.comparison(confirmed, profile), file.id)
    profiles.find(profile or profiles.DEFAULT)
    return RequestedExperiment(profile or None, None, profile or profiles.DEFAULT)
