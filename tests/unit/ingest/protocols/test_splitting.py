"""Bodies to items: whole, damaged, and none."""

import base64
import gzip
import time
from typing import Any

import cramjam
import msgspec
import pytest

from services.ingest.protocols.compression import decompressed
from services.ingest.protocols.scanning import depth_of, split_array
from services.ingest.protocols.segment import Envelope
from services.ingest.protocols.segment_envelope import open_batch, open_single
from services.ingest.protocols.segment_pixel import item_of_query
from services.ingest.protocols.splitting import Split, split_native
from shared.errors import TooLarge, UnsupportedEncoding
from shared.vocabulary import Code

_A, _B = b'{"kind":"a","x":[1,{"y":"]}"}]}', b'{"kind":"b"}'
_NAN = b'{"kind":"n","x":NaN}'
_LONE = b'{"kind":"l","x":"\\ud800"}'
_DEEP = b'{"kind":"d","x":' + b"[" * 20_000 + b"]" * 20_000 + b"}"


def _items(split: Split) -> list[bytes]:
    assert split.refusal is None
    return [bytes(item) for item in split.items]


@pytest.mark.parametrize(
    "body",
    [
        b'{"touchpoints":[' + _A + b"," + _B + b"]}",
        b' {"sender":"x", "touchpoints" : [ ' + _A + b" ,\n " + _B + b" ] }\n",
        b"[" + _A + b"," + _B + b"]",
        _A + b"\n" + _B + b"\n",
        _A + b"\r\n\r\n" + _B,
    ],
    ids=["list", "spaced", "array", "lines", "windows lines"],
)
def test_items_of_every_form(body: bytes) -> None:
    assert _items(split_native(body, 10)) == [_A, _B]


def test_bare_object_is_one_item_however_it_is_spaced() -> None:
    assert _items(split_native(_A, 10)) == [_A]
    spaced = b'{\n "kind": "a",\n "properties": {\n }\n}'
    assert _items(split_native(spaced, 10)) == [spaced]


@pytest.mark.parametrize(
    "bad", [_NAN, _LONE, _DEEP, b"{,}", b"7", b'"text"'], ids=["nan", "lone", "deep", "broken", "number", "text"]
)
@pytest.mark.parametrize("form", [b'{"touchpoints":[%s]}', b"[%s]"], ids=["list", "array"])
def test_bad_item_takes_no_other_with_it(form: bytes, bad: bytes) -> None:
    body = form.replace(b"%s", b",".join([_A] * 50 + [bad] + [_B] * 49))

    assert _items(split_native(body, 100)) == [_A] * 50 + [bad] + [_B] * 49


def test_bad_line_takes_no_other_with_it() -> None:
    assert _items(split_native(b"\n".join([_A, _NAN, _B]), 10)) == [_A, _NAN, _B]


@pytest.mark.parametrize("body", [b"", b"  \n", b'{"touchpoints":[]}', b"[]"])
def test_nothing_is_an_empty_batch(body: bytes) -> None:
    split = split_native(body, 10)

    assert split.refusal is not None
    assert (split.refusal.code, split.items) == (Code.EMPTY_BATCH, [])


def test_too_many_items_are_refused_and_not_kept() -> None:
    split = split_native(b"[" + b",".join([_B] * 1_001) + b"]", 1_000)

    assert split.refusal is not None
    assert (split.refusal.code, split.items) == (Code.TOO_MANY_ITEMS, [])


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        (b'{"touchpoints":5}', Code.WRONG_TYPE, "/touchpoints"),
        (b'"text"', Code.NOT_AN_OBJECT, ""),
        (b"5", Code.NOT_AN_OBJECT, ""),
    ],
)
def test_body_that_is_no_list_is_kept_whole(body: bytes, code: Code, pointer: str) -> None:
    split = split_native(body, 10)

    assert split.refusal is not None
    assert (split.refusal.code, split.refusal.pointer, split.items) == (code, pointer, [body])


@pytest.mark.parametrize("body", [b"not json", b'{"touchpoints":[{"kind":', b'{"touchpoints":[' + _A, b"\xff\xfe"])
def test_body_that_is_no_json_is_one_item(body: bytes) -> None:
    assert _items(split_native(body, 10)) == [body]


def test_escaped_nul_is_noticed() -> None:
    assert split_native(b'{"kind":"\\u0000"}', 1).may_hold_nul
    assert not split_native(b'{"kind":"\\u00001"}'.replace(b"0000", b"0041"), 1).may_hold_nul


def test_pieces_without_end_are_not_looked_at() -> None:
    assert split_array(b"[" + b'"",' * 300_000 + b"]", b"") is None


def test_depth_is_that_of_brackets_outside_of_strings() -> None:
    assert depth_of(b'{"a":[[{"b":"[[[[{"}]],"c":[]}') == 4


def test_batch_of_segment() -> None:
    body = msgspec.json.encode({"batch": [{"a": 1}], "writeKey": "k", "sentAt": "now", "context": {"x": 1}})

    parcel = open_batch(body, 10)

    assert (_items(parcel.split), parcel.write_key) == ([b'{"a":1}'], "k")
    assert parcel.reader == Envelope("now", {"x": 1})


def test_damaged_batch_keeps_its_good_items_and_its_key() -> None:
    body = b'{"sentAt":"now","batch":[' + b",".join([_A, _NAN, _DEEP, _B]) + b'],"writeKey":"k","context":7}'

    parcel = open_batch(body, 10)

    assert _items(parcel.split) == [_A, _NAN, _DEEP, _B]
    assert (parcel.write_key, parcel.reader) == ("k", Envelope("now", {}))


