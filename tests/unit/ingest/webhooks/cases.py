"""Example requests of providers, written after the reference, and what each must become.

``examples/<provider>.yaml`` is a list of cases: a body as ``json``, ``form`` or ``text``, and per touchpoint the fields
that matter. An address in ``email``, and ids in ``external`` and ``anonymous_id``, are compared with the keys that they
make; an ``anonymous_id`` of null is none.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import yaml

from services.ingest.handlers.hook_providers import providers
from services.ingest.protocols.outcome import Outcome, Rejected
from services.ingest.protocols.webhook import Knock, open_hook
from shared.clock import to_text
from shared.contracts.codec import decode_touchpoint, encode
from shared.contracts.touchpoint import Touchpoint
from shared.identity_key import email_key, make
from shared.vocabulary import KeyType
from tests.unit.ingest.protocols.arrivals import ARRIVAL, NOW, SECRET

EXAMPLES = Path(__file__).parent / "examples"


@dataclass(frozen=True, slots=True)
class Case:
    """One request."""

    provider: str
    name: str
    body: bytes
    content_type: str
    touchpoints: list[dict[str, Any]]
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.provider}: {self.name}"


def all_cases() -> list[Case]:
    """Of all providers."""
    return [case for path in sorted(EXAMPLES.glob("*.yaml")) for case in cases_of(path.stem)]


def cases_of(provider: str) -> list[Case]:
    """The examples of one provider."""
    written = yaml.safe_load((EXAMPLES / f"{provider}.yaml").read_text(encoding="utf-8"))
    return [_case(provider, one) for one in written]


def _case(provider: str, said: dict[str, Any]) -> Case:
    body, content_type = body_of(said)
    return Case(provider, said["name"], body, content_type, said["touchpoints"], said.get("headers", {}))


def body_of(said: dict[str, Any]) -> tuple[bytes, str]:
    """The bytes and the content type of a case."""
    if "json" in said:
        inner = {name: _inner(said["json"][name]) for name in said.get("encoded", ())}
        return msgspec.json.encode({**said["json"], **inner} if inner else said["json"]), "application/json"
    if "form" in said:
        fields = [(name, value if isinstance(value, str) else _inner(value)) for name, value in said["form"].items()]
        return urlencode(fields).encode(), "application/x-www-form-urlencoded"
    return said["text"].encode(), said.get("content_type", "text/plain")


def _inner(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def knock(body: bytes, content_type: str = "application/json", **more: Any) -> Knock:
    """A request at the instant of the arrivals."""
    headers = {b"content-type": content_type.encode(), **more.pop("headers", {})}
    given = {"method": "POST", "url": "https://ingest.example.com/h", "query": {}, "now": NOW, **more}
    return Knock(body=body, headers=headers, **given)


def read(provider: str, body: bytes, content_type: str = "application/json") -> list[Outcome]:
    """What a provider's verified request becomes."""
    parcel = open_hook(providers()[provider], knock(body, content_type))
    if parcel.split.refusal is not None:
        return [Rejected("whole", parcel.split.refusal, body)]
    return [parcel.reader.read(item, ARRIVAL, may_hold_nul=False) for item in parcel.split.items]


def differences(outcome: Outcome, expected: dict[str, Any], secret: bytes = SECRET) -> list[str]:
    """Where a touchpoint is not as expected."""
    if not isinstance(outcome, Touchpoint):
        return [f"refused: {outcome.refusal}"]
    told = _told(decode_touchpoint(encode(outcome)))
    found = [
        f"{name}: {told.get(name)!r}, not {value!r}"
        for name, value in expected.items()
        if name not in {"anonymous_id", "email", "external", "phone"} and told.get(name) != value
    ]
    if (email := expected.get("email")) and email_key(secret, email) not in outcome.keys:
        found.append(f"no key of {email}: {outcome.keys}")
    if (phone := expected.get("phone")) and make(KeyType.PHONE, phone) not in outcome.keys:
        found.append(f"no key of {phone}: {outcome.keys}")
    for system, value in expected.get("external", {}).items():
        if make(KeyType.EXTERNAL, value, system) not in outcome.keys:
            found.append(f"no key of {system} {value}: {outcome.keys}")
    if "anonymous_id" in expected:
        said = expected["anonymous_id"]
        browsers = [key for key in outcome.keys if key.partition(":")[0].endswith("anonymous_id")]
        if browsers != ([make(KeyType.ANONYMOUS_ID, said)] if said else []):
            found.append(f"the browser is {browsers}, not {said}")
    return found


def _told(touchpoint: Touchpoint) -> dict[str, Any]:
    plain = msgspec.json.decode(msgspec.json.encode(touchpoint))
    plain = {name: _without_empty(value) for name, value in plain.items()}
    return {**plain, "occurred_at": to_text(touchpoint.occurred_at)}


def _without_empty(value: Any) -> Any:
    return {name: inner for name, inner in value.items() if inner is not None} if isinstance(value, dict) else value
