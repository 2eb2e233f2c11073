"""Bodies of webhooks as JSON values, whatever they are written in: JSON, forms of three kinds, multipart, XML.

Each takes the body, its content type and the name of a field; raises Refused when the body is not what it should be.
The content type is a hint only: providers send JSON as text/plain and forms without any.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal
from urllib.parse import parse_qsl

import msgspec

from services.ingest.domain.refusal import Refused
from services.ingest.protocols.reading import why_not_json
from services.ingest.protocols.webhook_multipart import parts_of
from services.ingest.protocols.webhook_xml import value_of
from shared.vocabulary import Code

BodyKind = Literal["json", "form", "nested_form", "json_field", "xml", "any"]

_MAX_FIELDS: Final = 2_000
_MAX_STEPS: Final = 8
_ANYTHING: Final = msgspec.json.Decoder()
_STEP: Final = re.compile(r"\[([^\[\]]*)\]")


def json_value(body: bytes, _content_type: str = "", _field: str = "") -> Any:
    """The JSON value of a body. Raises Refused."""
    try:
        return _ANYTHING.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        refusal = why_not_json(body)
        raise Refused(refusal.code, refusal.pointer, refusal.detail) from None


def form(body: bytes, _content_type: str = "", _field: str = "") -> dict[str, Any]:
    """The fields of a form; of repeated ones the last."""
    return dict(form_fields(body))


def form_fields(body: bytes) -> list[tuple[str, str]]:
    """The fields of a form in order. Raises Refused when there are too many."""
    try:
        return parse_qsl(
            body.decode("latin-1"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="replace",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError:
        raise Refused(Code.TOO_LARGE, "", f"a form has at most {_MAX_FIELDS} fields") from None


def nested_form(body: bytes, _content_type: str = "", _field: str = "") -> dict[str, Any]:
    """A form whose names nest as PHP writes them: ``data[merges][EMAIL]``."""
    nested: dict[str, Any] = {}
    for name, value in form_fields(body):
        begin = name.partition("[")[0]
        _put(nested, [begin, *_STEP.findall(name[len(begin) :])][:_MAX_STEPS], value)
    return nested


def json_field(body: bytes, _content_type: str, field: str) -> Any:
    """JSON that stands in a field of a form. Raises Refused."""
    said = form(body).get(field)
    if said is None:
        raise Refused(Code.MISSING, f"/{field}", f"the form has a field {field}")
    return json_value(said.encode("utf-8", "replace"))


def xml(body: bytes, _content_type: str = "", _field: str = "") -> Any:
    """An XML document by the local names of its elements. Raises Refused."""
    return value_of(body)


def anything(body: bytes, content_type: str, field: str) -> Any:
    """Whatever it looks like; a field that holds JSON text takes the place of the form, beside its other fields."""
    start = body.lstrip()[:1]
    if start in {b"{", b"["}:
        return json_value(body)
    if start == b"<":
        return value_of(body)
    said = _unrepeated(parts_of(body, content_type) if body.startswith(b"--") else form_fields(body))
    if not said:
        raise Refused(Code.EMPTY_BATCH, "", "there is nothing in it")
    inner = said.pop(field, None)
    if not isinstance(inner, str):
        return said
    value = json_value(inner.encode("utf-8", "replace"))
    return {**said, **value} if isinstance(value, dict) else said


BODIES: Final[Mapping[str, Callable[[bytes, str, str], Any]]] = {
    "json": json_value,
    "form": form,
    "nested_form": nested_form,
    "json_field": json_field,
    "xml": xml,
    "any": anything,
}


def _put(nested: dict[str, Any], path: list[str], value: str) -> None:
    """``data[merges][EMAIL]=x`` into place; ``tags[]=a`` adds to a list, kept as an object by number."""
    for step in path[:-1]:
        inner = nested.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        nested = inner
    nested[path[-1] or str(len(nested))] = value


def _unrepeated(fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Fields by name; a repeated one (checkboxes) is a list."""
    said: dict[str, Any] = {}
    for name, value in fields:
        held = said.get(name)
        if held is None:
            said[name] = value
        elif isinstance(held, list):
            held.append(value)
        else:
            said[name] = [held, value]
    return said
