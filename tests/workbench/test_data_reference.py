"""The reference of the recorded columns is that of the schema, and the schema that of the counters."""

from instrumentation.worker_metrics import POOL_FIELDS
from workbench import data_reference
from workbench.reading_schema import POOL


def test_the_reference_is_up_to_date():
    assert data_reference.PATH.read_text() == data_reference.text(), "run: python -m workbench.data_reference"


def test_every_counter_of_the_pools_is_a_described_column():
    names = [column.name for column in POOL]
    assert [name for name in names if name in POOL_FIELDS] == list(POOL_FIELDS)
