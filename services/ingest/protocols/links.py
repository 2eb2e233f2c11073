"""Links in mails and ads: what their query says, whether it is signed, and the touchpoint in it.

A link is signed over the names and values below, sorted, one a line after the route's name; parameters that mail
systems add are no part of it. Only a signed link may name a person: whoever reads a mail can change its links.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from services.ingest.domain.item_id import content_id
from services.ingest.domain.keys import KeyRing
from services.ingest.domain.kind import RESERVED
from services.ingest.domain.landing import read_address
from services.ingest.domain.refusal import Refused
from shared.clock import SECOND
from shared.errors import FieldFault, InvalidRequest


class Route(StrEnum):
    """What a link is for; part of what is signed."""

    PIXEL = "pixel"
    CLICK = "click"


PERSONS: Final = ("user_id", "email_sha256", "external")
CAMPAIGN: Final = {
    "campaign": "name",
    "campaign_id": "id",
    "source": "source",
    "medium": "medium",
    "term": "term",
    "content": "content",
}
NAMES: Final = frozenset({"k", "kind", "id", "anonymous_id", "to", "join", *PERSONS, *CAMPAIGN})
"""All that a link says. Everything else in its query was put there by somebody else and is not read."""

SIGNATURE: Final = "s"
ONCE_WITHIN: Final = 10 * SECOND
"""Mail programs fetch one picture several times, people click twice: within these ten seconds it is one touchpoint."""

_KINDS: Final = {Route.PIXEL: "email_opened", Route.CLICK: "email_link_clicked"}
_SIGNATURE_BYTES: Final = 16
_SPACE: Final = " "


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it was asked for: what it says, by name, and its signature, empty when it has none."""

    route: Route
    fields: Mapping[str, str]
    signature: str

    def get(self, name: str) -> str:
        """What it says under the name, empty when it says nothing."""
        return self.fields.get(name, "")

    @property
    def kind(self) -> str:
        """What happened when somebody follows it."""
        return self.get("kind") or _KINDS[self.route]

    def is_signed_with(self, key: bytes) -> bool:
        """Whether whoever has the signing key made it as it is."""
        return hmac.compare_digest(signature_of(self.route, self.fields, key), self.signature)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody following a link at ``now``: a person's browser, or a ``machine`` of that sort.

    ``stranger`` is an anonymous id made for just this visit.
    """

    now: int
    machine: str | None
    user_agent: str = ""
    languages: str = ""
    stranger: str = ""


def read_link(route: Route, query: bytes) -> Link:
    """What the query of an address says. Raises InvalidRequest when it says one thing twice."""
    fields: dict[str, str] = {}
    signature = ""
    for name, value in parse_qsl(query.decode("latin-1"), encoding="utf-8", errors="replace"):
        if name == SIGNATURE:
            signature = value if value.isascii() else ""
        elif name in NAMES:
            if name in fields or any(letter < _SPACE for letter in value):
                raise InvalidRequest(FieldFault(name, "invalid_value", f"{name} stands in a link once, as plain text"))
            fields[name] = value
    return Link(route, fields, signature)


def signing_key(secret: bytes, prefix: str) -> bytes:
    """What signs the links of one write key, which is named by its prefix."""
    return hashlib.blake2b(prefix.encode(), digest_size=32, key=secret[:64], person=b"tragt-links").digest()


def signature_of(route: Route, fields: Mapping[str, str], key: bytes) -> str:
    """The signature of what a link says."""
    said = "\n".join([route.value, *sorted(f"{name}={value}" for name, value in fields.items() if value)])
    digest = hmac.new(key, said.encode(), hashlib.sha256).digest()[:_SIGNATURE_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def person_of(link: Link, secret: bytes) -> str | None:
    """The strongest key of the person whom the link names, None when it names nobody. Only for signed links."""
    ring = KeyRing(secret, None)
    try:
        ring.user_id(link.get("user_id"), "user_id")
        ring.email_sha256(link.get("email_sha256"))
        if link.get("external"):
            ring.external(*_external(link), "external")
        return ring.strongest_first()[0]
    except Refused:
        return None


def item_of(link: Link, visit: Visit, *, is_signed: bool) -> bytes | None:
    """The native touchpoint of a visit; None when it is nobody's, or of a kind that joins people."""
    identity = _identity(link, PERSONS if is_signed else ())
    anonymous = link.get("anonymous_id") or ("" if identity else visit.stranger)
    if anonymous:
        identity["anonymous_id"] = anonymous
    if not identity or link.kind in RESERVED:
        return None
    return msgspec.json.encode(
        {
            "id": _id(link, visit, identity),
            "kind": link.kind,
            "identity": identity,
            "campaign": _campaign(link),
            "properties": _properties(link, visit.machine),
            "context": {} if visit.machine else _context(visit),
        }
    )


def _identity(link: Link, named: Iterable[str]) -> dict[str, Any]:
    identity: dict[str, Any] = {name: link.get(name) for name in named if link.get(name)}
    if "external" in identity:
        system, value = _external(link)
        identity["external"] = {system: value}
    return identity


def _external(link: Link) -> tuple[str, str]:
    """``hubspot:77``."""
    system, _, value = link.get("external").partition(":")
    return system, value


def _id(link: Link, visit: Visit, identity: Mapping[str, Any]) -> str:
    """The same for the same sort of visitor within the ten seconds, so that it counts once."""
    said = (link.route, sorted(link.fields.items()), sorted(identity), identity.get("anonymous_id"))
    return content_id(repr((said, visit.machine, visit.now // ONCE_WITHIN)).encode())


def _campaign(link: Link) -> dict[str, str]:
    """What the link says, else what its target's address does."""
    landing = read_address(link.get("to"))
    said = {"click_id": landing.click} if landing.click else {}
    for name, field in CAMPAIGN.items():
        value = link.get(name) or landing.utm.get("campaign" if field == "name" else field)
        if value:
            said[field] = value
    return said


def _properties(link: Link, machine: str | None) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if link.get("id"):
        said["email_id" if link.kind.startswith("email_") else "link_id"] = link.get("id")
    if link.get("to"):
        said["link_url"] = link.get("to")
    return said if machine is None else {**said, "machine": True, "agent": machine}


def _context(visit: Visit) -> dict[str, str]:
    locale = visit.languages.partition(",")[0].partition(";")[0].strip()
    return {name: value for name, value in (("user_agent", visit.user_agent), ("locale", locale)) if value}
