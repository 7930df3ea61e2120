"""JMeter's results as CSV: columns, delimiters, transactions, and lines that are no results."""

import gzip

import pytest

from tests.analysis.imports.result_files import HEADER, START_MS, jtl, jtl_row
from workbench.imported import FAILURES, SENDS, STATUSES

ROWS = [jtl_row(0, 20), jtl_row(1, 30, label="search"), jtl_row(2, 70, ok=False)]


def origin(run):
    return run.record["imported"]


def test_a_row_of_each_column_becomes_a_request(import_file):
    run = import_file(jtl(ROWS))
    rows = run.requests
    assert list(rows["endpoint"]) == ["open", "search", "open"]
    assert list(rows["start_ms"]) == [0, 100, 200]
    assert list(rows["latency_ms"]) == [20, 30, 70]
    assert list(rows["status"]) == [200, 200, 500]
    assert list(rows["ok"]) == [True, True, False]
    assert list(rows["error"].fillna("")) == ["", "", "500 Server Error"]
    assert list(rows["bytes"]) == [300] * 3
    assert list(rows["user"]) == [0, 1, 0]
    unknown = ["sequence", "scheduled_ms", "response_ms", "user_wait_ms", "queue_ms", "app_ms", "worker", "cache"]
    assert rows[unknown].isna().all(axis=None)
    assert run.record["started"] == "2026-01-01T00:00:00.000Z"
    assert run.record["ended"] == "2026-01-01T00:00:00.270Z"
    assert run.is_valid()


@pytest.mark.parametrize("delimiter", ["\t", ";", "|", "^"])
@pytest.mark.parametrize("header", [True, False])
def test_the_delimiter_is_found_with_and_without_a_header(import_file, delimiter, header):
    run = import_file(jtl(ROWS, delimiter=delimiter, header=header))
    assert list(run.requests["latency_ms"]) == [20, 30, 70]


@pytest.mark.parametrize("left_out", [name for name in HEADER if name != "elapsed"])
def test_any_column_but_elapsed_may_be_missing(import_file, left_out):
    names = tuple(name for name in HEADER if name != left_out)
    run = import_file(jtl(ROWS, names))
    assert sorted(run.requests["latency_ms"]) == [20, 30, 70]
    unknown = {"timeStamp": [SENDS], "responseCode": [STATUSES]}
    assert origin(run)["unknown"] == unknown.get(left_out, [])


def test_a_file_with_elapsed_times_alone_knows_neither_sends_nor_failures(import_file):
    run = import_file(jtl(ROWS, ("elapsed", "Latency")))
    assert origin(run)["unknown"] == [SENDS, STATUSES, FAILURES]
    assert list(run.requests["endpoint"]) == ["all requests"] * 3


def test_a_file_without_elapsed_is_refused(refused):
    refused(jtl(ROWS, ("timeStamp", "label", "success")), "no column elapsed", "jmeter.save.saveservice.time=true")


def test_columns_without_a_header_can_be_named(import_file, refused):
    names = ("label", "elapsed", "success")
    text = jtl(ROWS, names, header=False)
    refused(text, "none of the known formats", "--format")
    run = import_file(text, "--format", "jmeter-csv", "--columns", ",".join(names))
    assert sorted(run.requests["latency_ms"]) == [20, 30, 70]


def test_time_stamps_of_the_end_are_moved_by_the_elapsed_time(import_file):
    run = import_file(jtl(ROWS), "--timestamps", "end")
    assert list(run.requests["start_ms"]) == [0, 90, 150]


def test_time_stamps_with_a_format_are_taken_as_utc(import_file):
    rows = [jtl_row(n, timeStamp=f"2026/01/01 00:00:0{n}.250") for n in range(3)]
    run = import_file(jtl(rows))
    assert list(run.requests["start_ms"]) == [0, 1000, 2000]
    assert run.record["started"] == "2026-01-01T00:00:00.250Z"
    assert any("UTC" in note for note in origin(run)["notes"])


TRANSACTION = "Number of samples in transaction : 2, number of failing samples : 0"


def transaction(number, elapsed, *, label="all", **changes):
    return jtl_row(number, elapsed, label=label, responseMessage=TRANSACTION, threadName="Users 1-1", **changes)


def step(number, **changes):
    return jtl_row(number, threadName="Users 1-1", **changes)


