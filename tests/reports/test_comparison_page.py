"""The page of two experiments: verdicts, waterfalls, what else differs, and what it refuses or cannot show."""

import re

import pytest
from click.testing import CliRunner

from analysis.recording_comparison import compare_experiments
from reports import comparison_page, comparison_tables
from reports.__main__ import main
from tests.builders import Builder
from tests.reports.page_reader import MISSING_VALUE, table_cells, table_rows
from tests.reports.test_index_page import inline_text

CHANGE, RATIO, STEP = comparison_tables.CHANGE, comparison_tables.RATIO, "B − A, ms (95 % interval)"
ARMS = ("as-measured", "tuned")


@pytest.fixture(scope="module")
def builder(tmp_path_factory):
    """One builder for all tests: experiments are built once."""
    return Builder(tmp_path_factory.mktemp("compared") / "runs")


@pytest.fixture(scope="module")
def old(builder):
    return four_blocks(builder, "old")


@pytest.fixture(scope="module")
def slower_commit(builder, old):
    """A comparison in which tuned got slower and as-measured did not, at another commit."""
    new = four_blocks(builder, "new", slower={"tuned": 1.5}, environment={"commit": "89abcdef0123456789"})
    return compare_experiments(old, new, lambda warning: None)


def four_blocks(builder, name, slower=None, environment=None, arms=ARMS):
    runs = [
        builder.run(deployment, block=block, slower=spread * (slower or {}).get(deployment, 1.0))
        for deployment in arms
        for block, spread in enumerate((1.0, 1.004, 0.996, 1.0))
    ]
    for run in runs:
        run.record["environment"] = run.record["environment"] | (environment or {})
    return builder.experiment(*runs, name=name)


def test_the_first_screen_has_verdicts_by_number_and_the_commit_inside_the_verdict(slower_commit):
    html = comparison_page.html(slower_commit)
    lead = inline_text(html.partition("<main")[2].partition("<h2")[0])
    counts = slower_commit.counts()
    assert counts["regression"] > 0
    assert f"B against A: {counts['regression']} regressed, {counts['improvement']} improved" in lead
    assert "commit 0123456789 → 89abcdef01." in lead
    assert re.search(rf"Regressed\s+{counts['regression']}\s", lead)
    assert not MISSING_VALUE.search(inline_text(html.partition("<main")[2]))


def test_regressions_stand_first_with_their_interval_and_a_band(slower_commit):
    html = comparison_tables.verdicts(slower_commit)
    rows = table_rows(html, "Metrics of B over those of A")
    assert rows[0] == [CHANGE, RATIO, "verdict"]
    verdicts = [row[2] for row in rows[1:]]
    assert set(verdicts[: slower_commit.counts()["regression"]]) == {"regression"}
    cells = table_cells(html, "Metrics of B over those of A")
    assert re.fullmatch(r"1\.50 \(1\.4\d–1\.5\d\)", cells["duration of tuned under burst-50"][RATIO])
    assert '<svg class="strip regression"' in str(html)
    equivalent = table_cells(html, "Metrics that are equivalent")
    assert "duration of as-measured under burst-50" in equivalent


def test_the_waterfall_goes_from_one_mean_to_the_other_and_shows_what_is_unexplained(slower_commit):
    html = comparison_tables.waterfalls(slower_commit)
    rows = table_rows(html, "tuned under burst-50: from A to B")[1:]
    assert (rows[0][0], rows[-2][0], rows[-1][0]) == ("mean latency in A", "unexplained", "mean latency in B")
    before, after = float(rows[0][1]), float(rows[-1][1])
    assert after / before == pytest.approx(1.5, rel=0.02)
    steps = [float(row[2].split(" ")[0].replace("−", "-")) for row in rows[1:-1]]
    assert sum(steps) == pytest.approx(after - before, abs=1)
    assert rows[-2][2] == "0.00"
    assert "waiting for a worker" in [row[0] for row in rows]


def test_another_machine_has_values_and_no_verdict(builder, old):
    other = four_blocks(builder, "elsewhere", slower={"tuned": 3}, environment={"cpu_count": 64})
    comparison = compare_experiments(old, other, lambda warning: None, across_machines=True)
    html = comparison_page.html(comparison)
    assert 'class="pill' not in html
    assert "No verdict, because A and B were not measured on the same machine: number of cores 1 → 64." in html
    assert table_cells(html, "Facts in which")["machine: number of cores"] == {
        "A → B": "1 → 64",
        "what it means": "no verdict",
    }
    assert "another machine" in table_cells(html, "Metrics")["duration of tuned under burst-50"]["verdict"]


