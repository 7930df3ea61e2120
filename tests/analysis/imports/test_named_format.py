"""A `--format` that a file does not have: refused in one line that says what the file has."""

import pytest

from analysis.imports.format_table import NAMES
from tests.analysis.imports import test_gatling_log as gatling
from tests.analysis.imports import test_histogram_files as histograms
from tests.analysis.imports import test_jmeter_xml as jmeter_xml
from tests.analysis.imports import test_k6_points as k6
from tests.analysis.imports import test_locust_files as locust
from tests.analysis.imports import test_vegeta_results as vegeta
from tests.analysis.imports.result_files import START_MS, jtl, jtl_row

# A small file of each format.
EXAMPLES = {
    "jmeter-xml": jmeter_xml.BEGIN + jmeter_xml.sample(0) + jmeter_xml.END,
    "k6-csv": k6.HEADER + k6.csv_point(k6.START_S, "50"),
    "locust-stats": locust.STATISTICS,
    "locust-requests": locust.REQUESTS,
    "jmeter-csv": jtl([jtl_row(0), jtl_row(1)]),
    "vegeta-csv": vegeta.csv_row(0) + vegeta.csv_row(1),
    "vegeta-json": vegeta.json_line(0) + vegeta.json_line(1),
    "k6-json": k6.json_point("2026-01-01T00:00:00Z", 5),
    "gatling": f"{gatling.RUN}REQUEST\t\tlist\t{START_MS}\t{START_MS + 40}\tOK\t \n",
    "hlog": histograms.log(histograms.encoded([0, 3])),
    "hgrm": histograms.HGRM,
}
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
# What is no results of any tool.
OTHERS = {
    "png": PNG, "text": "nonsense\n", "table": "a,b,c\n1,2,3\n", "wide table": "a,b,c,d,e,f,g,h\ni,j,k,l,m,n,o,p\n",
    "object": '{"a": 1}\n', "marks": "\ufeff", "blank": "\n\n", "no UTF-8": b"\xff\xfeab\n",
    "semicolons": "a;b\n1;2\n", "quotes": '"""\n"a""b\n',
}  # fmt: skip
NO_TEXT_OF_DUCKDB = ("Traceback", "Binder", "Conversion", "Parser", "Invalid Input", "read_csv")


@pytest.fixture
def refused_line(command, tmp_path):
    """Require that a file is refused with this `--format`, in one line and with nothing left; gives the line."""

    def line_of(content, name, *options):
        path = tmp_path / "results"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        result = command("import", "--experiment", "x", "--arm", f"a={path}", "--format", name, *options)
        assert result.exit_code in (1, 2), result.output
        assert isinstance(result.exception, SystemExit), result.exception
        (line,) = result.stderr.splitlines()
        assert not any(word in line for word in NO_TEXT_OF_DUCKDB), line
        assert f"{path}" in line
        assert [*(tmp_path / "runs").glob("*")] == []
        return line.removeprefix(f"Error: {path} ")

    return line_of


def test_each_format_has_an_example():
    assert tuple(EXAMPLES) == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("other", NAMES)
def test_a_file_of_another_format_is_refused_and_its_own_format_is_said(refused_line, command, tmp_path, name, other):
    if name == other:
        unit = ["--unit", "ms"] if name in ("hlog", "hgrm") else []
        path = tmp_path / "results"
        path.write_text(EXAMPLES[name])
        assert command("import", "--arm", f"a={path}", "--format", name, *unit).exit_code == 0
        return
    assert refused_line(EXAMPLES[other], name).endswith(f"; it looks like {other}: leave out --format")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("other", OTHERS)
def test_a_file_of_no_format_is_refused_without_advice_to_name_one(refused_line, name, other):
    assert "name it" not in refused_line(OTHERS[other], name, "--unit", "ms")


@pytest.mark.parametrize("other", ["k6-csv", *OTHERS])
@pytest.mark.parametrize("columns", ["timeStamp,elapsed", "elapsed,Elapsed", 'a"b,elapsed'])
def test_columns_that_no_row_has_are_refused(refused_line, other, columns):
    refused_line(EXAMPLES.get(other) or OTHERS[other], "jmeter-csv", "--columns", columns)


@pytest.mark.parametrize(
    ("name", "other", "words"),
    [
        ("k6-csv", "jmeter-csv", "has no column 'metric_name' of k6-csv"),
        ("locust-requests", "jmeter-csv", "has no column 'timestamp' of locust-requests"),
        ("locust-stats", "k6-csv", "has no column 'Type' of locust-stats"),
        ("jmeter-csv", "k6-csv", "has a header with none of JMeter's columns"),
        ("jmeter-csv", "semicolons", "has a header with none of JMeter's columns"),
        ("jmeter-csv", "vegeta-csv", "is not in the format jmeter-csv"),
        ("vegeta-csv", "table", "has fewer than the 7 columns of vegeta-csv in line 1"),
        ("jmeter-csv", "table", "has a header with none of JMeter's columns; give results of JMeter"),
        ("jmeter-xml", "table", "is no XML; give results of JMeter"),
        ("k6-csv", "png", "is binary, and no known format"),
    ],
)
def test_what_a_file_lacks_is_said(refused_line, name, other, words):
    assert refused_line(EXAMPLES.get(other) or OTHERS[other], name).startswith(words)


def test_required_columns_of_a_recognised_file_are_checked(command, tmp_path):
    path = tmp_path / "results"
    path.write_text("Type,Name,Request Count,Failure Count\nGET,/,1,0\n")
    result = command("import", "--arm", f"a={path}")
    assert "has no column 'Average Response Time' of locust-stats; give results of Locust" in result.stderr


def test_names_that_differ_in_case_only_are_two_columns(import_file):
    rows = [{**jtl_row(0), "Label": "of a user", "label": "open"}]
    run = import_file(jtl(rows, ("timeStamp", "elapsed", "label", "success", "Label")))
    assert list(run.requests["endpoint"]) == ["open"]
