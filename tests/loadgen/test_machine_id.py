"""The digest of the machine's id: it differs between installations, and is not the id itself."""

import pytest

from loadgen import environment


@pytest.fixture
def machine_id(tmp_path, monkeypatch):
    """What is recorded of a machine whose file has this content; None for no file."""

    def recorded(content):
        path = tmp_path / "machine-id"
        if content is not None:
            path.write_bytes(content)
        monkeypatch.setattr(environment, "MACHINE_ID", path)
        return environment.describe(None)["machine_id"]

    return recorded


def test_machine_id_differs_between_installations_and_hides_the_id(machine_id):
    first, second = machine_id(b"a" * 32 + b"\n"), machine_id(b"b" * 32 + b"\n")
    assert len({first, second}) == 2
    assert len(first) == 16
    assert first != "a" * 16
    assert machine_id(b"a" * 32) == first


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe\xff"], ids=["absent", "empty", "blank", "binary"])
def test_machine_id_of_a_machine_without_one_is_none(machine_id, content):
    assert machine_id(content) is None
