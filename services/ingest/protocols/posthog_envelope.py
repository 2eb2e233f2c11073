"""The outside of a PostHog request: its events, when they were sent, and the key that they carry."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.posthog import Events
from services.ingest.protocols.reading import why_not_json
from services.ingest.protocols.scanning import split_array
from services.ingest.protocols.splitting import FAULTS, Item, Split, counted, not_a_list
from shared.clock import to_text
from shared.errors import Unauthenticated

_MILLISECONDS: Final = range(10**11, 10**14)
"""Of 1973 and later: below it a number is meant in seconds, which PostHog does not take either."""

_MAX_DIGITS: Final = 16


class _Envelope(msgspec.Struct):
    batch: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    api_key: Any = None
    token: Any = None
    sent_at: Any = None
    created_at: Any = None


class _Inner(msgspec.Struct, gc=False):
    token: Any = None


class _Tokens(msgspec.Struct, gc=False):
    token: Any = None
    marked: Any = msgspec.field(default=None, name="$token")
    api_key: Any = None
    properties: _Inner | None = None


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_TOKENS: Final = msgspec.json.Decoder(_Tokens)


def open_events(
    payload: bytes, query: Mapping[str, str], max_items: int, *, engages: bool = False, requested_at: str = ""
) -> Parcel:
    """An envelope, a list of events, or one event.

    ``requested_at`` is when a header says it was sent. Raises Unauthenticated for keys that are none.
    """
    said, split = _taken_apart(payload, max_items)
    sent_at = requested_at or said.sent_at or said.created_at or _sent_at(query)
    keys = _texts(said.api_key, said.token)[:1] or _keys_of(split.items) or _texts(query.get("token"))
    if len(keys) > 1:
        raise Unauthenticated("the events of a request have one token, not several")
    key = keys[0] if keys else ""
    if key.startswith("phx_"):
        raise Unauthenticated("this is a personal API key; events are sent with a write key")
    return Parcel(split, Events(sent_at=sent_at, engages=engages), key)


def _taken_apart(payload: bytes, max_items: int) -> tuple[_Envelope, Split]:
    is_list = payload.lstrip()[:1] == b"["
    try:
        said = _Envelope(batch=_ARRAY.decode(payload)) if is_list else _ENVELOPE.decode(payload)
    except msgspec.ValidationError:
        return _Envelope(), not_a_list(payload, payload.lstrip()[:1] == b"{", "/batch")
    except FAULTS:
        return _damaged(payload, max_items)
    items: list[Any] = [payload] if isinstance(said.batch, msgspec.UnsetType) else list(said.batch)
    return said, counted(items, payload, max_items, "/batch")


def _damaged(payload: bytes, max_items: int) -> tuple[_Envelope, Split]:
    """A request that is not JSON as a whole: its events one by one, if they can be told apart."""
    array = split_array(payload, b"batch") if payload.strip() else None
    if array is None:
        whole = (
            Split([payload], why_not_json(payload)) if payload.strip() else counted([], payload, max_items, "/batch")
        )
        return _Envelope(), whole
    try:
        said = _ENVELOPE.decode(array.envelope())
    except FAULTS:
        said = _Envelope()
    return said, counted(array.items, payload, max_items, "/batch")


def _keys_of(items: Iterable[Item]) -> list[str]:
    """The keys in the events themselves, each once."""
    found: dict[str, None] = {}
    for item in items:
        try:
            said = _TOKENS.decode(item)
        except FAULTS:
            continue
        inner = said.properties.token if said.properties is not None else None
        found |= dict.fromkeys(_texts(said.token, said.marked, said.api_key, inner)[:1])
    return list(found)


def _texts(*values: Any) -> list[str]:
    return [value for value in values if isinstance(value, str) and value]


def _sent_at(query: Mapping[str, str]) -> str | None:
    """``_`` or ``sent_at`` in a query, in milliseconds."""
    said = query.get("_") or query.get("sent_at") or ""
    milliseconds = int(said) if said.isascii() and said.isdigit() and len(said) < _MAX_DIGITS else 0
    return to_text(milliseconds * 1_000) if milliseconds in _MILLISECONDS else None
