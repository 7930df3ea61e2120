"""What is wrong with the stored rows of a run, examined where their file is: in this process, or in a worker."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from . import defects, engines, seal
from .defects import Defect
from .object_store import ChangedObject
from .request_schema import STORED
from .row_source import RowsFile


class RowsCheck(NamedTuple):
    """The defects of the rows of a run, and the columns that were added after it was recorded."""

    defects: tuple[Defect, ...]
    absent: frozenset[str]


class Examination(NamedTuple):
    """What to examine: a file, its entry in the seal (None without one), what the record says of its rows, and how.

    With `is_elsewhere` its size and digest are compared here too, as they are not with the other files of its run.
    """

    file: RowsFile
    entry: Mapping[str, Any] | None
    record: Mapping[str, Any]
    digests: bool
    is_elsewhere: bool

    def result(self) -> RowsCheck:
        """Examine the file; what is wrong with it is a defect, and a store that does not answer is an error."""
        self.file.require_here()
        try:
            folder = self.file.path().parent if self.file.is_there() else self.file.directory
        except ChangedObject as error:
            return RowsCheck((defects.of_seal(STORED, error.problem),), frozenset())
        changed = self._mismatches() if self.is_elsewhere and not self.file.url else []
        problems = (*changed, *defects.of_requests(folder, self.record))
        is_total = any(problem.is_total for problem in problems)  # the file may be none that can be opened
        return RowsCheck(problems, frozenset() if is_total else frozenset(defects.absent_columns(folder)))

    def _mismatches(self) -> list[Defect]:
        """The defects of a file that is not as it was sealed."""
        sealed = {STORED: self.entry} if self.entry else {}
        limit = None if self.digests else seal.SMALL_BYTES
        return [
            defects.of_seal(name, f"{problem} after the run had ended")
            for name, problem in (
                *seal.size_mismatches(self.file.directory, sealed),
                *seal.digest_mismatches(self.file.directory, sealed, limit),
            )
        ]


def examined(examinations: Sequence[Examination]) -> list[RowsCheck]:
    """The results of examinations; with a cluster all files are examined at once, where its workers are."""
    cluster = engines.cluster() if any(each.file.is_there() for each in examinations) else None
    if cluster is None:
        return [each.result() for each in examinations]
    return cluster.map(Examination.result, examinations)
