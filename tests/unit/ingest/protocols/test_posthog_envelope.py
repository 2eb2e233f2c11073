"""PostHog's requests, however they are wrapped, to events."""

import base64
import gzip
import zlib
from typing import Any
from urllib.parse import quote_plus, urlencode

import cramjam
import lzstring
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.protocols import lz_string
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.posthog import Events
from services.ingest.protocols.posthog_body import fields_of, unwrapped
from services.ingest.protocols.posthog_envelope import open_events
from shared.errors import TooLarge, Unauthenticated, UnsupportedEncoding
from shared.vocabulary import Code

_LIMIT = 100_000
_BODY = b'{"api_key":"tw_x","batch":[{"event":"a>?b","distinct_id":"u"}]}'
_B64 = base64.b64encode(_BODY)
_GZIP = gzip.compress(_BODY, mtime=0)
_LZ = lzstring.LZString().compressToBase64(_BODY.decode()).encode()


def _open(body: Any, query: bytes = b"", encoding: bytes = b"", **said: Any) -> Parcel:
    fields = fields_of(query)
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return open_events(unwrapped(raw, fields, encoding, _LIMIT), fields, 10, **said)


@pytest.mark.parametrize(
    ("body", "query", "encoding"),
    [
        (_BODY, b"", b""),
        (b" \n" + _BODY, b"", b""),
        (_GZIP, b"", b""),
        (_GZIP, b"compression=gzip-js&_=1795000000000", b""),
        (_GZIP, b"", b"gzip"),
        (zlib.compress(_BODY), b"", b"deflate"),
        (bytes(cramjam.brotli.compress(_BODY)), b"", b"br"),
        (bytes(cramjam.zstd.compress(_BODY)), b"", b"zstd"),
        (_B64, b"compression=base64", b""),
        (_B64, b"", b""),
        (base64.b64encode(_GZIP), b"", b""),
        (base64.b64encode(_B64), b"", b""),
        (gzip.compress(_B64, mtime=0), b"compression=gzip", b""),
        (b"data=" + quote_plus(_B64).encode(), b"compression=base64", b""),
        (b"data=" + _B64, b"", b""),
        (b"ip=1&data=" + _B64, b"", b""),
        (b"data=" + quote_plus(_BODY).encode(), b"", b""),
        (b"data=" + quote_plus(_LZ).encode() + b"&compression=lz64", b"", b""),
        (_LZ, b"compression=lz64", b""),
        (_LZ, b"", b"lz-string"),
        (b"", urlencode({"data": _B64.decode()}).encode(), b""),
        (b"", b"data=" + _B64, b""),
        (b"", urlencode({"data": _LZ.decode(), "compression": "lz64"}).encode(), b""),
        (base64.urlsafe_b64encode(_BODY).rstrip(b"="), b"", b""),
    ],
)  # fmt: skip
def test_wrapped_however_it_is_the_same_event(body: bytes, query: bytes, encoding: bytes) -> None:
    assert b"+" in _B64 or b"/" in _B64

    parcel = _open(body, query, encoding)

    assert (parcel.split.refusal, parcel.write_key) == (None, "tw_x")
    assert [bytes(item) for item in parcel.split.items] == [b'{"event":"a>?b","distinct_id":"u"}']


@pytest.mark.parametrize("name", ["token", "$token", "api_key"])
@pytest.mark.parametrize("shape", ["list", "single"])
def test_token_is_found_in_the_events(name: str, shape: str) -> None:
    event = {"event": "x", "distinct_id": "u", name: "tw_x"}

    assert _open([event, event] if shape == "list" else event).write_key == "tw_x"


def test_token_is_found_among_the_properties_in_the_envelope_and_in_the_query() -> None:
    assert _open([{"event": "x", "properties": {"token": "tw_x"}}]).write_key == "tw_x"
    assert _open({"token": "tw_x", "batch": [{"event": "x", "properties": {"token": "tw_y"}}]}).write_key == "tw_x"
    assert _open({"event": "x"}, b"token=tw_x").write_key == "tw_x"
    assert _open({"event": "x", "properties": 5}).write_key == ""


@pytest.mark.parametrize(
    "body",
    [
        [{"token": "tw_x"}, {"properties": {"token": "tw_y"}}],
        {"api_key": "phx_x", "batch": [{"event": "x"}]},
        [{"event": "x", "properties": {"token": "phx_x"}}],
    ],
    ids=["mixed", "personal", "personal in an event"],
)
def test_keys_that_are_none_are_unauthenticated(body: Any) -> None:
    with pytest.raises(Unauthenticated):
        _open(body)


