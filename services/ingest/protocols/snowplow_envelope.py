"""The outside of Snowplow's requests: events in a body, one in an address, and a link that leads elsewhere."""

from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from services.ingest.domain.refusal import Refusal, Refused
from services.ingest.protocols.mapping import MAX_TAKEN_APART_BYTES
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.reading import read_loosely, why_not_json
from services.ingest.protocols.scanning import split_array
from services.ingest.protocols.snowplow import READER, REDIRECTING, Around, reader
from services.ingest.protocols.snowplow_schemas import entities_in, written
from services.ingest.protocols.splitting import FAULTS, Split, counted, not_a_list
from shared.vocabulary import Code

_PAYLOAD: Final = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-"
_EVENT: Final = "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"
_CONTEXTS: Final = "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1"
_REDIRECT: Final = "iglu:com.snowplowanalytics.snowplow/uri_redirect/jsonschema/1-0-0"
_CREDENTIALS: Final = frozenset({"writeKey", "write_key"})
_KEY: Final = "tw_"


class _Body(msgspec.Struct):
    data: list[msgspec.Raw]
    schema: Any = None


_BODY: Final = msgspec.json.Decoder(_Body)


def parameters(query: bytes) -> dict[str, str]:
    """The fields in an address, credentials left out; of repeated ones the last."""
    pairs = parse_qsl(query.decode("latin-1"), encoding="utf-8", errors="replace")
    return {name: value for name, value in pairs if name not in _CREDENTIALS}


def open_posted(body: bytes, around: Around, max_items: int) -> Parcel:
    """``{"schema": "iglu:.../payload_data/jsonschema/1-0-x", "data": [...]}``."""
    try:
        said = _BODY.decode(body)
    except msgspec.ValidationError:
        return Parcel(not_a_list(body, body.lstrip()[:1] == b"{", "/data"), READER)
    except FAULTS:
        array = split_array(body, b"data")
        if array is None:
            split = Split([body], why_not_json(body)) if body.strip() else counted([], body, max_items, "/data")
            return Parcel(split, READER)
        return _parcel(array.items, body, around, max_items)
    if not isinstance(said.schema, str) or not said.schema.startswith(_PAYLOAD):
        refusal = Refusal(Code.UNKNOWN_VALUE, "/schema", f"the schema of a payload is {_PAYLOAD}x")
        return Parcel(Split([body], refusal), READER)
    return _parcel(list(said.data), body, around, max_items)


def open_address(around: Around) -> Parcel:
    """One event in the parameters of an address."""
    return _parcel([b"{}"], msgspec.json.encode(around.query), around, 1)


def open_redirect(uri: str, around: Around) -> Parcel:
    """A link that was followed to ``uri``: an event of its own, or what the event in its address is told beside."""
    query = {name: value for name, value in around.query.items() if name != "u"}
    query = {"p": "web", **query, "tv": REDIRECTING}
    if query.get("e"):
        query = _with_redirect(query, uri)
    else:
        query |= {"e": "ue", "ue_pr": written(_EVENT, {"schema": _REDIRECT, "data": {"uri": uri}})}
    return open_address(Around(query, around.otherwise))


def _with_redirect(query: dict[str, str], uri: str) -> dict[str, str]:
    try:
        entities, _ = entities_in(query)
    except Refused:  # its reader will say so
        return query
    said = [{"schema": f"iglu:{one.vendor}/{one.name}/jsonschema/1-0-0", "data": one.data} for one in entities]
    rest = {name: value for name, value in query.items() if name != "cx"}
    return {**rest, "co": written(_CONTEXTS, [{"schema": _REDIRECT, "data": {"uri": uri}}, *said])}


def _parcel(items: list[Any], body: bytes, around: Around, max_items: int) -> Parcel:
    """The items, and the write key that their app id is."""
    split = counted(items, body, max_items, "/data")
    if split.refusal is not None:
        return Parcel(split, READER)
    if around.size * len(items) > MAX_TAKEN_APART_BYTES:
        detail = "told to each of its events, what the address says is too large; send it in smaller pieces"
        return Parcel(Split([body], Refusal(Code.TOO_LARGE, "", detail)), READER)
    write_key = _write_key(items, body, around)
    if around.holds_nul():
        split = msgspec.structs.replace(split, may_hold_nul=True)
    return Parcel(split, reader(replace(around, write_key=write_key)), write_key)


def _write_key(items: list[Any], body: bytes, around: Around) -> str:
    """The first app id that is one; empty when none is. What in JSON may stand for its letters is looked at too."""
    said = around.query.get("aid", "")
    if said:
        return said if said.startswith(_KEY) else ""
    if body.find(_KEY.encode()) < 0 and body.find(b"\\u") < 0:
        return ""
    apps = (read_loosely(bytes(item)).get("aid") for item in items)
    return next((app for app in apps if isinstance(app, str) and app.startswith(_KEY)), "")
