"""An experiment that was opened before is used again only while each of its files is as it was sealed."""

import json

import pytest

from tests.builders import reseal
from workbench.recording import open_experiment


def opened(experiment):
    return open_experiment(experiment.directory, checks_digests=True)


def flip_last_byte(path):
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.fixture
def made(builder):
    return builder.experiment(builder.run(), builder.run("tuned"))


def test_an_unchanged_experiment_is_the_same_object(made):
    first = opened(made)
    assert opened(made) is first
    assert open_experiment(made.directory) is not first
    assert open_experiment(made.directory, ("login",), checks_digests=True) is not first


@pytest.mark.parametrize("file", ["requests.parquet", "process.parquet"])
def test_a_file_that_was_changed_since_is_read_and_named(made, file):
    first = opened(made)
    assert len(first.usable) == 2
    flip_last_byte(made.runs[1].directory / file)
    second = opened(made)
    assert second is not first
    assert [run.name for run in second.usable] == [made.runs[0].name]
    flip_last_byte(made.runs[1].directory / file)
    assert len(opened(made).usable) == 2


def test_an_experiment_that_was_sealed_anew_is_read_anew(made):
    first = opened(made)
    record = made.directory / made.runs[0].name / "run.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"valid": False}))
    reseal(made.directory / made.runs[0].name)
    second = opened(made)
    assert second is not first
    assert len(second.usable) == 1


def test_an_experiment_whose_file_was_another_one_amid_the_work_is_read_anew(made):
    first = opened(made)
    file = made.runs[1].directory / "process.parquet"
    flip_last_byte(file)
    assert len(first.usable) == 1
    flip_last_byte(file)
    assert len(opened(made).usable) == 2


def test_an_experiment_that_was_not_sealed_is_read_each_time(made):
    for path in (made.directory / "experiment.json", *made.directory.glob("*/run.json")):
        record = json.loads(path.read_text())
        record.pop("files")
        path.write_text(json.dumps(record | {"format": 3}))
    assert opened(made) is not opened(made)