def test_transactions_are_left_out_beside_their_samples(import_file):
    run = import_file(jtl([step(0), step(1), transaction(0, 150), step(2), step(3), transaction(2, 150)]))
    assert list(run.requests["latency_ms"]) == [20, 20, 20, 20]
    assert origin(run)["notes"] == ["2 transactions were left out: they stand for samples that are here"]


def test_a_transaction_whose_time_has_no_timers_is_left_out_too(import_file):
    rows = [step(5), step(30), transaction(0, 40, IdleTime=3_000)]  # the timer is before the first sample
    assert list(import_file(jtl(rows)).requests["latency_ms"]) == [20, 20]


def test_transactions_without_their_samples_are_requests_beside_other_samples(import_file):
    groups = [transaction(number, 90) for number in range(0, 100, 2)]  # "Generate parent sample"
    others = [step(number) for number in range(1, 9, 2)]
    run = import_file(jtl([*others, *groups]))
    assert run.by_endpoint.set_index("endpoint")["requests"].to_dict() == {"all": 50, "open": 4}
    assert origin(run)["notes"] == [
        "50 of its requests are transactions: the samples that they stand for are not in the file"
    ]


def test_samples_of_another_thread_are_none_of_a_transaction(import_file):
    run = import_file(jtl([jtl_row(1, threadName="Users 1-2"), transaction(0, 500)]))
    assert sorted(run.requests["latency_ms"]) == [20, 500]


def test_each_transaction_of_a_plan_is_decided_by_its_own_rows(import_file):
    rows = [step(0), transaction(0, 90, label="open"), transaction(1, 90, label="parent")]
    run = import_file(jtl([*rows, step(2, label="other")]))
    assert sorted(run.requests["endpoint"]) == ["open", "other", "parent"]
    assert len(origin(run)["notes"]) == 2


def test_transactions_without_time_stamps_are_left_out_where_there_is_anything_else(import_file):
    names = tuple(name for name in HEADER if name != "timeStamp")
    assert list(import_file(jtl([step(0), transaction(0, 90)], names)).requests["latency_ms"]) == [20]


def test_transactions_alone_are_the_requests(import_file):
    run = import_file(jtl([jtl_row(n, 500, responseMessage=TRANSACTION) for n in range(3)]))
    assert len(run.requests) == 3
    assert origin(run)["notes"] == [
        "its requests are transactions: the samples that they stand for are not in the file"
    ]


@pytest.mark.parametrize(("samples", "errors"), [(100, 3), (2, 0), (1, 2)])
def test_rows_that_add_up_several_samples_are_refused(refused, samples, errors):
    names = (*HEADER, "SampleCount", "ErrorCount")
    rows = [jtl_row(0, SampleCount=1, ErrorCount=0), jtl_row(1, 5_000, SampleCount=samples, ErrorCount=errors)]
    refused(jtl(rows, names), "add up the times", "mode=Standard", "StrippedBatch")


def test_counts_of_one_sample_change_nothing(import_file):
    names = (*HEADER, "SampleCount", "ErrorCount")
    rows = [jtl_row(n, SampleCount=1, ErrorCount=n % 2, ok=n % 2 == 0) for n in range(4)]
    assert len(import_file(jtl(rows, names)).requests) == 4


def test_a_message_with_delimiters_quotes_and_lines_is_one_field(import_file):
    rows = [jtl_row(0, ok=False, failureMessage='expected "a,b",\nfound c'), jtl_row(1)]
    run = import_file(jtl(rows))
    assert list(run.requests["error"].fillna("")) == ['expected "a,b",\nfound c', ""]
    assert origin(run)["malformed"] == 0


def test_no_response_is_a_failure_without_a_status(import_file):
    code, message = "Non HTTP response code: java.net.ConnectException", "Connection refused"
    run = import_file(jtl([jtl_row(0), jtl_row(1, ok=False, responseCode=code, responseMessage=message)]))
    failed = run.requests.iloc[1]
    assert failed.isna()["status"]
    assert failed["error"] == f"{code} {message}"


def test_malformed_lines_are_counted_and_the_first_is_named(import_file):
    lines = jtl([jtl_row(number) for number in range(300)]).splitlines()
    lines[5] = "nonsense"
    lines[8] = lines[8].replace(",20,", ",twenty,", 1)
    run = import_file("\n".join(lines) + "\n")
    assert (origin(run)["malformed"], origin(run)["first_malformed_line"]) == (2, 6)
    assert len(run.requests) == 298
    assert run.is_valid()
    assert "2 malformed lines were left out, the first is line 6" in run.notes()