def test_an_arm_of_one_side_only_is_named(builder, old):
    half = four_blocks(builder, "half", arms=("tuned",))
    html = comparison_page.html(compare_experiments(old, half, lambda warning: None))
    assert "<li>as-measured under burst-50: 4 usable runs in A, not in B</li>" in html


def test_failures_are_by_arm_and_no_section_without_any(builder, old, slower_commit):
    runs = [builder.run("tuned", block=block) for block in range(4)]
    for row in (row for run in runs for row in run.rows):
        row |= {"ok": False, "error": "<i>status</i> 500"}
    dead = builder.experiment(*runs, name="dead")
    html = comparison_page.html(compare_experiments(old, dead, lambda warning: None))
    assert "600 of 600: " in table_cells(html, "Failures and dropped arrivals")["tuned under burst-50"]["B failures"]
    assert "<i>" not in html
    assert '<h2 id="time-of-a-request">' not in html
    assert '<h2 id="failures">' not in comparison_page.html(slower_commit)


def test_one_run_each_is_shown_without_interval_or_verdict(builder):
    one, other = (builder.experiment(builder.run("tuned"), name=name) for name in ("one", "other"))
    html = comparison_page.html(compare_experiments(one, other, lambda warning: None))
    assert "No verdict: it takes 4 blocks of an arm in both experiments." in html
    assert 'class="cards"' not in html
    assert table_cells(html, "Metrics")["duration of tuned under burst-50"]["verdict"] == "1 block of 4"


@pytest.fixture
def compare(builder, tmp_path, monkeypatch):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(builder.runs.parent))
    return lambda *names: CliRunner().invoke(main, ["compare", "--output", str(tmp_path), "--", *names])


def test_the_command_prints_the_verdict_and_the_page_and_lists_it_in_the_index(compare, slower_commit, tmp_path):
    result = compare("old", "new")
    assert result.exit_code == 0, result.output
    sentence, path = result.output.splitlines()
    assert sentence.startswith("B against A: ")
    assert path == str(tmp_path / "compare-old-new.html")
    index = (tmp_path / "index.html").read_text()
    assert '<a href="compare-old-new.html">old → new</a>' in index
    assert sentence in inline_text(index)
    first = (tmp_path / "compare-old-new.html").read_bytes()
    compare("old", "new")
    assert (tmp_path / "compare-old-new.html").read_bytes() == first


def test_two_pairs_of_one_name_have_two_pages(compare, builder, tmp_path):
    for name in ("a-b", "c", "a", "b-c"):
        builder.experiment(builder.run("tuned"), name=name)
    paths = [compare(*pair).output.splitlines()[-1] for pair in (("a-b", "c"), ("a", "b-c"), ("a-b", "c"))]
    assert paths[0] == paths[2] != paths[1]
    index = inline_text((tmp_path / "index.html").read_text())
    assert "a-b → c" in index
    assert "a → b-c" in index


def test_a_folder_with_a_hostile_name_has_a_page(compare, builder, old, tmp_path):
    odd = tmp_path / ("<b>\"'\n" + "x" * 180)
    four_blocks(builder, "plain", arms=("tuned",)).directory.rename(odd)
    result = compare("old", str(odd))
    assert result.exit_code == 0, result.output
    (page,) = tmp_path.glob("compare-*.html")
    assert "<b>" not in page.read_text()
    assert "&lt;b&gt;" in page.read_text()


@pytest.mark.parametrize(
    ("names", "code", "message"),
    [
        (("", "old"), 2, "name two recordings: make compare A=<experiment> B=<experiment>"),
        (("old", "nowhere"), 1, "is not a run: it has no run.json"),
        (("old", "old"), 1, "both are old; there is nothing to compare"),
        (("old", "old/1-01-as-measured-burst-50"), 1, "is a run and the other an experiment"),
        (("old", "empty"), 1, "empty has no complete, valid and readable run"),
        (("old", "edited"), 1, "experiment edited was changed, and cannot be compared"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_line(compare, builder, old, tmp_path, names, code, message):
    if "empty" in names:
        builder.experiment(name="empty", not_started=("1-01-tuned-burst-50",))
    if "edited" in names:
        record = builder.experiment(builder.run("tuned"), name="edited").directory / "experiment.json"
        record.write_text(record.read_text().replace('"quick"', '"short"'))
    result = compare(*names)
    error = result.exception if result.exit_code == 1 and not result.output else None
    assert message in (str(error.format_message()) if hasattr(error, "format_message") else result.output + str(error))
    assert not list(tmp_path.glob("*.html"))


def test_two_runs_are_printed(compare, slower_commit):
    result = compare("old/1-01-as-measured-burst-50", "new/1-01-as-measured-burst-50")
    assert "makespan B/A: " in result.output
