"""Experiment profiles of TraceTrack: those of the `workbench.toml` of this repository."""

from collections.abc import Mapping
from functools import cache

from workbench import nearest_name
from workbench.errors import UsageError
from workbench.paths import REPOSITORY

from .app_file.app_profiles import AppProfiles
from .app_file.toml_document import TomlDocument
from .profile import Profile

FILE = REPOSITORY / "workbench.toml"
DEFAULT = "quick"


@cache
def declared() -> Mapping[str, Profile]:
    """All profiles by name, in the order of the file."""
    return AppProfiles(TomlDocument.read(FILE)).read()


def find(name: str) -> Profile:
    """The profile of this name. Raises `UsageError` for an unknown name."""
    profiles = declared()
    if name not in profiles:
        raise UsageError(f"there is no profile {name!r}; {nearest_name.hint(name, profiles)}")
    return profiles[name]