@pytest.mark.parametrize(
    ("body", "code", "kept"),
    [
        (b"", Code.EMPTY_BATCH, 0),
        (b'{"batch":[]}', Code.EMPTY_BATCH, 0),
        (b'{"batch":[1,2,3]}', Code.TOO_MANY_ITEMS, 0),
        (b"not json", Code.NOT_JSON, 1),
        (b'{"batch":{}}', Code.WRONG_TYPE, 1),
        (b"{}", Code.WRONG_TYPE, 1),
        (b"[]", Code.NOT_AN_OBJECT, 1),
    ],
)
def test_what_is_no_batch_is_refused_whole(body: bytes, code: Code, kept: int) -> None:
    parcel = open_batch(body, 2)

    assert parcel.split.refusal is not None
    assert (parcel.split.refusal.code, len(parcel.split.items)) == (code, kept)


def test_key_is_found_although_the_batch_is_none() -> None:
    assert open_batch(b'{"batch":{},"writeKey":"k"}', 2).write_key == "k"


def test_single_call() -> None:
    parcel = open_single(b'{"writeKey":"k","event":"x"}', "track")

    assert (_items(parcel.split), parcel.write_key) == ([b'{"writeKey":"k","event":"x"}'], "k")
    assert parcel.reader == Envelope(call="track")
    assert parcel.reader.protocol == "segment.track"


@pytest.mark.parametrize(
    ("body", "code"), [(b"", Code.EMPTY_BATCH), (b"x", Code.NOT_JSON), (b"[]", Code.NOT_AN_OBJECT)]
)
def test_what_is_no_call_is_refused_whole(body: bytes, code: Code) -> None:
    refusal = open_single(body, "track").split.refusal

    assert refusal is not None
    assert refusal.code is code


@pytest.mark.parametrize("encoding", [b"", b"gzip", b"zstd", b"identity"])
@pytest.mark.parametrize(
    "compress", [bytes, gzip.compress, lambda body: bytes(cramjam.zstd.compress(body))], ids=["plain", "gzip", "zstd"]
)
def test_compression_is_known_by_its_first_bytes(compress: Any, encoding: bytes) -> None:
    assert decompressed(compress(_A), encoding, 1_000) == _A


def test_gzip_of_several_members_is_one_body() -> None:
    assert decompressed(gzip.compress(b"ab") + gzip.compress(b"cd"), b"gzip", 100) == b"abcd"


@pytest.mark.parametrize(
    "bomb",
    [
        gzip.compress(b"a" * 10_000_000),
        gzip.compress(b"a" * 600) * 2,
        bytes(cramjam.zstd.compress(b"a" * 10_000_000)),
        b"a" * 1_001,
        gzip.compress(b"a" * 1_001),
        bytes(cramjam.zstd.compress(b"a" * 1_001)),
    ],
    ids=["gzip bomb", "gzip members", "zstd bomb", "plain", "gzip by one", "zstd by one"],
)
def test_bomb_is_not_unpacked(bomb: bytes) -> None:
    with pytest.raises(TooLarge):
        decompressed(bomb, b"gzip", 1_000)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(_A)[:-9], b"gzip"),
        (gzip.compress(b"") * 40, b"gzip"),
        (b"\x1f\x8bgarbage", b"gzip"),
        (b"\x28\xb5\x2f\xfdgarbage", b"zstd"),
        (_A, b"br"),
        (_A, b"deflate"),
    ],
    ids=["cut", "confetti", "no gzip", "no zstd", "brotli", "deflate"],
)
def test_damaged_or_unknown_compression_is_said(body: bytes, encoding: bytes) -> None:
    with pytest.raises(UnsupportedEncoding):
        decompressed(body, encoding, 1_000)


def test_pixel_reads_base64_with_and_without_padding_and_flat_parameters() -> None:
    call = b'{"event":"Email Opened","userId":"u??>"}'
    plain, web = base64.b64encode(call), base64.urlsafe_b64encode(call).rstrip(b"=")

    assert item_of_query(b"data=" + plain.replace(b"+", b"%2B")) == call
    assert item_of_query(b"data=" + web) == call
    flat = item_of_query(b"userId=u&event=Email%20Opened&properties.subject=Hi&properties.a.b=1&userId.x=1")
    assert msgspec.json.decode(flat) == {
        "userId": "u",
        "event": "Email Opened",
        "properties": {"subject": "Hi", "a": {"b": "1"}},
    }


@pytest.mark.parametrize("query", [b"", b"data=%%%", b"data=x"])
def test_pixel_without_a_call_is_empty(query: bytes) -> None:
    assert item_of_query(query) == b""


@pytest.mark.parametrize("end", [b"", b"\\", b'"'], ids=["open", "open after a backslash", "unbalanced"])
@pytest.mark.parametrize("start", [b'[{"a":"', b'{"touchpoints":[{"a":"', b'{"batch":[{"a":"'])
def test_body_of_quotes_is_looked_at_once(start: bytes, end: bytes) -> None:
    """Looking for the end of every string anew would take a megabyte of these hours, and nobody else was served."""
    body = start + b'\\"' * 500_000 + end
    begun = time.process_time()

    split_native(body, 1_000)
    open_batch(body, 1_000)
    depth_of(body)

    assert time.process_time() - begun < 5
