"""The outside of CloudEvents: structured, binary and batched over HTTP, structured and binary on Kafka."""

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import msgspec

from services.ingest.domain.refusal import Refusal
from services.ingest.protocols.cloudevents import READER, is_json
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.reading import why_not_json
from services.ingest.protocols.scanning import split_array
from services.ingest.protocols.splitting import FAULTS, Split, counted
from shared.vocabulary import Code

_BATCH: Final = "application/cloudevents-batch"
_STRUCTURED: Final = "application/cloudevents"
_HEADER: Final = b"ce-"
_RECORD_HEADER: Final = "ce_"
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ANYTHING: Final = msgspec.json.Decoder()
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_TEXT: Final = re.compile(r"text/", re.IGNORECASE)
_ATTRIBUTE_OF_BODY: Final = "datacontenttype"


class UnknownFormat(ValueError):
    """An event in a format that nobody here reads (Avro, Protobuf, XML)."""


def open_event(content_type: str, headers: Mapping[bytes, bytes], body: bytes, max_items: int) -> Parcel:
    """The events of an HTTP request, by its content type; batches are looked for first. Raises UnknownFormat."""
    media = content_type.strip().lower()
    if media.startswith(_BATCH):
        _check_format(media, _BATCH)
        return _batch(body, max_items)
    if media.startswith(_STRUCTURED):
        _check_format(media, _STRUCTURED)
        return _structured(body)
    attributes: dict[str, Any] = {}
    for name, value in headers.items():
        if name.startswith(_HEADER):
            text = _header(value)
            attribute = name[len(_HEADER) :].decode("latin-1")
            if text is None:
                refusal = Refusal(Code.INVALID_TEXT, f"/{attribute}", "a header is UTF-8, percent-encoded or not")
                return Parcel(Split([_event(attributes, content_type, body)], refusal), READER)
            attributes[attribute] = text
    return _structured(_event(attributes, content_type, body))


def open_records(records: Iterable[tuple[Iterable[tuple[str, bytes]], bytes]]) -> Parcel:
    """The events in records of Kafka, by their headers and values; those without any of either are nothing."""
    items = [_of_record(headers, value) for headers, value in records]
    return Parcel(Split([item for item in items if item], may_hold_nul=True), READER)


def _of_record(headers: Iterable[tuple[str, bytes]], value: bytes) -> bytes:
    """Of a format that nobody here reads what becomes of it has no attributes, as its reader will say."""
    named = {name.lower(): (text or b"").decode("utf-8", "replace") for name, text in headers}
    content_type = named.get("content-type", "")
    media = content_type.strip().lower()
    attributes = {name[len(_RECORD_HEADER) :]: text for name, text in named.items() if name.startswith(_RECORD_HEADER)}
    if media.partition(";")[0].strip() in {_STRUCTURED, f"{_STRUCTURED}+json"}:
        return value
    return _event(attributes, content_type, value) if attributes or value else b""


def _check_format(media: str, prefix: str) -> None:
    """Raise UnknownFormat unless it is the JSON format: ``+json``, or nothing said of the format."""
    if media[len(prefix) :].partition(";")[0].strip() not in {"+json", ""}:
        raise UnknownFormat(media)


def _structured(body: bytes) -> Parcel:
    return Parcel(counted([body], body, 1, ""), READER)


def _batch(body: bytes, max_items: int) -> Parcel:
    try:
        items: list[Any] = _ARRAY.decode(body)
    except msgspec.ValidationError:
        return Parcel(Split([body], Refusal(Code.WRONG_TYPE, "", "a batch is a list of events")), READER)
    except FAULTS:
        array = split_array(body, b"") if body.lstrip()[:1] == b"[" else None
        if array is None:
            return Parcel(Split([body] if body.strip() else [], why_not_json(body)), READER)
        items = array.items
    return Parcel(counted(items, body, max_items, "") if items else Split(), READER)


def _event(attributes: Mapping[str, Any], content_type: str, body: bytes) -> bytes:
    """Attributes and data as an event in the JSON format. Of a body without a type that is no JSON, the bytes."""
    said: dict[str, Any] = {name: text for name, text in attributes.items() if name != _ATTRIBUTE_OF_BODY}
    if content_type:
        said[_ATTRIBUTE_OF_BODY] = content_type
    if not body:
        return msgspec.json.encode(said)
    if is_json(content_type) and (whole := _with_json(said, body)) is not None:
        return whole
    if _TEXT.match(content_type):
        return msgspec.json.encode({**said, "data": body.decode("utf-8", "replace")})
    if not content_type:
        said[_ATTRIBUTE_OF_BODY] = "application/octet-stream"
    return msgspec.json.encode({**said, "data_base64": base64.b64encode(body).decode("ascii")})


def _with_json(said: Mapping[str, Any], body: bytes) -> bytes | None:
    """The event with its data as it came; None when that is no JSON."""
    try:
        _ANYTHING.decode(body)
    except FAULTS:
        return None
    return msgspec.json.encode({**said, "data": msgspec.Raw(body)})


def _header(value: bytes) -> str | None:
    """A header's text: percent-encoded UTF-8, UTF-8 or Latin-1 as it is, quoted as it once was. None if it is none."""
    raw = value.strip()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    if quoted := _QUOTED.fullmatch(text):
        text = _ESCAPED.sub(r"\1", quoted[1])
    if "%" not in text:
        return text
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        return None
