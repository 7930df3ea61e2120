"""Tables whose metadata claims what they do not have."""

import json

import pyarrow as pa
import pyarrow.parquet as pq

from tests.builders import reseal
from workbench.recording import open_run
from workbench.request_schema import SCHEMA

ROWS = 4_999
CLAIMED, LESS = b"\x8e\x4e", b"\x8c\x4e"  # twice the number, and twice one less, in seven bits a byte


def test_a_table_that_claims_another_number_of_rows_is_a_defect(builder):
    (run,) = builder.experiment(builder.run()).runs
    path = run.directory / "requests.parquet"
    values = {"endpoint": "login", "phase": "measure", "start_us": 0, "latency_us": 5, "ok": True}
    arrays = {name: pa.repeat(pa.scalar(value, SCHEMA.field(name).type), ROWS) for name, value in values.items()}
    pq.write_table(pa.table(arrays), path, compression="none", use_dictionary=False)
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    path.write_bytes(content[:footer] + content[footer:].replace(CLAIMED, LESS, 1))
    assert (pq.read_metadata(path).num_rows, pq.read_metadata(path).row_group(0).num_rows) == (ROWS - 1, ROWS)
    (run.directory / "run.json").write_text(json.dumps(run.record | {"rows": ROWS - 1}))
    reseal(run.directory)
    opened = open_run(run.directory)
    assert "claims another number of rows than it has" in str(opened.defects[0])
    assert opened.totals is None