@pytest.mark.parametrize(
    ("body", "query", "requested_at", "sent_at"),
    [
        ({"batch": [{}], "sent_at": "2026-11-25T09:30:01Z"}, b"", "", "2026-11-25T09:30:01Z"),
        ([{}], b"_=1795000000123", "", "2026-11-18T11:06:40.123000Z"),
        ([{}], b"sent_at=1795000000123", "", "2026-11-18T11:06:40.123000Z"),
        ([{}], b"_=1795000000", "", None),
        ([{}], b"_=9999999999999999999", "", None),
        ([{}], b"_=soon", "", None),
        ({"batch": [{}], "created_at": "2026-11-25T09:30:01Z"}, b"", "", "2026-11-25T09:30:01Z"),
        ({"batch": [{}], "created_at": "2026-11-25T09:30:01Z"}, b"", "2026-11-25T10:00:00Z", "2026-11-25T10:00:00Z"),
    ],
)
def test_time_of_sending_is_the_envelopes_or_the_querys_in_milliseconds(
    body: Any, query: bytes, requested_at: str, sent_at: str | None
) -> None:
    reader = _open(body, query, requested_at=requested_at).reader

    assert isinstance(reader, Events)
    assert reader.sent_at == sent_at


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", Code.EMPTY_BATCH),
        (b"[]", Code.EMPTY_BATCH),
        (b'{"batch":[]}', Code.EMPTY_BATCH),
        (b'{"batch":5}', Code.WRONG_TYPE),
        (b"5", Code.NOT_AN_OBJECT),
        (b"not json at all!", Code.NOT_JSON),
        (b'{"batch":[' + b",".join([b"{}"] * 11) + b"]}", Code.TOO_MANY_ITEMS),
    ],
)
def test_what_is_no_request_says_why(body: bytes, code: Code) -> None:
    refusal = _open(body).split.refusal

    assert refusal is not None
    assert refusal.code is code


@pytest.mark.parametrize("wrap", [b'{"api_key":"tw_x","batch":[%s]}', b"[%s]"])
def test_damaged_event_takes_no_other_with_it(wrap: bytes) -> None:
    good = b'{"event":"x","token":"tw_x"}'

    parcel = _open(wrap % b",".join([good, b'{"x":NaN}', good]))

    assert (parcel.write_key, [bytes(item) for item in parcel.split.items]) == ("tw_x", [good, b'{"x":NaN}', good])


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b" " * 2 * _LIMIT, mtime=0), b""),
        (base64.b64encode(gzip.compress(b" " * 2 * _LIMIT, mtime=0)), b""),
        (zlib.compress(b" " * 2 * _LIMIT), b"deflate"),
        (bytes(cramjam.brotli.compress(b" " * 2 * _LIMIT)), b"br"),
        (lzstring.LZString().compressToBase64(" " * 2 * _LIMIT).encode(), b"lz64"),
        (b"A" * 300_000, b"lz64"),
    ],
    ids=["gzip", "gzip in base64", "deflate", "br", "lz-string", "long lz-string"],
)
def test_bomb_is_too_large(body: bytes, encoding: bytes) -> None:
    with pytest.raises(TooLarge):
        unwrapped(body, {}, encoding, _LIMIT)


@pytest.mark.parametrize("body", [b"!", b"B", b"BYUwNmD2A0", b"/////////"])
def test_damaged_lz_string_is_told(body: bytes) -> None:
    with pytest.raises(UnsupportedEncoding):
        unwrapped(body, {}, b"lz64", _LIMIT)


@given(
    st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=300) | st.text("ab", max_size=900)
)
@settings(max_examples=200, deadline=None)
def test_lz_string_is_read_as_its_package_writes_it(text: str) -> None:
    written = lzstring.LZString().compressToBase64(text)

    assert lz_string.from_base64(written.encode(), _LIMIT).decode() == text


@given(st.binary(max_size=300), st.sampled_from([b"", b"lz64", b"deflate", b"br", b"nonsense"]), st.binary(max_size=50))
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_unwrapped_or_refused(body: bytes, encoding: bytes, query: bytes) -> None:
    try:
        payload = unwrapped(body, fields_of(query), encoding, _LIMIT)
    except (TooLarge, UnsupportedEncoding):
        return
    assert len(payload) <= _LIMIT
