"""`python -m analysis history`: the list of recorded experiments, and where their metrics changed."""

import re

from tests.histories import factors, name_of, record_history


def test_history_lists_the_experiments_and_warns_of_damaged_ones(builder, command):
    builder.experiment(builder.run("tuned", "burst-25"), name="20260101-a")
    builder.experiment(builder.run("tuned", "burst-25").cut_off(), name="20260102-b", profile="full")
    record = builder.experiment(builder.run("tuned", "burst-25"), name="20260103-c").directory / "experiment.json"
    record.write_text(record.read_text()[:100])
    run = builder.experiment(builder.run("tuned", "burst-25"), name="20260104-d").runs[0].directory / "run.json"
    run.write_text("{}")
    result = command("history")
    assert result.exit_code == 0
    machine, head, *rows = result.stdout.splitlines()
    assert machine == "a processor, 1 cores, 8 GiB:"
    assert head.split()[:7] == ["started", "experiment", "commit", "profile", "scale", "status", "runs"]
    assert [row.split()[1:7] for row in rows] == [
        ["20260101-a", "0123456789", "quick", "small", "complete", "1"],
        ["20260102-b", "0123456789", "full", "small", "incomplete", "1"],
    ]
    warnings = result.stderr.splitlines()
    assert len(warnings) == 2
    assert all(line.startswith("warning: ") for line in warnings)
    assert str(record) in warnings[0]
    assert f"{run.parent.name}/{run.name}" in warnings[1]


def test_history_leaves_out_columns_in_which_no_experiment_has_a_value(builder, command):
    """Of own applications: neither set-ups of TraceTrack, nor the scale of a database that they do not use."""
    source = {"kind": "command", "command": "serve shop", "folder": "/srv/shop"}
    run = builder.run("tuned", "burst-25")
    run.record["deployment"] |= {"name": "shop", "source": source}
    builder.experiment(run, profile="comparison", comparison={"arms": [{"name": "shop", **source}]})
    _, head, row, *_ = command("history").stdout.splitlines()
    assert head.split() == ["started", "experiment", "commit", "profile", "status", "runs", "valid"]
    assert row.split()[1:] == ["made", "0123456789", "comparison", "complete", "1", "1"]
    assert "scale" not in command("show", str(builder.runs / "made")).stdout


def test_history_without_experiments_names_the_folder(command, tmp_path):
    result = command("history")
    assert (result.exit_code, result.stdout) == (0, f"no experiment in {tmp_path / 'runs'}\n")


def test_history_names_what_changed_between_two_experiments_of_one_machine(builder, command):
    for day, python in ((1, "3.11.7"), (2, "3.11.7"), (3, "3.12.1")):
        run = builder.run("as-advised-at-default", "start")
        run.record["environment"] = run.record["environment"] | {"python": python}
        run.record["started"] = f"2026-01-0{day}T00:00:00.000Z"
        builder.experiment(run, name=f"2026010{day}-a")
    lines = [line.strip() for line in command("history").stdout.splitlines()]
    assert lines[-2] == "-- a difference across this line may come from: Python 3.11.7 → 3.12.1"
    assert ("20260102-a" in lines[-3], "20260103-a" in lines[-1]) == (True, True)
    assert sum(line.startswith("--") for line in lines) == 1


def test_history_names_a_change_below_its_table(builder, command):
    record_history(builder, factors((8, 1.0), (6, 1.5)))
    builder.experiment(builder.run("tuned", "burst-50").invalid(), name="20260120-invalid")
    lines = command("history").stdout.partition("changes over experiments:\n")[2].splitlines()
    assert re.fullmatch(
        rf"  tuned burst-50 duration: \S+ s → \S+ s \(\+\d+ %, \d+ to \d+ %\) between {name_of(7)} \(0123456789\) and "
        rf"{name_of(8)} \(0123456789\), the same commit; worse, p below 0.0001, 8 and 6 experiments",
        lines[0],
    )
    assert lines[1].startswith("  1 series searched. If nothing had changed in any of them")
    assert lines[2:] == ["  Left out of all series: 1 without a valid run."]


def test_history_without_a_change_says_so(builder, command):
    record_history(builder, factors((10, 1.0)))
    assert "changes over experiments:\n  none is known\n" in command("history").stdout
