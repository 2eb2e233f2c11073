"""Self-describing JSON: what it is by its schema's address, inside the texts of Snowplow's events."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from services.ingest.domain.refusal import Refused
from services.ingest.protocols.translating import read_inside
from shared.vocabulary import Code

_SCHEME: Final = "iglu:"
_MAX_NAME: Final = 200
_MAX_REMEMBERED: Final = 512


class Described(NamedTuple):
    """A self-describing JSON: vendor and name of its schema, and the data."""

    vendor: str
    name: str
    data: Any


def event_in(fields: Mapping[str, str]) -> tuple[Described, str]:
    """The event inside ``ue_pr`` or ``ue_px``, and the pointer of that field. Raises Refused."""
    outer, pointer = _embedded(fields, "ue_pr", "ue_px")
    if outer is None:
        raise Refused(Code.MISSING, "/ue_pr", "an event of type ue is told in ue_pr or ue_px")
    return _described(outer.data, pointer), pointer


def entities_in(fields: Mapping[str, str]) -> tuple[list[Described], str]:
    """The contexts inside ``co`` or ``cx``, and the pointer of that field. Raises Refused."""
    outer, pointer = _embedded(fields, "co", "cx")
    if outer is None:
        return [], pointer
    if not isinstance(outer.data, list):
        raise Refused(Code.WRONG_TYPE, pointer, "contexts are a list of self-describing JSON")
    return [_described(one, pointer) for one in outer.data], pointer


def grouped(entities: Iterable[Described]) -> dict[str, Any]:
    """The data of entities by the names of their schemas; a list where there are several of one name."""
    found: dict[str, list[Any]] = {}
    for one in entities:
        found.setdefault(one.name, []).append(one.data)
    return {name: data if len(data) > 1 else data[0] for name, data in found.items()}


def written(schema: str, data: Any) -> str:
    """The text of a self-describing JSON."""
    return msgspec.json.encode({"schema": schema, "data": data}).decode()


def _embedded(fields: Mapping[str, str], plain: str, coded: str) -> tuple[Described | None, str]:
    """What one of the two fields holds; the plain one, where both are there."""
    if text := fields.get(plain):
        raw, pointer = text.encode("utf-8", "replace"), f"/{plain}"
    elif text := fields.get(coded):
        pointer = f"/{coded}"
        raw = _decoded(text, pointer)
    else:
        return None, f"/{plain}"
    return _described(read_inside(raw, pointer), pointer), pointer


def _decoded(text: str, pointer: str) -> bytes:
    """Base64 for addresses, with or without its padding."""
    coded = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(coded + "=" * (-len(coded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Refused(Code.NOT_JSON, pointer, "this is not JSON in base64 for addresses") from None


def _described(said: Any, pointer: str) -> Described:
    schema = said.get("schema") if isinstance(said, dict) else None
    if not isinstance(schema, str):
        raise Refused(Code.MISSING, pointer, "self-describing JSON has a schema and data")
    named = _remembered(schema) if len(schema) <= _MAX_REMEMBERED else _named(schema)
    if named is None:
        raise Refused(Code.UNKNOWN_VALUE, pointer, "a schema is named iglu:vendor/name/jsonschema/version")
    return Described(*named, said.get("data"))


def _named(schema: str) -> tuple[str, str] | None:
    """Vendor and name in the address of a schema; None when it is none."""
    vendor, _, rest = schema.removeprefix(_SCHEME).partition("/")
    name = rest.partition("/")[0]
    return (vendor, name) if schema.startswith(_SCHEME) and vendor and 0 < len(name) <= _MAX_NAME else None


_remembered = lru_cache(maxsize=1024)(_named)
