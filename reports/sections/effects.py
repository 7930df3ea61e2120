"""What each change is worth: at a glance, in sentences, and with all that a verdict rests on."""

import pandas as pd

from analysis import ablation
from analysis.ablation import BURST, OTHER_BURSTS, READS, Worth
from analysis.findings import wording
from analysis.stats.confidence import FEWEST_BLOCKS
from analysis.stats.hypothesis import Effect

from ..tables import Html, Quantity, Verdict, folded, table
from .comparison import BASE, OURS, Report, join, prose

TOLD = ("cpu_ms", "makespan_s", "reads_p95_ms")  # the figures that have a sentence


def optimisations(report: Report) -> Html:
    """Each optimisation of tuned: with it against without it."""
    tables = [_tables(report, "optimisation", scenario, "without") for scenario in (BURST, READS)]
    tables.append(_tables(report, "addition", BURST, OURS))
    found = [piece for piece in (*tables, _interactions(report)) if piece]
    return join(*found) if found else prose("This experiment did not run ours with one thing taken away.")


def deployments(report: Report) -> Html:
    """Each main deployment in the place of as-measured."""
    tables = [_tables(report, "deployment", scenario, BASE) for scenario in (BURST, *OTHER_BURSTS)]
    return join(*filter(None, tables)) if any(tables) else prose("No other deployment was run beside it.")


def changed_reads(report: Report) -> Html:
    """As-measured with one thing changed, under single reads."""
    return _tables(report, "change", READS, BASE) or prose("Nothing was changed in as-measured alone.")


def _tables(report, what, scenario, against):
    """The verdicts at a glance, their sentences, and folded away what they rest on; None where nothing was run."""
    found = ablation.tables(report.experiment).get((what, scenario))
    if not found:
        return None
    told = [prose(wording.of_worth(one)) for one in found if one.figure.column in TOLD]
    details = [_detail(one, what, against) for one in found]
    return join(
        _glance(found, what, against),
        *told,
        folded(f"What the verdicts under {scenario} rest on, {what} by {what}", join(*details)),
    )


def _glance(found: list[Worth], what, against):
    """A row for each change, a column for each figure."""
    by_name: dict[str, dict] = {}
    for one in found:
        for effect in one.effects:
            row = by_name.setdefault(effect.name, {what: effect.name})
            row[one.figure.name] = _cell(effect)
    blocks = [effect.blocks for one in found for effect in one.effects]
    note = (
        f"Each figure with the change over the same figure {_side(against)}, paired by block; "
        f"{min(blocks)}{'' if min(blocks) == max(blocks) else f' to {max(blocks)}'} blocks. "
    )
    note += (
        f"Fewer than {FEWEST_BLOCKS} blocks give no verdict."
        if max(blocks) < FEWEST_BLOCKS
        else "Gain and loss are what Holm's correction over the changes of a column leaves; the same is an interval "
        "within the band of its figure. The columns are not corrected for each other."
    )
    frame = pd.DataFrame(list(by_name.values()), dtype=object)
    return table(frame, f"What each {what} is worth under {found[0].scenario}", note=note)


def _cell(effect: Effect):
    ratio = wording.number(effect.ratio)
    return ratio if effect.interval is None and effect.verdict == "undecided" else f"{ratio} {effect.verdict}"


def _detail(one: Worth, what, against):
    rows = [_row(effect, what) for effect in one.effects]
    if one.chance:
        rows.append(_row(one.chance, what) | {what: "nothing (two runs of the same)"})
    note = (
        f"{wording.of_chance(one)} Two are taken for the same within {one.figure.band:.0%}. Found in 4 of 5 is the "
        "smallest effect that would have been found in four of five such experiments; the last but one column is how "
        "many blocks would as often decide: find an effect as large as the band, and call the same what is."
    )
    caption = f"{one.figure.name}, with over {_side(against)}, {one.scenario}"
    return table(pd.DataFrame(rows, dtype=object), caption[:1].upper() + caption[1:], note=note)


def _row(effect: Effect, what) -> dict:
    enough = effect.interval is not None
    return {
        what: effect.name,
        "ratio": Quantity(effect.ratio, "{:.4g}"),
        "95 % interval": f"{effect.low:.4g}–{effect.high:.4g}" if enough else None,
        "verdict": Verdict(effect.verdict),
        "p, Holm": Quantity.of(effect.p_holm, "{:.4f}"),
        "found in 4 of 5": wording.size(effect.detectable) if enough else None,
        "blocks to decide": (effect.blocks_needed or "over 200") if enough else None,
        "blocks": effect.blocks,
    }


def _interactions(report):
    """Pairs that were taken away together: whether each is worth the same without the other."""
    rows = []
    for scenario in (BURST, READS):
        for figure, effects in ablation.interactions(report.experiment, OURS, scenario).items():
            rows += [
                {"pair": f"{effect.name}, {scenario}", "figure": figure, **_row(effect, "of")} for effect in effects
            ]
    if not rows:
        return None
    frame = pd.DataFrame(rows, dtype=object).drop(columns=["of", "verdict"])
    note = (
        "What the first is worth beside the second, over what it is worth without it: 1 where neither depends on the "
        "other, over 1 where having one leaves less for the other to gain."
    )
    return folded("What two optimisations are worth together", table(frame, "Two optimisations together", note=note))


def _side(against):
    return "without it" if against == "without" else f"on {against}"
