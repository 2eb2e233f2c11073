"""The outside of a Segment request: its items, what it says for all of them, and the key it may carry."""

from typing import Any, Final

import msgspec

from services.ingest.domain.refusal import Refused
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.reading import EMPTY, read_object, why_not_json
from services.ingest.protocols.scanning import split_array
from services.ingest.protocols.segment import Envelope
from services.ingest.protocols.splitting import FAULTS, Split, counted, not_a_list


class _Batch(msgspec.Struct):
    batch: list[msgspec.Raw]
    writeKey: Any = None  # noqa: N815 -- names on the wire
    sentAt: Any = None  # noqa: N815
    context: msgspec.Raw = EMPTY


class _Single(msgspec.Struct):
    writeKey: Any = None  # noqa: N815


_BATCH: Final = msgspec.json.Decoder(_Batch)
_SINGLE: Final = msgspec.json.Decoder(_Single)


def open_batch(body: bytes, max_items: int) -> Parcel:
    """``{"batch": [...], "sentAt": ..., "writeKey": ...}``."""
    try:
        said = _BATCH.decode(body)
    except msgspec.ValidationError:
        return Parcel(not_a_list(body, body.lstrip()[:1] == b"{", "/batch"), Envelope(), _key_of(body))
    except FAULTS:
        return _open_damaged(body, max_items)
    return _parcel(said, list(said.batch), body, max_items)


def open_single(body: bytes, call: str) -> Parcel:
    """One call, of the type that the path says."""
    envelope = Envelope(call=call)
    try:
        said = _SINGLE.decode(body)
    except msgspec.ValidationError:
        return Parcel(not_a_list(body, is_object=False, pointer=""), envelope)
    except FAULTS:
        if body.strip():
            return Parcel(Split([body], why_not_json(body)), envelope)
        return Parcel(counted([], body, 1, ""), envelope)
    return Parcel(counted([body], body, 1, ""), envelope, _text(said.writeKey))


def _open_damaged(body: bytes, max_items: int) -> Parcel:
    """A batch that is not JSON as a whole: its items one by one, if they can be told apart."""
    array = split_array(body, b"batch")
    if array is None:
        split = Split([body], why_not_json(body)) if body.strip() else counted([], body, max_items, "/batch")
        return Parcel(split, Envelope())
    try:
        said = _BATCH.decode(array.envelope())
    except FAULTS:
        said = _Batch([])
    return _parcel(said, array.items, body, max_items)


def _parcel(said: _Batch, items: list[Any], body: bytes, max_items: int) -> Parcel:
    split = counted(items, body, max_items, "/batch")
    try:
        context = read_object(said.context, "/context")
    except Refused:  # what a batch says for all of its items is an extra; without it they are still what they are
        context = {}
    return Parcel(split, Envelope(sent_at=said.sentAt, context=context), _text(said.writeKey))


def _key_of(body: bytes) -> str:
    try:
        return _text(_SINGLE.decode(body).writeKey)
    except FAULTS:
        return ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
