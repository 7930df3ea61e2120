"""The JSON Schema of `findings.json`: it is the one in docs/, accepts what is written, and refuses everything else."""

import json
import math
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from analysis.findings import findings_file, findings_schema
from analysis.findings.evaluation import evaluate
from analysis.findings.finding import INVALID, KINDS, NOT_MEASURED

VALIDATOR = Draft202012Validator(findings_schema.schema())
PLAIN = {
    "id": "tuned-burst", "kind": "objective", "claim": "a claim", "verdict": "pass", "evidence": "evidence",
    "effect": 20.0, "n": 1, "runs": ["1"], "command": "", "interval": [19.0, 21.0], "level": 0.95, "bound": 12,
    "minimum_detectable_effect": None, "blocks_required": None, "minutes_required": None, "query": "",
}  # fmt: skip
CONTENT = {
    "schema_version": findings_file.VERSION, "experiment": "made", "digest": "0" * 64,
    "machine": {"cpu_model": "a processor", "cpu_count": 2, "memory_bytes": 2**33}, "findings": [PLAIN],
}  # fmt: skip


def problems(content):
    return [error.message for error in VALIDATOR.iter_errors(content)]


def with_field(**fields):
    return CONTENT | {"findings": [PLAIN | fields]}


def test_the_document_is_the_generated_schema_of_draft_2020_12():
    assert findings_schema.PATH.read_text() == findings_schema.text(), "run python -m analysis.findings.findings_schema"
    Draft202012Validator.check_schema(findings_schema.schema())


def test_every_finding_of_an_experiment_fits_also_where_values_are_not_finite(full, tmp_path):
    findings = evaluate(full)
    findings[0] = replace(findings[0], effect=math.inf, interval=(1.0, math.nan), level=0.95)
    path = tmp_path / "findings.json"
    findings_file.write(findings, full, path)
    content = json.loads(path.read_text())
    assert problems(content) == []
    assert {finding["kind"] for finding in content["findings"]} > {"objective", "effect", "explanation", "capacity"}
    assert content["digest"] == full.digest


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_its_own_verdicts_only(kind):
    own = {*KINDS[kind].verdicts, NOT_MEASURED, INVALID}
    for verdict in {verdict for each in KINDS.values() for verdict in each.verdicts} | own | {"better"}:
        assert (problems(with_field(kind=kind, verdict=verdict)) == []) is (verdict in own), verdict


@pytest.mark.parametrize(
    "content",
    [
        CONTENT | {"schema_version": 1},
        CONTENT | {"digest": "abc"},
        CONTENT | {"experiment": ""},
        CONTENT | {"colour": "green"},
        {name: value for name, value in CONTENT.items() if name != "machine"},
        with_field(kind="opinion"),
        with_field(effect="20"),
        with_field(interval=[1.0]),
        with_field(interval=[1.0, 2.0, 3.0]),
        with_field(interval=[1.0, None]),
        with_field(level=95),
        with_field(n=-1),
        with_field(blocks_required=1.5),
        with_field(minimum_detectable_effect=0.9),
        with_field(runs=["1", "1"]),
        with_field(colour="green"),
        CONTENT | {"findings": [{name: value for name, value in PLAIN.items() if name != "evidence"}]},
    ],
    ids=str,
)
def test_anything_else_is_refused(content):
    assert problems(CONTENT) == []
    assert problems(content)
