"""A program that the interpreter of a checkout runs in its folder: it prints what the workbench has to know, as JSON.

The environment has the settings of a deployment, and the arguments are names of packages. It uses no module of
`loadgen`, as the checkout has its own.
"""

import importlib
import json
import platform
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any


def _attempted(read: Callable[[], Any]) -> Any:
    """What was read; None where the checkout has no such module, name or package."""
    try:
        return read()
    except (ImportError, AttributeError, PackageNotFoundError):
        return None


def _constant(module: str, name: str) -> list[str] | None:
    return _attempted(lambda: list(getattr(importlib.import_module(module), name)))


def main(packages: list[str]) -> None:
    """Print the facts; the last line of an error says why the application cannot be served."""
    import reference_app
    from reference_app.settings import Settings, SettingsError

    facts = {
        "file": reference_app.__file__,
        "instrumentation": importlib.import_module("instrumentation").__file__,
        "settings": sorted(Settings.__dataclass_fields__),
        "counters": _constant("reference_app.counters", "COUNTERS"),
        "metrics": _constant("instrumentation.worker_metrics", "FIXED_FIELDS"),
        "grants": _constant("reference_app.role_grants", "GRANTS"),
        "python": platform.python_version(),
        "packages": {name: _attempted(partial(version, name)) for name in packages},
        "refused": "",
    }
    try:
        Settings.from_env()
    except SettingsError as error:
        facts["refused"] = str(error)
    print(json.dumps(facts))


if __name__ == "__main__":
    main(sys.argv[1:])
