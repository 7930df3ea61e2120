"""A run that goes on, in a notebook."""

from lab.live_run import LiveRun
from loadgen import progress
from tests.lab.shown_parts import WIDGET


def test_a_command_that_runs_the_notebook_gets_text_and_no_widget(tmp_path, monkeypatch):
    live = LiveRun(tmp_path / "none")
    assert WIDGET in live._repr_mimebundle_()
    monkeypatch.setenv(progress.DESCRIPTOR, "2")
    assert live._repr_mimebundle_().keys() == {"text/plain", "text/html"}
