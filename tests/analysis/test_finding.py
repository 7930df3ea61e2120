"""Findings: what a judgement becomes, in the one file that all views show."""

import json
from dataclasses import replace

import pytest

from analysis.findings import finding as findings
from analysis.findings import objectives, published_claims, published_setup
from analysis.metrics import published_report
from workbench.errors import UserError


def by_id(experiment):
    return {finding.id: finding for finding in findings.judge(experiment)}


def test_the_checklist_comes_first_then_the_published_figures_the_objectives_and_the_causes(made):
    experiment = made.experiment(made.run())
    judged = findings.judge(experiment)
    figures = [claim.id for claim in published_claims.claims(experiment)]
    stated = [of.id for of in published_setup.declared()]
    assert [finding.id for finding in judged] == [
        *published_report.load("checklist")["id"],
        *figures,
        *stated,
        *(objective.id for objective in objectives.load()),
        "limit-1-01-as-measured-burst-50",
        "growth-as-measured",
        "growth-tuned",
    ]
    kinds = (
        ["checklist"] * 10
        + ["figure"] * len(figures)
        + ["declared"] * 9
        + ["objective"] * len(objectives.load())
        + ["cause"] * 3
    )
    assert [finding.kind for finding in judged] == kinds
    assert [finding.claim for finding in judged[:10]] == list(published_report.load("checklist")["claim"])


def test_a_verdict_is_pass_fail_or_not_measured(made):
    judged = by_id(made.experiment(made.run(), made.run("tuned", slower=2)))
    assert judged["success-rate-under-load"].verdict == "pass"
    assert judged["tuned-burst"].verdict == "fail"
    assert judged["tuned-login-alone"].verdict == "not measured"


def test_a_finding_carries_its_runs_their_number_and_how_to_make_them_again(made):
    runs = [made.run(), made.run("tuned"), made.run(block=1), made.run("tuned", block=1)]
    finding = by_id(made.experiment(*runs, scale="production"))["tuned-burst"]
    assert finding.effect == pytest.approx(20)
    assert finding.n == 4
    assert sorted(finding.runs) == sorted(run.name for run in runs)
    assert finding.command == (
        "python -m loadgen run --deployment as-measured --scenario burst-50 --scale production; "
        "python -m loadgen run --deployment tuned --scenario burst-50 --scale production"
    )


def test_a_finding_that_was_not_measured_has_no_runs_and_no_command(made):
    finding = by_id(made.experiment(made.run()))["tuned-burst"]
    assert (finding.effect, finding.n, finding.runs, finding.command) == (None, 0, (), "")


def test_a_finding_carries_what_its_figure_was_held_against_if_that_is_a_number(made):
    judged = by_id(made.experiment(made.run(), made.run("tuned"), made.run("tuned", "single")))
    bounds = {name: judged[name].bound for name in ("tuned-burst", "tuned-floor", "tuned-burst-reads")}
    assert bounds == {"tuned-burst": 12, "tuned-floor": 1.5, "tuned-burst-reads": 300}
    assert judged["tuned-login-alone"].bound == 300
    assert judged["tuned-success"].bound == 1
    assert judged["summary-answers"].bound is None


def test_below_four_blocks_there_is_no_interval(made):
    judged = findings.judge(made.experiment(made.run(), made.run("tuned")))
    assert {(finding.interval, finding.level) for finding in judged} == {(None, None)}


def test_what_was_written_is_read_back(made, tmp_path):
    experiment = made.experiment(made.run(), made.run("tuned"), name="20260101-000000-quick")
    judged = findings.judge(experiment)
    judged[0] = replace(judged[0], interval=(9.5, 10.5), level=0.95, evidence='ünicode | "quoted"')
    path = tmp_path / "html" / "findings.json"
    findings.write(judged, experiment, path)
    assert findings.read(path) == ("20260101-000000-quick", judged)
    assert [one.name for one in path.parent.iterdir()] == ["findings.json"]


def test_findings_from_before_the_bounds_are_read(made, tmp_path):
    path = tmp_path / "findings.json"
    findings.write(findings.judge(made.experiment(made.run())), made.experiment(name="other"), path)
    content = json.loads(path.read_text())
    for finding in content["findings"]:
        del finding["bound"]
    path.write_text(json.dumps(content))
    assert {finding.bound for finding in findings.read(path)[1]} == {None}


def test_writing_again_replaces_what_was_there(made, tmp_path):
    experiment = made.experiment(made.run())
    path = tmp_path / "findings.json"
    path.write_text("what was there")
    findings.write([], experiment, path)
    assert findings.read(path) == ("made", [])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"experiment": "made", "findings": [{"id": "tu',
        b"\xff\x00",
        b"[]",
        b"null",
        b'{"experiment": "made"}',
        b'{"findings": []}',
        b'{"experiment": "made", "findings": [3]}',
        json.dumps({"experiment": "made", "findings": [{"id": "tuned-burst"}]}).encode(),
        json.dumps({"experiment": "made", "findings": [{"colour": "green"}]}).encode(),
    ],
)
def test_a_damaged_file_is_one_problem(tmp_path, content):
    path = tmp_path / "findings.json"
    path.write_bytes(content)
    with pytest.raises(UserError) as excinfo:
        findings.read(path)
    assert excinfo.value.message == f"{path} holds no findings; run make render"
