"""Checkouts: what is recorded of another working tree, and which cannot serve."""

import re
import shutil
import sys

import pytest

from loadgen import dataset
from loadgen.app_code import OWN
from loadgen.checkout import Checkout
from tests.loadgen.checkouts import commit, git, make_checkout, replace
from workbench.errors import UserError
from workbench.paths import REPOSITORY


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return make_checkout(tmp_path_factory.mktemp("checkouts") / "mit Lücke")


@pytest.fixture
def folder(original, tmp_path):
    """A checkout of the test's own, with a space and an umlaut in its path."""
    return shutil.copytree(original, tmp_path / "mit Lücke")


def inspected(folder, deployment="tuned"):
    return Checkout.inspect("base", folder, deployment)


def test_its_commit_interpreter_and_schema_are_recorded(folder):
    checkout = inspected(folder)
    source = checkout.record()
    assert (source["kind"], source["folder"], source["commit"]) == (
        "checkout",
        str(folder),
        git(folder, "rev-parse", "HEAD"),
    )
    assert (source["dirty"], source["changes"], source["interpreter"]) == (False, None, "the workbench's")
    assert source["schema"] == dataset.schema_digest()
    assert source["packages"]["gunicorn"]
    assert (checkout.code.schema, checkout.code.waits, checkout.code.python) == (OWN.schema, True, sys.executable)
    checkout.require_unchanged()


def test_local_changes_are_recorded_and_later_ones_are_refused(folder):
    with (folder / "reference_app" / "health.py").open("a") as file:
        file.write("# a change\n")
    checkout = inspected(folder)
    assert checkout.facts["dirty"]
    assert checkout.facts["changes"]
    with (folder / "reference_app" / "health.py").open("a") as file:
        file.write("# another one\n")
    with pytest.raises(UserError, match=r"checkout base .* was changed since the experiment began"):
        checkout.require_unchanged()


def test_an_interpreter_of_its_own_serves(folder):
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    checkout = inspected(folder)
    assert checkout.facts["interpreter"] == "its own"
    assert checkout.code.python == str(python)


def test_another_schema_gets_a_template_of_its_own(folder):
    with (folder / "reference_app" / "schema" / "btree.sql").open("a") as file:
        file.write("CREATE INDEX another ON tracetrack.bag (id);\n")
    checkout = inspected(commit(folder))
    assert checkout.code.schema == folder / "reference_app" / "schema"
    assert checkout.facts["schema"] != dataset.schema_digest()
    assert dataset.fingerprint("small", checkout.code.schema) != dataset.fingerprint("small")


def test_an_optional_part_of_a_schema_counts(folder):
    (folder / "reference_app" / "schema" / "optional.sql").write_text("SELECT 1;\n")
    assert inspected(folder).facts["schema"] != dataset.schema_digest()


def test_a_server_that_does_not_know_the_start_signal_is_started_after_its_database_is_there(folder):
    replace(folder / "reference_app" / "worker_start.py", "TRACETRACK_START_SIGNAL", "TRACETRACK_OTHER")
    assert not inspected(folder).code.waits


def _no_folder(folder):
    shutil.rmtree(folder)


def _no_application(folder):
    shutil.rmtree(folder / "reference_app")


def _no_repository(folder):
    shutil.rmtree(folder / ".git")


def _unknown_setting(folder):
    path = folder / "reference_app" / "settings.py"
    path.write_text(re.sub(r"    statistics_query: .*\n", "", path.read_text()))


def _unknown_value(folder):
    replace(folder / "reference_app" / "settings.py", 'Literal["scrypt", "argon2id"]', 'Literal["scrypt"]')


def _broken(folder):
    (folder / "reference_app" / "settings.py").write_text("from nowhere import anything\n")


def _other_metrics(folder):
    replace(folder / "instrumentation" / "worker_metrics.py", '"ready", "requests"', '"ready", "seen", "requests"')


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_no_folder, "is no folder; name the folder of another checkout"),
        (_no_application, "has no reference_app; name"),
        (_no_repository, "is no checkout that git can read; name"),
        (_unknown_setting, r"does not know statistics_query \(summary\), which tuned sets"),
        (_unknown_value, "refuses the deployment tuned: password_hash is 'argon2id'"),
        (_broken, "does not start: ModuleNotFoundError: No module named 'nowhere'"),
        (_other_metrics, "counts other things than the workbench reads"),
    ],
)
def test_a_folder_that_cannot_serve_is_named_before_anything_is_measured(folder, change, message):
    change(folder)
    with pytest.raises(UserError, match=message) as error:
        inspected(folder)
    assert error.value.message.startswith("arm base: ")
    assert "\n" not in error.value.message


def test_an_interpreter_that_imports_another_checkout_is_refused(folder):
    shutil.rmtree(folder / "instrumentation")
    with pytest.raises(UserError, match="its interpreter imports another checkout"):
        inspected(folder)


def test_this_checkout_can_be_an_arm():
    assert inspected(REPOSITORY).code.schema == OWN.schema
