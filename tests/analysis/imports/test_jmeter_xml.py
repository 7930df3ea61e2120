"""JMeter's results as XML: nested samples, transactions, ends that are missing, and what XML could do."""

import pytest

from tests.analysis.imports.result_files import START_MS

BEGIN, END = '<?xml version="1.0" encoding="UTF-8"?>\n<testResults version="1.2">\n', "</testResults>\n"
GROUP = 'rm="Number of samples in transaction : 2, number of failing samples : 0"'
BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE testResults [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'
    "<testResults>&b;</testResults>\n"
)


def sample(number, elapsed=20, *, inside="", name="httpSample", ok=True, label="open", other=""):
    message = other or f'rc="{200 if ok else 500}" rm="{"OK" if ok else "Server Error"}"'
    return (
        f'<{name} t="{elapsed}" lt="1" ts="{START_MS + 100 * number}" s="{str(ok).lower()}" lb="{label}" {message} '
        f'tn="Users 1-1" by="300">{inside}</{name}>\n'
    )


def test_a_sample_becomes_a_request(import_file):
    run = import_file(BEGIN + sample(0) + sample(1, 70, ok=False) + END)
    rows = run.requests
    assert list(rows["start_ms"]) == [0, 100]
    assert list(rows["latency_ms"]) == [20, 70]
    assert list(rows["status"]) == [200, 500]
    assert list(rows["error"].fillna("")) == ["", "500 Server Error"]
    assert list(rows["bytes"]) == [300, 300]
    assert list(rows["user"]) == [0, 0]


def test_the_message_of_an_assertion_is_the_error(import_file):
    message = "<failureMessage>too &lt;small</failureMessage>"
    failed = f"<assertionResult><name>size</name><failure>true</failure>{message}</assertionResult>"
    run = import_file(BEGIN + sample(0, ok=False, inside=failed) + sample(1) + END)
    assert list(run.requests["error"].fillna("")) == ["too <small", ""]


def test_a_sample_within_a_sample_is_no_request(import_file):
    run = import_file(BEGIN + sample(0, 90, inside=sample(0, 40) + sample(1, 50)) + END)
    assert list(run.requests["latency_ms"]) == [90]
    assert run.record["imported"]["notes"] == ["2 samples within others are parts of those, and no requests"]


def test_samples_within_a_transaction_are_requests_at_any_depth(import_file):
    inner = sample(1, 60, name="sample", label="parallel", other=GROUP, inside=sample(1, 30) + sample(2, 40))
    outer = sample(0, 99, name="sample", label="all", other=GROUP, inside=sample(0, 20) + inner)
    run = import_file(BEGIN + outer + END)
    assert sorted(run.requests["latency_ms"]) == [20, 30, 40]
    assert run.record["imported"]["notes"] == ["2 transactions were left out: they stand for samples that are here"]


def test_a_transaction_without_its_samples_is_a_request_beside_another_sample(import_file):
    parents = "".join(sample(number, 50, label="all", other=GROUP) for number in range(4))
    run = import_file(BEGIN + parents + sample(9) + END)
    assert list(run.requests["latency_ms"]) == [50, 50, 50, 50, 20]


def test_idle_time_is_within_the_span_of_a_transaction(import_file):
    outer = sample(0, 20, label="all", other=f'{GROUP} it="900"')
    assert list(import_file(BEGIN + sample(5) + outer + END).requests["endpoint"]) == ["open"]


@pytest.mark.parametrize("counts", ['sc="100" ec="3"', 'sc="1" ec="2"'])
def test_samples_that_add_up_several_are_refused(refused, counts):
    other = f'rc="200" rm="OK" {counts}'
    refused(BEGIN + sample(0) + sample(1, other=other) + END, "add up the times", "mode=Standard")


def test_long_names_of_old_versions_are_known(import_file):
    old = f'<sampleResult timeStamp="{START_MS}" time="20" label="open" responseCode="200" success="true"/>'
    assert list(import_file(f"<testResults>{old}</testResults>").requests["latency_ms"]) == [20]


@pytest.mark.parametrize("missing", [len(END), len(END) + 30])
def test_a_file_without_its_end_keeps_the_samples_that_are_whole(import_file, missing):
    text = BEGIN + "".join(sample(number) for number in range(10)) + END
    run = import_file(text[:-missing])
    assert len(run.requests) == (10 if missing == len(END) else 9)
    assert run.record["imported"]["truncated"]
    assert run.record["imported"]["malformed"] == 0


def test_what_comes_after_a_break_is_not_read_and_the_run_says_so(import_file):
    text = BEGIN + "".join(sample(number) for number in range(200)) + "<httpSample t=<\n" + sample(200) + END
    run = import_file(text)
    assert len(run.requests) == 200
    origin = run.record["imported"]
    assert (origin["malformed"], origin["first_malformed_line"], origin["truncated"]) == (1, 203, True)
    assert origin["notes"] == ["what comes after line 203 was not read: the XML is broken there"]


def test_characters_that_xml_forbids_cost_no_sample(import_file):
    data = "<responseData>&#x1b;&#0;\x01 &#65; &amp;&#xd;</responseData>"
    run = import_file(BEGIN + "".join(sample(number, inside=data) for number in range(2000)) + END)
    assert len(run.requests) == 2000
    assert run.record["imported"]["notes"] == ["6,000 characters that XML forbids were replaced by question marks"]


def test_such_a_character_is_recognised_where_pieces_of_the_file_meet(import_file, monkeypatch):
    monkeypatch.setattr("analysis.imports.jmeter_xml.PIECE_BYTES", 7)
    run = import_file(BEGIN + sample(0, inside="<responseData>a&#x1b;b&amp;c</responseData>") + END)
    assert run.record["imported"]["notes"] == ["1 characters that XML forbids were replaced by question marks"]


def test_a_document_type_is_refused_before_anything_expands(refused):
    refused(BOMB, "declares a document type or an entity")


def test_a_tag_without_an_end_is_refused_before_it_fills_the_memory(refused, monkeypatch):
    monkeypatch.setattr("analysis.imports.jmeter_xml.MAX_TOKEN_BYTES", 100_000)
    monkeypatch.setattr("analysis.imports.jmeter_xml.PIECE_BYTES", 50_000)
    refused(BEGIN + '<httpSample lb="' + "a" * 1_000_000, "line 3", "a tag is longer than")


def test_samples_within_samples_without_end_are_refused(refused):
    refused(BEGIN + '<sample t="1">' * 200, "within more than 100 others")


def test_other_xml_is_refused(refused):
    refused("<?xml version='1.0'?>\n<html></html>", "root 'html'", "testResults")


def test_broken_xml_without_a_whole_sample_is_refused(refused):
    refused(BEGIN + "<httpSample t=>", "line 3", "no sample before it is whole")
