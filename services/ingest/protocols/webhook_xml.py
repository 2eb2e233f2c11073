"""XML as providers send it (Salesforce's SOAP, WeChat) to JSON values.

No document type, so no entities to expand, and no more depth or elements than a message needs.
"""

from typing import Any, Final
from xml.parsers import expat

from services.ingest.domain.refusal import Refused
from shared.vocabulary import Code

_MAX_DEPTH: Final = 32
_MAX_ELEMENTS: Final = 20_000


class _Builder:
    """Builds the value of one document while it is parsed."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self._open: list[tuple[dict[str, Any], list[str]]] = [(self.root, [])]
        self._count = 0

    def start(self, _name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > _MAX_ELEMENTS or len(self._open) > _MAX_DEPTH:
            raise Refused(Code.TOO_DEEP, "", "this XML is nested deeper, or is longer, than a message is")
        kind = next((value for name, value in attributes.items() if name.endswith("}type")), None)
        self._open.append(({} if kind is None else {"@type": kind}, []))

    def end(self, name: str) -> None:
        fields, texts = self._open.pop()
        text = "".join(texts).strip()
        value: Any = fields if any(not field.startswith("@") for field in fields) else text
        parent, local = self._open[-1][0], name.rpartition("}")[2]
        held = parent.get(local)
        if held is None:
            parent[local] = value
        elif isinstance(held, list):
            held.append(value)
        else:
            parent[local] = [held, value]

    def text(self, data: str) -> None:
        self._open[-1][1].append(data)


def value_of(body: bytes) -> dict[str, Any]:
    """The document as an object: elements by local name, repeated ones as lists, leaves as text. Raises Refused."""
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = _no_document_type
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError, UnicodeError):
        raise Refused(Code.NOT_JSON, "", "this is not XML") from None
    return builder.root


def _no_document_type(*_declaration: object) -> None:
    raise Refused(Code.INVALID_TEXT, "", "a message in XML has no document type")
