"""`%ab` and `%%ab` in IPython: what they refuse, and one experiment of two deployments."""

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from lab import open_experiment
from tests.lab.shown_parts import fallback


@pytest.fixture(scope="module")
def shell():
    config = Config()
    config.HistoryManager.enabled = False
    started = InteractiveShell(config=config)
    started.extension_manager.load_extension("lab")
    return started


@pytest.mark.parametrize(
    ("line", "cell", "messages"),
    [
        ("--blocks x", "a: tuned\nb: as-measured", ["'x' is not a valid integer"]),
        ("--nope", "a: tuned\nb: as-measured", ["No such option"]),
        ("--load 'burst", "a: tuned\nb: as-measured", ["No closing quotation"]),
        ("--p95-ms 0", "a: tuned\nb: as-measured", ["0.0 is not in the range"]),
        ("--locustfile none.py", "a: http://127.0.0.1:1\nb: http://127.0.0.1:2", ["'none.py' does not exist"]),
        (
            "",
            "a tuned\n# comment\n\n: x\nc: gunicorn app",
            ["'a tuned' is no arm", "'x' is no arm", "c: 'gunicorn app'"],
        ),
        ("", "a: tunde\nb: tuned", ["no deployment 'tunde'"]),
        ("", "a: tuned", ["one arm compares nothing"]),
        ("", "a: tuned\na: as-measured", ["two arms have the name a"]),
        ("", "a: tuned\nb: http://127.0.0.1:1", ["deployments with deployments"]),
        ("--blocks 2", "a: tuned\nb: as-measured", ["fewer than 4 blocks decide nothing"]),
        ("--load burst", "a: tuned\nb: as-measured", ["no scenario 'burst'"]),
        ("--tag buy", "a: tuned\nb: as-measured", ["go with commands and URLs"]),
        ("", "a: http://192.0.2.7\nb: http://192.0.2.7/b", ["192.0.2.7 is not this machine"]),
    ],
)
def test_each_mistake_is_a_line_with_the_usage_below(shell, line, cell, messages):
    with pytest.raises(UsageError) as error:
        shell.run_cell_magic("ab", line, cell)
    mistakes, usage, _ = str(error.value).partition("usage: %%ab")
    assert usage
    lines = mistakes.splitlines()
    assert len(lines) == len(messages)
    assert all(message in line for message, line in zip(messages, lines, strict=True))


def test_the_line_magic_takes_its_arms_as_words(shell):
    with pytest.raises(UsageError, match="two arms have the name a"):
        shell.run_line_magic("ab", "a=tuned 'a=command:serve $PORT' a=http://127.0.0.1:1")


@pytest.mark.exclusive
def test_two_deployments_are_measured_and_shown(shell, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    cell = "base: as-measured\nhead: deployment:tuned\n"
    view = shell.run_cell_magic("ab", "--load burst-8 --blocks 4 --scale small --p95-ms 60000", cell)
    printed = capsys.readouterr().out
    assert "preparing" in printed  # the board, as text
    assert "measuring: done" in printed
    assert view.sentences[0].startswith("head against base, 3 comparisons:")
    assert any("system CPU per request under burst-8: head instead of base" in line for line in view.sentences)
    assert any("burst-8 on head with p95 of every endpoint below 60.0 s: sustained" in line for line in view.sentences)
    effects = view.table.set_index(["metric", "change"]).loc[("duration", "head")]
    assert effects["ratio"] < 1
    assert view.why[0].figure is not None
    assert set(view.percentiles.table["deployment"]) == {"base", "head"}
    assert fallback(view)
    exp = open_experiment(view.recorded.directory)
    assert (exp.baseline, exp.candidate) == ("base", "head")
    source = exp.run("head", "burst-8").recorded.record["deployment"]["source"]
    assert source == {"kind": "deployment", "deployment": "tuned"}
    assert exp.effects("burst-8").table["change"].tolist()[0] == "head"
    assert exp.run("head", "burst-8").plans().table["plan"].str.len().min() > 0


def test_an_experiment_that_fails_is_one_line(shell, tmp_path, monkeypatch):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    with pytest.raises(UsageError, match="nothing can be compared: arm a: there is no program 'no-such-program'"):
        shell.run_cell_magic("ab", "--load burst-2", "a: command:no-such-program\nb: command:no-such-program")
