"""The text fields of a multipart form; files are passed over."""

from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from services.ingest.domain.refusal import Refused
from shared.vocabulary import Code

_MAX_FIELDS: Final = 2_000
_MAX_BOUNDARY: Final = 200


class _Fields:
    """Collects fields while a body is parsed."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []
        self._header = b""
        self._value = b""
        self._disposition = b""
        self._data: list[bytes] = []

    def begin(self) -> None:
        self._disposition, self._data = b"", []

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def data(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def end(self) -> None:
        options = parse_options_header(self._disposition)[1]
        name = options.get(b"name")
        if name is None or b"filename" in options:
            return
        if len(self.found) >= _MAX_FIELDS:
            raise Refused(Code.TOO_LARGE, "", f"a form has at most {_MAX_FIELDS} fields")
        self.found.append((name.decode("utf-8", "replace"), b"".join(self._data).decode("utf-8", "replace")))


def parts_of(body: bytes, content_type: str) -> list[tuple[str, str]]:
    """The fields in order. Raises Refused."""
    said = parse_options_header(content_type)[1].get(b"boundary") if "boundary" in content_type else None
    boundary = said or body.partition(b"\n")[0].strip()[2:]
    fields = _Fields()
    try:
        parser = MultipartParser(
            boundary[:_MAX_BOUNDARY],
            {
                "on_part_begin": fields.begin,
                "on_header_field": fields.header_field,
                "on_header_value": fields.header_value,
                "on_header_end": fields.header_end,
                "on_part_data": fields.data,
                "on_part_end": fields.end,
            },
        )
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError):
        raise Refused(Code.NOT_JSON, "", "this is not a multipart form") from None
    return fields.found
