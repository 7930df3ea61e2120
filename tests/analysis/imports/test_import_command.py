"""`python -m analysis import`: arms and blocks, what is written and what is not, and how others open it."""

import json
import os
import socket

import pytest

from analysis.imports import imported_experiment
from tests.analysis.imports.result_files import jtl, jtl_row, write
from workbench.recording import open_experiment

NAME = "both"


@pytest.fixture
def files(tmp_path):
    """Eight files of results: of each block one of `before` (about 100 ms) and one of `after` (about 50 ms)."""
    paths = {"before": [], "after": []}
    for block in range(4):
        for arm, ms in (("before", 100), ("after", 50)):
            rows = [jtl_row(number, ms + block + number % 5) for number in range(200)]
            paths[arm].append(str(write(tmp_path / f"{arm}-{block}.jtl", jtl(rows))))
    return paths


def arms(files, blocks=4):
    return [word for arm, paths in files.items() for word in ("--arm", f"{arm}={','.join(paths[:blocks])}")]


def test_each_file_is_a_run_of_its_arm_and_block(command, files, tmp_path):
    result = command("import", "--experiment", NAME, *arms(files))
    assert (result.exit_code, result.stderr) == (0, "")
    assert "1-01-before-imported: 200 requests from before-0.jtl (jmeter-csv)" in result.stdout
    assert result.stdout.endswith(f"python -m reports build --experiment {NAME}\n")
    experiment = open_experiment(tmp_path / "runs" / NAME, checks_digests=True)
    assert experiment.is_complete()
    assert experiment.problems() == []
    assert [(run.deployment, run.block) for run in experiment.runs] == [
        (arm, block) for block in range(4) for arm in ("before", "after")
    ]
    assert len(experiment.usable) == 8


def test_machine_data_and_seed_are_null(command, files, tmp_path):
    command("import", "--experiment", NAME, *arms(files, 1))
    experiment = open_experiment(tmp_path / "runs" / NAME)
    record = json.loads((tmp_path / "runs" / NAME / "experiment.json").read_text())
    assert (record["scale"], record["seed"], set(record["environment"].values())) == (None, None, {None})
    assert set(experiment.runs[0].record["environment"].values()) == {None}
    assert "imported from JMeter" in experiment.summary()[0]
    assert "machine not recorded" in experiment.summary()[1]


def test_fewer_than_four_blocks_have_no_interval_and_the_command_says_so(command, files):
    result = command("import", "--experiment", NAME, *arms(files, 1))
    assert "no interval and no verdict: 1 block of an arm, and it takes 4 of each" in result.stdout


def test_blocks_have_the_numbers_that_are_given_and_may_lack_an_arm(command, files, tmp_path):
    before, after = files["before"], files["after"]
    result = command("import", "--experiment", NAME, "--arm", f"before={before[0]},{before[1]}",
                     "--arm", f"after=,{after[1]}", "--block", "2", "--block", "5")  # fmt: skip
    assert result.exit_code == 0, result.output
    runs = open_experiment(tmp_path / "runs" / NAME).runs
    assert [(run.deployment, run.block + 1) for run in runs] == [("before", 2), ("before", 5), ("after", 5)]


def test_a_file_with_a_comma_in_its_name_is_one_file(command, tmp_path):
    path = write(tmp_path / "a,b.jtl", jtl([jtl_row(0)]))
    assert command("import", "--experiment", NAME, "--arm", f"a={path}").exit_code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], ["give at least one --arm"]),
        (["--arm", "before"], ["'before' is no arm", "NAME=FILE"]),
        (["--arm", "before="], ["is no arm"]),
        (["--arm", "../x=FILE"], ["is no arm"]),
        (["--arm", "a=,"], ["arm a has no file"]),
        (["--arm", "a=FILE", "--block", "0"], ["--block 0 is no number of a block"]),
        (["--arm", "a=FILE,FILE", "--block", "1", "--block", "1"], ["a number twice"]),
        (["--arm", "a=FILE", "--block", "1", "--block", "2"], ["arm a has 1 files", "2 numbers"]),
        (["--arm", "a=FILE", "--experiment", "../x"], ["is no id"]),
        (["--arm", "a=FILE", "--scenario", "a b"], ["is no id"]),
        (["--arm", "a=gone.jtl"], ["gone.jtl is not there"]),
    ],
)
def test_wrong_options_are_one_line_and_write_nothing(command, files, tmp_path, options, words):
    given = [option.replace("FILE", files["before"][0]) for option in options]
    result = command("import", *given)
    assert result.exit_code in (1, 2)
    (line,) = result.stderr.splitlines()
    assert all(word in line for word in words), line
    assert [*(tmp_path / "runs").glob("*")] == []


