"""What the arms of a comparison are."""

from collections.abc import Iterator, Sequence

import pandas as pd

from analysis import arm_wording
from analysis.arm_differences import differences
from workbench.declared_arms import CHECKOUT, DeclaredArm
from workbench.redaction import redacted

from ..markup import Html, escaped
from ..tables import remark, table
from .comparison import Report, join


def arm_sources(report: Report) -> Html:
    """A row for each arm and in what it differs; facts that are the same for all stand below. Empty without arms."""
    if not report.arms:
        return Html("")
    texts = [redacted(arm_wording.source_text(arm.source)) for arm in report.arms]
    own = differences(report.arms)
    is_shared = any(own.values()) and len({arm_wording.source_text(arm.source) for arm in report.arms}) == 1
    rows = [
        {"arm": arm.name, **({} if is_shared else {"is": text}), "differs in": own[arm.name] or None, **_facts(arm)}
        for arm, text in zip(report.arms, texts, strict=True)
    ]
    notes = [f"All arms are {texts[0]}"] if is_shared else []
    if different := sorted(_differing_packages(report.arms)):
        notes.append(f"Packages that differ: {', '.join(different)}.")
    return join(table(pd.DataFrame(rows, dtype=object), "The arms, the baseline first"), *map(remark, notes))


def _facts(arm: DeclaredArm) -> dict[str, Html | str | None]:
    kind = Html(f'<span class="nowrap">{escaped(arm.kind)}</span>')
    if arm.kind != CHECKOUT:
        return {"kind": kind}
    return {
        "kind": kind,
        "interpreter": f"{arm.source.get('interpreter')}, Python {arm.source.get('python')}",
        "database schema": arm.source.get("schema"),
    }


def _differing_packages(arms: Sequence[DeclaredArm]) -> Iterator[str]:
    """`name 1.0 and 2.0` for each package of which the checkouts have different versions."""
    packages = [arm.source.get("packages") or {} for arm in arms if arm.kind == CHECKOUT]
    for name in sorted({name for each in packages for name in each}):
        versions = list(dict.fromkeys(each.get(name, "none") for each in packages))
        if len(versions) > 1:
            yield f"{name} {' and '.join(versions)}"
