"""What a page says of imported results: the files, what was lost of them, and what they do not say."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from workbench import imported
from workbench.recording import Experiment, Run
from workbench.redaction import redacted
from workbench.text_cleaning import Target, cleaned

from ..markup import Html
from ..numerals import sentence
from ..tables import Quantity, table
from .comparison import join

DIGEST_CHARACTERS = 16


METHOD = (
    "The results were measured by {tool} and imported. Machine, load, and the order in which arms and blocks were "
    "measured are not on record, so that nothing here shows whether the arms were measured under the same conditions. "
    "Ratios are paired by the number of the block that was given at the import. The metrics that get a verdict were "
    "fixed at the import, and corrected by Holm over all of them."
)


def method(experiment: Experiment) -> Html:
    """What nothing here can check of imported results, and how they are compared."""
    return sentence(METHOD, tool=imported.tool(experiment.record))


def files(runs: Sequence[Run]) -> Html:
    """A row for each imported file, and a list of what is to be known of them; empty for other runs."""
    rows = [_row(run, run.record[imported.KEY]) for run in runs if imported.is_imported(run.record)]
    notes = dict.fromkeys(line for run in runs for line in _notes(run.record.get(imported.KEY) or {}))
    items = "".join(f"<li>{cleaned(redacted(line), Target.HTML)}.</li>" for line in notes)
    return join(
        table(pd.DataFrame(rows, dtype=object), "Imported files"), *([Html(f"<ul>{items}</ul>")] if items else [])
    )


def _row(run: Run, origin: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "run": run.name,
        "file": cleaned(redacted(origin.get("file", "")), Target.LINE),
        "format": origin.get("format"),
        "rows": Quantity.optional(origin.get("rows"), "{:,.0f}"),
        "malformed lines": Quantity.optional(origin.get("malformed"), "{:,.0f}"),
        "first of them": Quantity.optional(origin.get("first_malformed_line"), "{:,.0f}"),
        "end": "missing" if origin.get("truncated") else "there",
        "SHA-256": origin.get("sha256", "")[:DIGEST_CHARACTERS],
    }


def _notes(origin: Mapping[str, Any]) -> list[str]:
    """What one file lacks, and what was done with it."""
    unknown = origin.get("unknown") or ()
    name = origin.get("file")
    lines = [f"no {', no '.join(unknown)}"] if unknown else []
    return [f"{name}: {line}" for line in (*lines, *(origin.get("notes") or ()))]
