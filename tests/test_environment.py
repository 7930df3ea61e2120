"""The lists of packages say the same, and none names a host."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
CARD = [
    "jupyterlab",
    "pandas",
    "matplotlib",
    "SQLAlchemy",
    "psycopg2-binary",
    "locust",
    "papermill",
    "nbconvert",
    "Flask",
    "pytest",
]


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def by_name(lines):
    """The requirements by canonical name; a package may have a pin for some Pythons and another for the rest."""
    found = {}
    for requirement in map(Requirement, lines):
        found.setdefault(canonical(requirement.name), []).append(requirement)
    return found


def pinned(name):
    text = (ROOT / name).read_text()
    return by_name(re.findall(r"^([a-z][^\\\n]+?) \\$", text, re.MULTILINE))


@pytest.fixture(scope="module")
def lock():
    return pinned("requirements.lock")


@pytest.fixture(scope="module")
def declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return by_name(project["project"]["dependencies"] + project["dependency-groups"]["dev"])


@pytest.fixture(scope="module")
def conda():
    content = yaml.safe_load((ROOT / "environment.yml").read_text())
    (pip,) = (entry["pip"] for entry in content["dependencies"] if isinstance(entry, dict))
    return by_name(name for name in pip if name != "-e .")


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lock_satisfies_what_is_declared_on_every_python(lock, declared, python):
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    for name, (asked,) in declared.items():
        pins = [pin for pin in lock[name] if pin.marker is None or pin.marker.evaluate(environment)]
        assert len(pins) == 1, name
        assert str(pins[0].specifier).removeprefix("==") in asked.specifier, name


def test_the_lock_of_the_audit_satisfies_its_group():
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    locked = pinned("audit.lock")
    for name, (asked,) in by_name(groups["audit"]).items():
        (pin,) = locked[name]
        assert str(pin.specifier).removeprefix("==") in asked.specifier, name


def test_the_locks_of_scale_satisfy_their_groups_and_change_no_other_version(lock):
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    locked = pinned("scale.lock")
    for name, (asked,) in by_name(groups["scale"]).items():
        assert all(str(pin.specifier).removeprefix("==") in asked.specifier for pin in locked[name]), name
    stored = pinned("store.lock")
    for name, (asked,) in by_name(groups["store"]).items():
        assert all(str(pin.specifier).removeprefix("==") in asked.specifier for pin in stored[name]), name
    for name in set(locked) & set(lock):
        assert {str(pin.specifier) for pin in locked[name]} <= {str(pin.specifier) for pin in lock[name]}, name


def test_conda_has_the_same_packages_at_the_locked_versions(lock, declared, conda):
    assert set(conda) == set(declared)
    for name, pins in conda.items():
        wanted = {(str(pin.specifier), str(pin.marker)) for pin in lock[name]}
        assert {(str(pin.specifier), str(pin.marker)) for pin in pins} == wanted, name


def test_the_product_card_is_complete(declared, conda):
    assert {canonical(name) for name in CARD} <= set(declared) & set(conda)


@pytest.mark.parametrize(
    ("name", "least"), [("requirements.lock", 100), ("audit.lock", 20), ("scale.lock", 15), ("store.lock", 20)]
)
def test_every_locked_package_has_hashes_and_no_host(name, least):
    text = (ROOT / name).read_text()
    entries = re.split(r"\n(?=[a-z])", text.strip())
    assert len(entries) > least
    assert [entry.split("\n")[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert "index" not in re.sub(r"--hash\S+", "", text)
