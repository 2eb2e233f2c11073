import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.protocols.import_rows import (
    MAX_ROW_BYTES,
    CsvRows,
    Layout,
    NdjsonRows,
    Row,
    RowIds,
    Rows,
    UnreadableFile,
)

CSV = 'kind,email,traits.city\r\na_b,x@y.dk,"Aar""hus,\nC"\n\nc_d,,\r\ne_f,z@y.dk,"Køge"'
VALUES = [
    {"kind": "a_b", "email": "x@y.dk", "traits.city": 'Aar"hus,\nC'},
    {"kind": "c_d"},
    {"kind": "e_f", "email": "z@y.dk", "traits.city": "Køge"},
]


def read(rows: Rows, data: bytes, size: int) -> list[Row]:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return [row for piece in pieces for row in rows.feed(piece)] + rows.end()


@given(st.integers(1, 100))
def test_csv_is_the_same_whatever_pieces_it_comes_in(size: int) -> None:
    assert [row.value for row in read(CsvRows(), CSV.encode(), size)] == VALUES


@given(st.integers(1, 100))
def test_json_lines_are_the_same_whatever_pieces_they_come_in(size: int) -> None:
    data = b"\n".join(msgspec.json.encode(value) for value in VALUES) + b"\r\n\n"

    assert [row.value for row in read(NdjsonRows(), data, size)] == VALUES


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_of_any_delimiter_with_a_byte_order_mark(delimiter: str) -> None:
    data = f"\ufeffkind{delimiter}email\na_b{delimiter}x@y.dk\n".encode()

    assert [row.value for row in read(CsvRows(), data, 7)] == [{"kind": "a_b", "email": "x@y.dk"}]


@given(st.integers(1, 20))
def test_a_line_of_another_encoding_reads_the_same_whatever_pieces_it_comes_in(size: int) -> None:
    data = "a\nKøge\n".encode() + "Århus\n".encode("latin-1") + "Søg\n".encode()

    rows = read(CsvRows(Layout(encoding="iso-8859-1")), data, size)

    assert [row.value for row in rows] == [{"a": "Køge"}, {"a": "Århus"}, {"a": "Søg"}]


def test_a_row_with_too_many_fields_is_refused_alone() -> None:
    long, good = read(CsvRows(), b"a,b\n1,2,3\n4,5\n", 50)

    assert (long.value, good.value) == (None, {"a": "4", "b": "5"})
    assert long.refusal is not None
    assert "3 fields" in long.refusal.detail


@pytest.mark.parametrize(
    ("line", "code"), [(b"{", "not_json"), (b"[1]", "not_an_object"), (b'{"a":NaN}', "not_finite")]
)
def test_a_line_that_is_no_object_is_refused_alone(line: bytes, code: str) -> None:
    bad, good = read(NdjsonRows(), line + b'\n{"a":1}', 3)

    assert bad.refusal is not None
    assert (bad.refusal.code, good.value) == (code, {"a": 1})


@pytest.mark.parametrize(
    ("rows", "data"),
    [
        (CsvRows(), "kind\nå".encode("latin-1")),
        (CsvRows(), b'kind\n"' + b"a" * MAX_ROW_BYTES + b"\n"),
        (NdjsonRows(), b"{" + b" " * MAX_ROW_BYTES),
        (CsvRows(), b'kind,b\n"x"y,z\n'),
    ],
)
def test_a_file_that_cannot_be_read_says_why(rows: Rows, data: bytes) -> None:
    with pytest.raises(UnreadableFile):
        read(rows, data, 4_096)


def ids(rows: list[Row]) -> list[str]:
    given = RowIds()
    return [given.id_of(row) for row in rows]


def test_the_same_file_has_the_same_ids_and_twins_are_two() -> None:
    rows = read(CsvRows(), b"a,b\n1,2\n3,4\n1,2\n1,2\n", 5)

    assert ids(rows) == ids(rows)
    assert len(set(ids(rows))) == 4
    assert [row_id[-1] for row_id in ids(rows)] == ["0", "0", "1", "2"]


def test_another_order_of_rows_and_columns_has_the_same_ids() -> None:
    rows = read(CsvRows(), b"a,b\n1,2\n3,4\n1,2\n", 50)
    others = read(CsvRows(), b"b,a\n2,1\n2,1\n4,3\n", 50)

    assert set(ids(rows)) == set(ids(others))


def test_what_was_read_so_far_tells_files_apart() -> None:
    first, second = RowIds(), RowIds()
    one, two = read(CsvRows(), b"a\n1\n2\n", 50)

    first.id_of(one)
    second.id_of(two)
    assert first.so_far() != second.so_far()
    assert (first.twins, second.twins) == (0, 0)
