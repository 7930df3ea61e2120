"""The list of what is stored."""

from lab.stored_recordings import Stored


def test_without_anything_the_way_to_it_is_named(tmp_path):
    nothing = Stored(tmp_path / "html", tmp_path / "runs")
    assert "make report" in repr(nothing)
    assert "01-measure.ipynb" in nothing._repr_mimebundle_()["text/html"]


def test_experiments_are_listed_and_one_that_cannot_be_read_too(builder, tmp_path):
    recorded = builder.experiment(builder.run("tuned"))
    broken = recorded.directory.parent / "broken"
    broken.mkdir()
    (broken / "experiment.json").write_text("[")
    table = Stored(tmp_path / "html", recorded.directory.parent).table.set_index("experiment")
    assert table["status"][recorded.name] == "complete"
    assert table["status"]["broken"] == "cannot be read"
