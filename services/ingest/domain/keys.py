"""Identity keys of one touchpoint, from what it says about the person (core 2)."""

import re
from collections.abc import Mapping
from typing import Any, Final

from services.ingest.domain.refusal import Refused
from shared.identity_key import MAX_VALUE_BYTES, email_key, email_sha256_key, is_junk, make, strongest_first
from shared.phone import normalise_phone
from shared.vocabulary import Code, KeyType

MAX_LENGTH: Final = 512
_MAX_ADDRESS: Final = 320
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
_SYSTEM: Final = re.compile(r"[a-z][a-z0-9_-]{0,49}")
_UNSEEN: Final = object()


class KeyRing:
    """Collects the keys of one touchpoint. What is empty, null or junk is no key and no fault."""

    __slots__ = ("_country", "_keys", "_secret", "address")

    def __init__(self, secret: bytes, country: str | None) -> None:
        self._secret = secret
        self._country = country
        self._keys: set[str] = set()
        self.address: str | None = None
        """The last e-mail address that was one, as it was written: no key can be read back into it."""

    def user_id(self, value: Any, pointer: str) -> None:
        """A user id: text or a whole number."""
        text = identifier(value, pointer)
        if text:
            self._keys.add("5user_id:" + text)

    def anonymous_id(self, value: Any, pointer: str) -> None:
        """A device's or browser's own id."""
        text = identifier(value, pointer)
        if text:
            self._keys.add("1anonymous_id:" + text)

    def external(self, system: str, value: Any, pointer: str) -> None:
        """The id of a CRM or provider record. Raises Refused for a system's name that is none."""
        name = system.lower()
        if not _SYSTEM.fullmatch(name):
            raise Refused(Code.UNKNOWN_VALUE, pointer, "a system is named in lower case letters, such as hubspot")
        text = identifier(value, pointer)
        if text:
            self._keys.add(make(KeyType.EXTERNAL, text, name))

    def email(self, value: Any) -> None:
        """An address, or whatever people write in its place."""
        if isinstance(value, str) and len(value) <= _MAX_ADDRESS:
            address = value.strip()
            if _ADDRESS.fullmatch(address) and not is_junk(address):
                self._keys.add(email_key(self._secret, address))
                self.address = address

    def email_sha256(self, value: Any) -> None:
        """The hexadecimal SHA-256 of an address."""
        if isinstance(value, str) and _SHA256.fullmatch(value.strip()):
            self._keys.add(email_sha256_key(self._secret, value.strip()))

    def phone(self, value: Any) -> None:
        """A telephone number, or whatever people write in its place."""
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and not is_junk(value):
            number = normalise_phone(value.strip(), self._country)
            if number:
                self._keys.add(make(KeyType.PHONE, number))

    def proved(self, key: str | None) -> None:
        """A key as its canonical text, which we once sealed ourselves (a click's token)."""
        if key is not None:
            self._keys.add(key)

    def contact(self, said: Mapping[str, Any]) -> None:
        """E-mail and phone among traits or form fields."""
        if (email := said.get("email", _UNSEEN)) is not _UNSEEN:
            self.email(email)
        if (phone := said.get("phone", _UNSEEN)) is not _UNSEEN:
            self.phone(phone)

    def named(self, traits: dict[str, Any]) -> dict[str, Any]:
        """The traits with the address among them, so that whoever asks for the lead can be shown it."""
        return traits if self.address is None or "email" in traits else {**traits, "email": self.address}

    def strongest_first(self) -> tuple[str, ...]:
        """All keys; the first is the strand. Raises Refused when there is none."""
        if len(self._keys) == 1:
            return tuple(self._keys)
        if len({key[0] for key in self._keys}) == len(self._keys) > 0:  # the first character is the rank
            return tuple(sorted(self._keys, reverse=True))
        if not self._keys:
            raise nobody()
        return strongest_first(self._keys)


def plain_keys(user_id: Any, anonymous_id: Any, pointers: tuple[str, str]) -> tuple[str, ...]:
    """The keys of somebody known by these two alone, as a ring has them: most are. Raises Refused."""
    user = None if user_id is None else identifier(user_id, pointers[0])
    device = None if anonymous_id is None else identifier(anonymous_id, pointers[1])
    if user and device:
        return "5user_id:" + user, "1anonymous_id:" + device
    if user:
        return ("5user_id:" + user,)
    if device:
        return ("1anonymous_id:" + device,)
    raise nobody()


def nobody() -> Refused:
    """The refusal of what has no key."""
    return Refused(Code.NO_IDENTITY, "", "give a user id, an anonymous id, an e-mail, a phone or an external id")


def identifier(value: Any, pointer: str) -> str | None:
    """An id as text, None when it is none. Raises Refused when it is neither text nor a whole number, or too long."""
    if type(value) is not str:
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise Refused(Code.WRONG_TYPE, pointer, "an id is text or a whole number")
        value = str(value)
    text = value.strip()
    if len(text) > MAX_LENGTH or (not text.isascii() and len(text.encode()) > MAX_VALUE_BYTES):
        detail = f"an id has at most {MAX_LENGTH} characters, and {MAX_VALUE_BYTES} bytes as UTF-8"
        raise Refused(Code.TOO_LONG, pointer, detail)
    return None if is_junk(text) else text
