"""Gatling's simulation.log as text, of several versions, and its binary successor."""

import pytest

from workbench.imported import STATUSES

START_MS = 1_767_225_600_000
RUN = f"RUN\tshop.Simulation\tsimulation\t{START_MS}\t \t3.9.5\n"


def test_requests_become_rows_and_other_records_none(import_file):
    text = RUN + (
        f"USER\tShop\tSTART\t{START_MS}\nREQUEST\tbuy,pay\tcard\t{START_MS}\t{START_MS + 40}\tOK\t \n"
        f"GROUP\tbuy\t{START_MS}\t{START_MS + 90}\t40\tOK\n"
        f"REQUEST\t\tlist\t{START_MS + 100}\t{START_MS + 130}\tKO\tstatus.find.is(200), but actually found 500\n"
        f"USER\tShop\tEND\t{START_MS + 200}\n"
    )
    run = import_file(text, name="simulation.log")
    rows = run.requests
    assert list(rows["endpoint"]) == ["card", "list"]
    assert list(rows["start_ms"]) == [0, 100]
    assert list(rows["latency_ms"]) == [40, 30]
    assert list(rows["ok"]) == [True, False]
    assert list(rows["error"].fillna("")) == ["", "status.find.is(200), but actually found 500"]
    assert rows["status"].isna().all()
    assert rows["user"].isna().all()
    assert run.record["imported"]["malformed"] == 0


@pytest.mark.parametrize(
    "record",
    [
        "REQUEST\tShop\t7\t\tlist\t{0}\t{1}\tOK\t ",  # 2.3
        "REQUEST\t7\t\tlist\t{0}\t{1}\tOK\t ",  # 3.0
        "REQUEST\t\tlist\t{0}\t{1}\tOK\t ",  # 3.4
        "REQUEST\t\tlist\t{0}\t{1}\tOK",
        "Shop\t7\tREQUEST\t\tlist\t{0}\t{0}\t{1}\t{1}\tOK\t ",  # 2.0
    ],
)
def test_records_of_every_text_version_are_known(import_file, record):
    run = import_file(RUN + record.format(START_MS, START_MS + 40) + "\n")
    assert (run.requests.iloc[0]["endpoint"], run.requests.iloc[0]["latency_ms"]) == ("list", 40)


@pytest.mark.parametrize(
    "record",
    [
        "REQUEST\t\t{0}\t{0}\t{1}\tOK\t ",
        "REQUEST\t{0}\t{0}\t{0}\t{1}\tOK\t ",
        "Shop\t7\tREQUEST\t\t{0}\t{0}\t{0}\t{1}\t{1}\tOK\t ",
    ],
)
def test_a_name_of_thirteen_digits_is_no_time(import_file, record):
    run = import_file(RUN + record.format(START_MS, START_MS + 40) + "\n")
    assert (run.requests.iloc[0]["endpoint"], run.requests.iloc[0]["latency_ms"]) == (str(START_MS), 40)


def test_a_message_of_several_lines_is_no_malformed_line(import_file):
    failed = f"REQUEST\t\tlist\t{START_MS}\t{START_MS + 5}\tKO\tregex found nothing\n  in the body\n  of the answer\n"
    run = import_file(RUN + failed + f"REQUEST\t\tlist\t{START_MS}\t{START_MS + 9}\tOK\t \n")
    assert len(run.requests) == 2
    assert run.record["imported"]["malformed"] == 0


def test_failures_alone_are_a_valid_run_as_no_status_is_known(import_file):
    run = import_file(RUN + f"REQUEST\t\tlist\t{START_MS}\t{START_MS + 5}\tKO\tstatus 503\n")
    assert run.is_valid()
    assert run.record["imported"]["unknown"] == [STATUSES]


def test_a_record_that_is_no_request_is_malformed(import_file):
    good = f"REQUEST\t\tlist\t{START_MS}\t{START_MS + 5}\tOK\t \n" * 300
    run = import_file(RUN + good + "REQUEST\t\tlist\tsoon\tlater\tOK\t \nnonsense\n")
    origin = run.record["imported"]
    assert (origin["malformed"], origin["first_malformed_line"]) == (2, 302)


def test_the_binary_log_is_refused_by_name(refused):
    refused(b"\x00\x00\x00\x00\x063.13.1\x00\x00\x00\x0fshop.Simulation", "Gatling 3.11 and later", "convert",
            name="simulation.log")  # fmt: skip
