"""The sizes of pages as their headers state them, and bytes that are no header."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench import parquet_pages
from workbench.parquet_pages import MalformedPage

TABLE = pa.table(
    {
        "number": pa.array(range(20_000)),
        "word": pa.array(["login", "search", None, "scan"] * 5_000),
        "text": pa.array([str(number) * 5 for number in range(20_000)]),
        "truth": pa.array([True, False] * 10_000),
        "real": pa.array([0.5] * 20_000),
    }
)
WRITERS = {
    "one page": {},
    "many pages": {"data_page_size": 1_000, "write_batch_size": 100},
    "second version": {"data_page_version": "2.0"},
    "no dictionary": {"use_dictionary": False},
    "differences": {"use_dictionary": ["word"], "column_encoding": {"number": "DELTA_BINARY_PACKED"}},
    "no statistics": {"write_statistics": False},
    "checksums": {"write_page_checksum": True},
    "many groups": {"row_group_size": 3_000},
}


@pytest.mark.parametrize("compression", ["zstd", "none"])
@pytest.mark.parametrize("options", WRITERS.values(), ids=WRITERS)
def test_pages_add_up_to_what_an_honest_file_claims(tmp_path, options, compression):
    path = tmp_path / "table.parquet"
    pq.write_table(TABLE, path, compression=compression, **options)
    content, metadata = path.read_bytes(), pq.read_metadata(path)
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        in_memory = parquet_pages.group_bytes(content, group)
        assert 0.8 * group.total_byte_size < in_memory <= group.total_byte_size  # the claim has the headers too


@pytest.mark.parametrize("use_dictionary", [True, False])
def test_a_group_without_rows_has_no_bytes(tmp_path, use_dictionary):
    path = tmp_path / "table.parquet"
    pq.write_table(TABLE.slice(0, 0), path, use_dictionary=use_dictionary)
    assert parquet_pages.group_bytes(path.read_bytes(), pq.read_metadata(path).row_group(0)) == 0


def test_texts_that_are_differences_of_others_are_refused(tmp_path):
    path = tmp_path / "table.parquet"
    pq.write_table(TABLE, path, use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY"})
    with pytest.raises(MalformedPage):
        parquet_pages.group_bytes(path.read_bytes(), pq.read_metadata(path).row_group(0))


@given(st.binary(max_size=200))
@example(b"\x1c" * 2_000)  # a struct in a struct in a struct
@example(b"\x19\xf1\xff\xff\xff\x7f" + b"\x01" * 50)  # a list of billions of truth values
@example(b"\x19\xfc\xff\xff\xff\x7f" + bytes(50))  # and of empty structs
@example(b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\x7f")  # a text of 2**63 bytes
@example(b"\x15" + b"\xff" * 100)  # a number without an end
@example(b"\x15\x00\x15\xfe" + b"\xff" * 10 + b"\x01\x15\x02\x2c\x15\x02\x15\x00\x00\x00")  # a page of 2**76 bytes
def test_bytes_that_are_no_header_are_refused(content):
    try:
        page, end = parquet_pages._page(content)
    except MalformedPage:
        return
    assert 0 <= page.uncompressed_bytes < 2**63
    assert 0 < end <= len(content)


@pytest.mark.parametrize("position", [0, 10**9, 2**62])
def test_a_chunk_outside_of_the_file_is_refused(tmp_path, position):
    path = tmp_path / "table.parquet"
    pq.write_table(TABLE, path)
    content = path.read_bytes()
    with pytest.raises(MalformedPage):
        parquet_pages.group_bytes(content[: min(position, 100)], pq.read_metadata(path).row_group(0))
