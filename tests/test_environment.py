"""The three lists of packages say the same, and none names a host."""

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


@pytest.fixture(scope="module")
def lock():
    text = (ROOT / "requirements.lock").read_text()
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ \\]+)", text, re.MULTILINE))


@pytest.fixture(scope="module")
def declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    return {canonical(Requirement(name).name): Requirement(name) for name in names}


@pytest.fixture(scope="module")
def conda():
    content = yaml.safe_load((ROOT / "environment.yml").read_text())
    (pip,) = (entry["pip"] for entry in content["dependencies"] if isinstance(entry, dict))
    return {canonical(Requirement(name).name): Requirement(name) for name in pip if name != "-e ."}


def test_the_lock_satisfies_what_is_declared(lock, declared):
    wrong = {name: lock.get(name) for name, asked in declared.items() if lock.get(name) not in asked.specifier}
    assert wrong == {}


def test_conda_has_the_same_packages_at_the_locked_versions(lock, declared, conda):
    assert set(conda) == set(declared)
    assert {name: str(pin.specifier) for name, pin in conda.items()} == {name: f"=={lock[name]}" for name in conda}


def test_the_product_card_is_complete(declared, conda):
    assert {canonical(name) for name in CARD} <= set(declared) & set(conda)


def test_every_locked_package_has_hashes_and_no_host():
    text = (ROOT / "requirements.lock").read_text()
    entries = re.split(r"\n(?=[a-z])", text.strip())
    assert len(entries) > 100
    assert [entry.split("\n")[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert "index" not in re.sub(r"--hash\S+", "", text)