def test_an_experiment_that_is_there_is_left_alone(command, files, tmp_path):
    command("import", "--experiment", NAME, *arms(files, 1))
    before = (tmp_path / "runs" / NAME / "experiment.json").read_bytes()
    result = command("import", "--experiment", NAME, *arms(files, 2))
    assert result.exit_code == 1
    assert "is there already" in result.stderr
    assert (tmp_path / "runs" / NAME / "experiment.json").read_bytes() == before


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_of_two_imports_with_one_name_at_once_the_second_is_refused(command, files, tmp_path, monkeypatch, kind):
    there = tmp_path / "runs" / NAME
    record = imported_experiment._record

    def end_second(*arguments):
        if kind == "file":
            there.touch()
        else:
            there.mkdir()
            (there / "experiment.json").touch()
        return record(*arguments)

    monkeypatch.setattr(imported_experiment, "_record", end_second)
    result = command("import", "--experiment", NAME, *arms(files, 1))
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert f"{there} is there already" in line
    assert [*(tmp_path / "runs").glob("*")] == [there]


def test_a_bad_file_among_good_ones_leaves_nothing(command, files, tmp_path):
    bad = write(tmp_path / "bad", "nonsense\n")
    result = command("import", "--experiment", NAME, *arms(files, 1), "--arm", f"before={bad}")
    assert result.exit_code == 1
    assert f"{bad} begins with 'nonsense'" in result.stderr
    assert [*(tmp_path / "runs").glob("*")] == []


def test_an_import_that_is_stopped_leaves_nothing(command, files, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("analysis.imports.imported_rows._batches", stop)
    assert command("import", "--experiment", NAME, *arms(files, 1)).exit_code == 1
    assert [*(tmp_path / "runs").glob("*")] == []


def test_an_arm_is_of_one_tool_and_arms_of_two_are_warned_of(command, files, tmp_path):
    header = "timestamp,request_type,name,response_time_ms,response_length,status_code,exception\n"
    locust = write(tmp_path / "locust.csv", f"{header}1767225600,GET,/,20,1,200,\n")
    mixed = command("import", "--experiment", NAME, "--arm", f"a={files['before'][0]},{locust}")
    assert "arm a has results of JMeter and of Locust" in mixed.stderr
    both = command("import", "--experiment", NAME, "--arm", f"a={files['before'][0]}", "--arm", f"b={locust}")
    assert "JMeter and Locust, which do not define latency alike" in both.stderr


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket", "empty"])
def test_what_is_no_file_with_content_is_refused(command, tmp_path, kind):
    path = tmp_path / "x"
    with socket.socket(socket.AF_UNIX) as listener:
        make = {"folder": path.mkdir, "pipe": lambda: os.mkfifo(path), "empty": path.touch,
                "socket": lambda: listener.bind(str(path))}  # fmt: skip
        make[kind]()
        result = command("import", "--arm", f"a={path}")
    assert result.exit_code == 1
    assert "is empty" in result.stderr or "no regular file" in result.stderr


def test_text_that_would_steer_a_terminal_is_cleaned(command, tmp_path):
    path = write(tmp_path / "x", "\x1b[31mred\x1b[0m\n")
    assert "\x1b" not in command("import", "--arm", f"a={path}").stderr


def test_show_and_compare_open_an_imported_experiment(command, files):
    command("import", "--experiment", NAME, *arms(files))
    shown = command("show", f"{NAME}/1-01-before-imported")
    assert shown.exit_code == 0, shown.output
    assert "200 measured requests in 20.00 s (kind of load not known)" in shown.stdout
    assert "imported from JMeter, file before-0.jtl; machine not recorded, kind of load not known" in shown.stdout
    compared = command("compare", f"{NAME}/1-01-before-imported", f"{NAME}/1-02-after-imported")
    assert compared.exit_code == 0, compared.output
    history = command("history")
    assert "machine not recorded:" in history.stdout


def test_two_imported_experiments_do_not_claim_the_same_machine(command, files):
    command("import", "--experiment", "first", *arms(files))
    command("import", "--experiment", "second", *arms(files))
    output = command("compare", "first", "second").stdout
    assert "whether machine, versions, data and code are the same is not recorded" in output


def test_the_command_runs_as_a_process_and_reports_a_bad_file_in_one_line(process, tmp_path):
    bad = write(tmp_path / "bad", "nonsense\n")
    finished = process("import", "--arm", f"a={bad}")
    assert finished.returncode == 1
    assert finished.stderr.count("\n") == 1
    assert "--format" in finished.stderr


@pytest.mark.parametrize("option", ["--format", "--unit"])
def test_the_choices_of_an_option_are_listed_without_an_empty_one(command, files, option):
    result = command("import", *arms(files, 1), option, "jmeter")
    assert result.exit_code == 2
    assert "'jmeter' is not one of '" in result.stderr
    assert "''" not in result.stderr


def test_a_file_without_an_arm_is_refused_with_the_option_that_takes_it(command, files, tmp_path):
    result = command("import", "file.csv")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "Error: 'file.csv' is of no arm; give it as --arm NAME=file.csv\n"
    assert command("import", *arms(files, 1), "file.csv").exit_code == 2
    assert [*(tmp_path / "runs").glob("*")] == []


@pytest.mark.parametrize("delimiter", ["ab", '"', "\\n\\n"])
def test_a_delimiter_is_one_character(refused, delimiter):
    refused(jtl([jtl_row(0)]), "--delimiter", "one character", options=("--delimiter", delimiter))