def test_over_a_hundredth_of_malformed_lines_makes_a_run_invalid(import_file):
    run = import_file(jtl(ROWS) + "nonsense\n")
    assert not run.is_valid()
    assert run.record["reasons"] == ["malformed lines of the imported file, share: 25.00%, allowed at most 1.00%"]


def test_a_header_that_comes_again_is_no_malformed_line(import_file):
    run = import_file(jtl(ROWS) + jtl([jtl_row(3)]))
    assert origin(run)["malformed"] == 0
    assert len(run.requests) == 4


def test_a_file_that_is_cut_off_keeps_what_is_whole(import_file):
    text = jtl([jtl_row(number) for number in range(200)])
    run = import_file(text[: -len("http://localhost/,20,0,1\n") - 5])
    assert origin(run)["truncated"]
    assert origin(run)["malformed"] == 1
    assert len(run.requests) == 199
    assert "the file is cut off: what is whole was read, its end is missing" in run.notes()


def test_a_last_line_without_an_end_is_whole(import_file):
    run = import_file(jtl(ROWS).rstrip("\n"))
    assert not origin(run)["truncated"]
    assert len(run.requests) == 3


def test_gzip_is_unpacked_and_may_be_cut_off(import_file, command, tmp_path):
    packed = gzip.compress(jtl([jtl_row(n, elapsed=n % 97) for n in range(20_000)]).encode())
    run = import_file(packed[: len(packed) // 2], name="results.jtl.gz")
    assert origin(run)["truncated"]
    assert 1_000 < len(run.requests) < 20_000


def test_damaged_gzip_is_refused(refused):
    packed = bytearray(gzip.compress(jtl([jtl_row(n, elapsed=n % 97) for n in range(2_000)]).encode()))
    packed[len(packed) // 2] ^= 0xFF
    refused(bytes(packed), "damaged gzip", "unpack")


def test_bytes_that_are_no_utf_8_cost_their_line_only(import_file):
    lines = jtl([jtl_row(number) for number in range(200)]).encode().splitlines(keepends=True)
    lines[3] = lines[3].replace(b"open", b"\xff\xfe")
    run = import_file(b"".join(lines))
    assert (origin(run)["malformed"], origin(run)["first_malformed_line"]) == (1, 4)


def test_values_that_cannot_be_are_null_and_their_request_counts(import_file):
    run = import_file(jtl([jtl_row(0, elapsed=-5), jtl_row(1, bytes=10**18), jtl_row(2, responseCode="99999")]))
    assert list(run.requests["latency_ms"].isna()) == [True, False, False]
    assert list(run.requests["bytes"].isna()) == [False, True, False]
    assert list(run.requests["status"].isna()) == [False, False, True]


def test_sends_of_years_are_no_run(refused):
    refused(jtl([jtl_row(0, timeStamp=0), jtl_row(1)]), "sends of", "days", "one run's results")


def test_a_secret_in_a_label_or_an_error_is_not_recorded(import_file):
    rows = [
        jtl_row(0, label="/login?password=correct-horse"),
        jtl_row(1, ok=False, failureMessage="token=correct-horse"),
    ]
    run = import_file(jtl(rows))
    assert run.requests.iloc[0]["endpoint"] == "/login?password=***"
    assert run.requests.iloc[1]["error"] == "token=***"


def test_rare_endpoints_are_counted_together(import_file, monkeypatch):
    monkeypatch.setattr("analysis.imports.imported_rows.MAX_TEXTS", 2)
    run = import_file(jtl([jtl_row(n, label=label) for n, label in enumerate("aabbcd")]))
    assert list(run.requests["endpoint"]) == ["a", "a", "b", "b", "other endpoints", "other endpoints"]
    assert origin(run)["notes"] == ["2 rare endpoints are counted together as 'other endpoints'"]


def test_rows_as_regular_as_can_be_are_not_taken_for_forged(import_file):
    one, header = jtl([jtl_row(0)], header=False), jtl([])
    run = import_file(header + one * 300_000)
    assert [*run.defects] == []
    assert run.totals["requests"] == 300_000


def test_a_time_stamp_is_the_send(import_file):
    assert START_MS == 1_767_225_600_000
    run = import_file(jtl([jtl_row(0, 250)]))
    assert run.record["started"] == "2026-01-01T00:00:00.000Z"
