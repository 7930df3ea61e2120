"""Importing jsonschema, which nbformat needs, without the grammar of web addresses.

A package that checks addresses compiles that grammar when it is imported, which takes longer than anything else that a
build imports. The schema of notebooks has no address to check, and without the package jsonschema leaves its check out.
"""

import sys
from importlib import import_module

GRAMMAR = "rfc3987_syntax"


def import_without_grammar() -> None:
    """Import jsonschema, if nothing did so before; the package of the grammar can be imported afterwards."""
    if GRAMMAR in sys.modules:
        return
    sys.modules[GRAMMAR] = None  # type: ignore[assignment]  # as the import system says that there is no such module
    try:
        import_module("jsonschema")
    finally:
        del sys.modules[GRAMMAR]
