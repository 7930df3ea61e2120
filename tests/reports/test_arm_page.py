"""The page of a comparison of arms: the verdict first, hostile text escaped, every number with a source."""

import re
from html import unescape

import pytest

from analysis.conclusions import conclusions
from reports import page_numbers
from reports.decision import decide
from reports.pull_request_summary import MAX_BYTES, summary
from tests.analysis.compared import compared
from tests.reports import notebook_page

HOSTILE = "serve '<img src=x onerror=alert(1)>' --password=correct-horse"


def _text(markup):
    return re.sub(r"<[^>]+>", "", markup)


@pytest.fixture
def page_of(tmp_path):
    """The text of the page of an experiment."""
    return lambda experiment: notebook_page.write(experiment, conclusions(experiment), tmp_path / "page.html")


def test_it_leads_with_the_verdict_and_the_arms(builder, page_of):
    text = page_of(compared(builder, {"base": 1.0, "head": 1.5}, sources={"head": {"commit": "b" * 40}}))
    lead = text.partition("<h2")[0]
    assert "head against base" in lead
    assert "bbbbbbbbbb" in lead
    assert "Regression:" in lead
    line = r"duration under burst-50: head instead of base: 1\.5\d* \(.+\) of base.*, 4 blocks\."
    assert re.search(line, _text(lead))
    assert "<title>TraceTrack: comparison of base and head</title>" in lead
    headings = ["what-each-change-is-worth", "where-the-time-goes", "how-far-to-trust-this"]
    assert re.findall(r'<h2 id="([^"]+)"', text) == headings
    assert "A/A: duration under burst-50, the baseline twice" in text


def test_an_endpoint_that_no_request_had_is_named(builder, page_of):
    objective = {
        "id": "quick",
        "metric": "p95_ms",
        "deployment": "head",
        "scenario": "burst-50",
        "endpoint": "GET /itemz",
        "below": 50,
    }
    success = {"GET /itemz": {"status": [200]}, "*": {"status": [200]}, "login": {"status": [200]}}
    text = _text(
        page_of(compared(builder, {"base": 1.0, "head": 1.0}, declared={"success": success, "objectives": [objective]}))
    )
    measured = "the measured endpoints are dashboard, login, search"
    assert f"no request had the endpoint GET /itemz; {measured}" in text
    assert text.count("applied to no request") == 1
    assert f'[success."GET /itemz"] applied to no request: {measured}.' in unescape(text)


def test_the_axis_of_the_table_reaches_the_replicates(builder, page_of):
    experiment = compared(builder, {"base": 1.0, "head": 1.0}, replicates=(1.5, 1 / 1.5))
    declared = page_of(experiment).partition("All other metrics")[0]
    assert 'class="arrow"' not in declared
    text = _text(declared)
    ends = [float(end) for each in re.findall(r"\(([\d.]+–[\d.]+)\)", text) for end in each.split("–")]
    low, high = map(float, re.search(r"The axis of the intervals reaches from ([\d.]+) to ([\d.]+)", text).groups())
    assert max(ends) > 1.5
    assert low <= min(ends)
    assert max(ends) <= high


@pytest.mark.parametrize(
    ("metrics", "grey"),
    [(("makespan_s",), "Grey: within 10 %."), (("makespan_s", "cpu_ms"), "Grey: within 5 % or 10 %, the margin of")],
)
def test_the_legend_has_the_margin_of_every_metric(builder, metrics, grey, page_of):
    assert grey in _text(page_of(compared(builder, {"base": 1.0, "head": 1.0}, metrics=metrics)))


