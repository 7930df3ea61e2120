"""Two plans of one statement: which nodes differ, and what the plan reads in another way."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from .plan_tree import PlanNode

EQUAL = "equal"


@dataclass(frozen=True)
class PlanChange:
    """Two plans, each with a mark for the nodes that the other one does not have in this place.

    A node is another one if it does another thing, or reads another table or index; rows and costs may differ.
    """

    before: Sequence[PlanNode]
    after: Sequence[PlanNode]
    changed_before: Sequence[bool]
    changed_after: Sequence[bool]

    @property
    def is_same(self) -> bool:
        """True if no node differs."""
        return not any((*self.changed_before, *self.changed_after))

    def sentence(self) -> str:
        """How the plan reads its tables before and after: `Seq Scan on bag → Bitmap Index Scan using bag_name`.

        Of a plan that reads all tables alike the nodes that differ; empty for the same plan.
        """
        sides = [_reading(*side) for side in self._sides] if not self.is_same else []
        if sides and not any(sides):
            sides = [_names(*side) for side in self._sides]
        return " → ".join(side or "nothing in its place" for side in sides)

    @property
    def _sides(self) -> tuple[tuple[Sequence[PlanNode], Sequence[bool]], ...]:
        return (self.before, self.changed_before), (self.after, self.changed_after)


def compare(before: Sequence[PlanNode], after: Sequence[PlanNode]) -> PlanChange:
    """Align the nodes of two plans in the order of their trees, as a comparison of texts aligns lines."""
    changed_before, changed_after = [False] * len(before), [False] * len(after)
    matcher = SequenceMatcher(None, [node.name for node in before], [node.name for node in after], autojunk=False)
    for tag, first, end, other_first, other_end in matcher.get_opcodes():
        if tag != EQUAL:
            changed_before[first:end] = [True] * (end - first)
            changed_after[other_first:other_end] = [True] * (other_end - other_first)
    return PlanChange(before, after, changed_before, changed_after)


def _reading(nodes: Sequence[PlanNode], changed: Sequence[bool]) -> str:
    """The changed nodes that read a table or an index, those with an index first."""
    reading = [node for node, is_changed in zip(nodes, changed, strict=True) if is_changed and _is_scan(node)]
    by_index = [node.name for node in reading if node.index_name]
    return ", ".join(dict.fromkeys(by_index or [node.name for node in reading]))


def _is_scan(node: PlanNode) -> bool:
    return bool(node.table_name or node.index_name)


def _names(nodes: Sequence[PlanNode], changed: Sequence[bool]) -> str:
    return ", ".join(dict.fromkeys(node.name for node, is_changed in zip(nodes, changed, strict=True) if is_changed))
