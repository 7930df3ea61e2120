"""`findings.json`: findings that are read as they were written, and files that hold none."""

import json
import math
from dataclasses import replace

import pytest

from analysis.findings import findings_file
from analysis.findings.evaluation import evaluate as evaluate_all
from workbench.arms import TUNED
from workbench.errors import UserError


def test_read_returns_the_findings_that_were_written(builder, tmp_path):
    experiment = builder.experiment(builder.run(), builder.run(TUNED), name="20260101-000000-quick")
    findings = evaluate_all(experiment)
    findings[0] = replace(findings[0], interval=(9.5, 10.5), level=0.95, evidence='ünicode | "quoted"')
    path = tmp_path / "html" / "findings.json"
    findings_file.write(findings, experiment, path)
    assert findings_file.read(path) == ("20260101-000000-quick", findings)
    assert [file.name for file in path.parent.iterdir()] == ["findings.json"]


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_write_of_a_value_that_is_not_finite_is_valid_json(builder, tmp_path, value):
    experiment = builder.experiment(builder.run(), builder.run(TUNED))
    findings = evaluate_all(experiment)
    findings[0] = replace(findings[0], effect=value, interval=(1.0, value), level=0.95, bound=5.0)
    path = tmp_path / "findings.json"
    findings_file.write(findings, experiment, path)

    def refuse(constant):
        raise AssertionError(constant)

    first = json.loads(path.read_text(), parse_constant=refuse)["findings"][0]
    assert (first["effect"], first["interval"], first["bound"]) == (None, None, 5.0)
    assert findings_file.read(path)[1][1:] == findings[1:]


def test_read_of_findings_without_bounds_gives_none(builder, tmp_path):
    path = tmp_path / "findings.json"
    experiment = builder.experiment(builder.run())
    findings_file.write(evaluate_all(experiment), experiment, path)
    content = json.loads(path.read_text())
    for finding in content["findings"]:
        del finding["bound"]
    path.write_text(json.dumps(content))
    assert {finding.bound for finding in findings_file.read(path)[1]} == {None}


def test_read_for_another_experiment_or_an_older_state_is_refused(builder, tmp_path):
    path = tmp_path / "findings.json"
    first = builder.experiment(builder.run(), name="first")
    findings_file.write([], first, path)
    assert findings_file.read_for(first, path) == []
    with pytest.raises(UserError, match="another experiment than second: run 02-analyse on it"):
        findings_file.read_for(builder.experiment(builder.run(), name="second"), path)
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"digest": "0" * 64}))
    with pytest.raises(UserError, match="another experiment than first"):
        findings_file.read_for(first, path)


def test_write_replaces_a_file(builder, tmp_path):
    path = tmp_path / "findings.json"
    path.write_text("another content")
    findings_file.write([], builder.experiment(builder.run()), path)
    assert findings_file.read(path) == ("made", [])


HEAD = {"schema_version": 2, "experiment": "made", "digest": None}
OLD_VERDICT = {
    "id": "limit-1", "kind": "cause", "claim": "a claim", "verdict": "told", "evidence": "evidence", "effect": None,
    "n": 1, "runs": ["1"], "command": "",
}  # fmt: skip


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
        b'{"schema_version": 2, "experiment": "made", "digest": null, "findings": [3]}',
        b'{"schema_version": 1, "experiment": "made", "digest": null, "findings": []}',
        b'{"schema_version": 3, "experiment": "made", "digest": null, "findings": []}',
        json.dumps({**HEAD, "findings": [{"id": "tuned-burst"}]}).encode(),
        json.dumps({**HEAD, "findings": [{"colour": "green"}]}).encode(),
        json.dumps({**HEAD, "findings": [OLD_VERDICT]}).encode(),
    ],
)
def test_read_of_a_damaged_or_older_file_is_one_message(tmp_path, content):
    path = tmp_path / "findings.json"
    path.write_bytes(content)
    with pytest.raises(UserError) as excinfo:
        findings_file.read(path)
    assert excinfo.value.message == f"{path} holds no findings of this version; run make render"