def test_endpoints_have_the_arms_in_the_declared_order(builder, page_of):
    text = page_of(compared(builder, {"zeta": 1.0, "beta": 1.0, "alpha": 1.0}))
    (rows,) = re.findall(r"Latency, under burst-50(.+?)</table>", text, re.DOTALL)
    arms = re.findall(r"zeta|beta|alpha", _text(rows))
    assert arms == ["zeta", "beta", "alpha"] * (len(arms) // 3)
    assert "Latencies are of the successful responses." in text


def test_response_times_of_open_load_are_called_so(builder, page_of):
    text = _text(
        page_of(compared(builder, {"base": 1.0, "head": 1.0}, scenario="open-20", metrics=("response_p95_ms",)))
    )
    assert "Response time, from when a request was due, under open-20" in text
    assert "Response times are of the successful responses." in text
    assert "Latencies are" not in text


def _cards(text):
    """The cards of the first screen: value and detail by label."""
    cards = re.findall(r'<dt>(.+?)</dt><dd class="value">(.+?)</dd><dd class="detail">(.*?)</dd>', text)
    return {_text(label): (unescape(_text(value)), unescape(_text(detail))) for label, value, detail in cards}


def test_the_first_screen_has_times_and_what_failed(builder, page_of):
    experiment = compared(builder, {"base": 1.0, "head": 1.0, "slow": 1.5})
    lead = page_of(experiment).partition("<h2")[0]
    cards = _cards(lead)
    assert list(cards) == ["Duration, burst-50, slow", "Duration, burst-50, head", "Failed requests"]
    before, after = re.fullmatch(r"([\d.]+) → ([\d.]+) s", cards["Duration, burst-50, slow"][0]).groups()
    assert float(after) / float(before) == pytest.approx(1.5, abs=0.1)
    assert re.fullmatch(r"× 1\.5\d* \(.+–.+\), worse", cards["Duration, burst-50, slow"][1])
    assert cards["Duration, burst-50, head"][1].endswith(", equivalent")
    assert cards["Failed requests"][0] == "0"
    assert (lead.count("<b>Regression:</b>"), lead.count("<b>Equivalent:</b>")) == (2, 0)


def test_the_first_screen_has_the_objectives(builder, page_of):
    objectives = [
        {"id": f"below-{bound}", "metric": "p95_ms", "deployment": "head", "scenario": "burst-50", "endpoint": "login",
         "below": bound}
        for bound in (1, 1e6)
    ]  # fmt: skip
    lead = page_of(compared(builder, {"base": 1.0, "head": 1.0}, declared={"objectives": objectives}))
    lead = lead.partition("<h2")[0]
    assert _cards(lead)["Objectives met"] == ("1 of 2", "1 fail")
    assert "Objectives missed:" in lead
    assert "below 1 ms" in _text(lead)


@pytest.mark.parametrize(
    ("invalid", "remark", "detail"),
    [
        ((), "", r"× 1\.5\d* \(.+–.+\), worse"),
        (
            [("head", 0)],
            "1 of 12 runs are not valid and enter no value, most often for generator CPU (use fewer users",
            r"× 1\.5\d* \(3 blocks, no interval\), inconclusive",
        ),
    ],
)
def test_inconclusive_comparisons_have_a_word_on_invalid_runs(builder, page_of, invalid, remark, detail):
    lead = page_of(compared(builder, {"base": 1.0, "head": 1.5}, invalid=invalid)).partition("<h2")[0]
    assert re.fullmatch(detail, _cards(lead)["Duration, burst-50"][1])
    assert remark in _text(lead)
    assert ("not valid" in _text(lead)) == bool(remark)


def test_every_number_names_its_source(builder, tmp_path):
    experiment = compared(builder, {"base": 1.0, "head": 1.5})
    notebook_page.write(experiment, conclusions(experiment), tmp_path / "page.html")
    page = page_numbers.read(tmp_path / "page.html")
    assert page.experiment == experiment.name
    assert list(page_numbers.without_source(page)) == []


def test_a_hostile_command_is_escaped_and_its_secret_left_out(builder, page_of):
    source = {"kind": "command", "command": HOSTILE, "commit": None}
    text = page_of(compared(builder, {"base": 1.0, "head": 1.0}, sources={"base": source, "head": source}))
    assert "<img" not in text
    assert "correct-horse" not in text


@pytest.mark.parametrize("invalid", [("head",), ("base", "head")])
def test_arms_without_valid_runs_have_a_page_that_says_so(builder, invalid, page_of):
    experiment = compared(builder, {"base": 1.0, "head": 1.0}, invalid=invalid)
    text = page_of(experiment)
    assert "Invalid:" in text.partition("<h2")[0]
    assert "<table" in text
    has_pairs = "base" not in invalid
    assert ("the A/A rows are the difference of the two" in text) == has_pairs
    assert ("in no block are both of these runs valid" in text) == (not has_pairs)
    assert ("In no block are both runs of an A/A pair valid" in text) == (not has_pairs)
    assert "No arm has an A/A replicate" not in text
    assert decide(experiment, conclusions(experiment)).exit_code == 3


@pytest.mark.parametrize(("slower", "exit_code"), [(1.5, 1), (1.0, 0)])
def test_the_decision_needs_no_objective(builder, slower, exit_code):
    experiment = compared(builder, {"base": 1.0, "head": slower})
    findings = conclusions(experiment)
    decision = decide(experiment, findings)
    assert decision.exit_code == exit_code
    text = summary(decision, experiment, findings)
    assert len(text.encode()) < MAX_BYTES
    assert "base is commit aaaaaaaaaa" in text


@pytest.mark.parametrize(("profile", "shown"), [({}, ""), ({"profile": "short"}, ", profile short")])
def test_the_summary_of_an_own_application_has_its_name_and_no_scale(builder, profile, shown):
    experiment = compared(builder, {"base": 1.0, "head": 1.0})
    assert "Profile comparison, scale small, base is" in _summary(experiment)
    experiment.record["comparison"]["application"] = {"name": "Notes", "file": "/app/workbench.toml", **profile}
    text = _summary(experiment)
    assert f"Application Notes{shown}, base is" in text
    assert "scale" not in text


def _summary(experiment):
    findings = conclusions(experiment)
    return summary(decide(experiment, findings), experiment, findings)


def test_one_arm_alone_has_a_page_and_no_decision(builder, page_of):
    experiment = compared(builder, {"application": 1.0})
    findings = conclusions(experiment)
    text = _text(page_of(experiment))
    assert "application alone, with nothing to compare it with" in text
    assert "All other metrics" not in text
    assert decide(experiment, findings).exit_code == 3


def test_a_deployment_is_named_as_one(builder, page_of):
    source = {"kind": "deployment", "deployment": "as-measured"}
    experiment = compared(builder, {"base": 1.0, "head": 1.5}, sources={"base": source, "head": source})
    assert "base is deployment as-measured" in _text(page_of(experiment))


def test_arms_that_differ_in_a_variable_or_a_commit_alone_show_it(builder, page_of):
    """In the table of the arms, and in the first lines of the summary, without the secret."""
    same = {"kind": "command", "command": "serve shop", "folder": "/srv/shop"}
    base = {**same, "environment": "API_KEY=correct-horse TAKES=0", "commit": "a" * 40}
    head = {**same, "environment": "API_KEY=battery-staple TAKES=0.05", "commit": "b" * 40}
    experiment = compared(builder, {"base": 1.0, "head": 1.5}, sources={"base": base, "head": head})
    page, text = page_of(experiment), _summary(experiment)
    rows = page.partition("The arms, the baseline first")[2].partition("</table>")[0]
    changes = "API_KEY differs, TAKES 0 → 0.05, commit aaaaaaaaaa → bbbbbbbbbb"
    assert changes in rows
    assert "All arms are serve shop" in _text(page)
    assert f"base and head are serve shop, head with {changes}" in text
    assert not re.search("correct-horse|battery-staple", page + text)
