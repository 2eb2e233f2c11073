"""Keys as people name them, brought to the canonical text under which ingest has stored them."""

import re
from typing import Final

from shared import identity_key
from shared.errors import FieldFault, InvalidRequest, NotFound
from shared.phone import normalise_phone
from shared.vocabulary import KeyType

_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
_SYSTEM: Final = re.compile(r"[a-z][a-z0-9_-]{0,49}")
_EXTERNAL: Final = f"{KeyType.EXTERNAL}."
_TYPES: Final = "user_id, email, email_sha256, phone, anonymous_id or external.<system>"


def key_named(secret: bytes, type_name: str, value: str, pointer: str = "value") -> str:
    """The canonical key. Raises InvalidRequest for what can be none, NotFound for what nobody is ever keyed by."""
    text = value.strip()
    if identity_key.is_junk(text):
        raise NotFound("many people share such a value, so it is nobody's key")
    match type_name:
        case KeyType.USER_ID | KeyType.ANONYMOUS_ID:
            return identity_key.make(KeyType(type_name), text)
        case KeyType.EMAIL:
            return identity_key.email_key(secret, text)
        case "email_sha256":
            if not _SHA256.fullmatch(text):
                raise _wrong(pointer, "give the hexadecimal SHA-256 of the trimmed address in lower case")
            return identity_key.email_sha256_key(secret, text)
        case KeyType.PHONE:
            number = normalise_phone(text, None)
            if number is None:
                raise _wrong(pointer, "give the number with its country, such as +4520123456")
            return identity_key.make(KeyType.PHONE, number)
        case _:
            return _external(type_name, text)


def canonical(text: str, pointer: str) -> str:
    """A key given as it is stored, such as ``5user_id:u1``. Raises InvalidRequest."""
    name = text[1:].partition(":")[0]
    system = name.removeprefix(_EXTERNAL) if name.startswith(_EXTERNAL) else ""
    known = KeyType.EXTERNAL.value if system else name
    if known in set(KeyType) and text == identity_key.make(KeyType(known), text.partition(":")[2], system):
        return text
    raise _wrong(pointer, "give {type, value}, or a key as an answer has shown it")


def _external(type_name: str, value: str) -> str:
    system = type_name.removeprefix(_EXTERNAL).lower()
    if not type_name.startswith(_EXTERNAL) or not _SYSTEM.fullmatch(system):
        raise _wrong("key", f"expected {_TYPES}")
    return identity_key.make(KeyType.EXTERNAL, value, system)


def _wrong(pointer: str, advice: str) -> InvalidRequest:
    return InvalidRequest(FieldFault(pointer, "invalid_value", advice))
