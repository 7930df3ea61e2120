"""Importing jsonschema without the grammar of addresses. Each check is a process of its own, as imports are for one."""

import subprocess
import sys


def printed(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()


def test_the_grammar_is_left_out_and_can_be_imported_afterwards():
    code = (
        "import sys; from reports.jsonschema_import import *; import_without_grammar(); import_without_grammar(); "
        "print('jsonschema' in sys.modules, GRAMMAR in sys.modules); import rfc3987_syntax; print(GRAMMAR)"
    )
    assert printed(code) == ["True", "False", "rfc3987_syntax"]


def test_jsonschema_imports_the_grammar_by_itself():
    """Where it no longer does, `reports.jsonschema_import` is of no use."""
    assert printed("import sys, jsonschema; print('rfc3987_syntax' in sys.modules)") == ["True"]
