"""Who is it really: one verifier per provider that signs, over the raw bytes, compared in constant time.

A verifier takes the request and what is known about the hook, and says verified, doubted (why), or wanted (what must be
fetched first). It reads no clock and fetches nothing. The signed text of each is in docs/connect/<provider>.md.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from services.ingest.domain.refusal import Refused
from services.ingest.protocols.webhook import Doubted, Knock, Known, Verdict, Verified
from services.ingest.protocols.webhook_bodies import anything, form
from services.ingest.protocols.webhook_sns import sns
from shared.clock import SECOND, from_datetime

_MILLISECOND: Final = 1_000
_SALESFORCE_ID: Final = 15
"""Characters of an id; the other three repeat them for those that mix up cases."""

_ORGANIZATION: Final = re.compile(rb"<(?:\w+:)?OrganizationId>\s*([A-Za-z0-9]{15,18})\s*<")
_MAX_DIGITS: Final = 17
"""Of a number in a header, milliseconds and microseconds too; Python refuses to read one of thousands."""

_WRONG: Final = Doubted("the signature does not match the hook's secret")
_WRONG_HERE: Final = Doubted(
    "the signature does not match the hook's secret, or was made for another address than this one (see the setting"
    " address and INGEST_PUBLIC_ADDRESS)"
)
_FAULTS: Final = (msgspec.MsgspecError, UnicodeError, RecursionError, Refused)


class _Mailgun(msgspec.Struct):
    timestamp: str
    token: str
    signature: str


class _MailgunBody(msgspec.Struct):
    signature: _Mailgun


class _GoogleBody(msgspec.Struct):
    google_key: str


def is_any(candidates: Iterable[str], presented: str) -> bool:
    """Whether it is one of them, in a time that does not tell which."""
    found = False
    given = presented.encode("utf-8", "surrogatepass")
    for candidate in candidates:
        found |= hmac.compare_digest(candidate.encode(), given)
    return found


def _hex(secret: str, text: bytes, digest: str = "sha256") -> str:
    return hmac.new(secret.encode(), text, digest).hexdigest()


def _base64(secret: str, text: bytes, digest: str = "sha256") -> str:
    return base64.b64encode(hmac.new(secret.encode(), text, digest).digest()).decode()


def _instant(text: str, unit: int = SECOND) -> int:
    """Microseconds of a number of units as text; 1970 when it is none, which no window holds."""
    return int(text) * unit if text.isascii() and text.isdigit() and len(text) < _MAX_DIGITS else 0


def _missing(*headers: str) -> Doubted:
    return Doubted(f"it lacks the header {' or '.join(headers)}")


def _stale(instant: int, knock: Knock, known: Known) -> Doubted | None:
    """Why a signature's timestamp is not taken; None when it is."""
    if known.is_fresh(instant, knock.now):
        return None
    if not instant:
        return Doubted("the signature's timestamp cannot be read")
    age = (knock.now - instant) // SECOND
    told = f"{age} s old" if age > 0 else f"{-age} s ahead of our clock"
    return Doubted(f"the signature's timestamp is {told}; at most {known.window_seconds} s are taken")


def _compared(
    candidates: Iterable[str], knock: Knock, header: str, begin: str = "", wrong: Doubted = _WRONG
) -> Verdict:
    """Whether one of them stands in the header, behind ``begin`` where that is there."""
    presented = knock.header(header).removeprefix(begin)
    if not presented:
        return _missing(header)
    return Verified() if is_any(candidates, presented) else wrong


def _in_body(candidates: Iterable[str], presented: str, what: str) -> Verdict:
    if not presented:
        return Doubted(f"its body lacks the {what}")
    return Verified() if is_any(candidates, presented) else Doubted(f"the {what} in its body is not the hook's")


def sendgrid(knock: Knock, known: Known) -> Verdict:
    """ECDSA P-256 over timestamp and body."""
    names = ("x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp")
    signature, timestamp = map(knock.header, names)
    if not signature or not timestamp:
        return _missing(*(name for name in names if not knock.header(name)))
    if stale := _stale(_instant(timestamp), knock, known):
        return stale
    signed = timestamp.encode("latin-1") + knock.body
    good = [key for key in known.all("public_key") if _is_ecdsa(key, signature, signed)]
    return Verified() if good else _WRONG


def ecdsa_key(text: str) -> ec.EllipticCurvePublicKey | None:
    """The public key of P-256 in base64 or PEM; None when it is none."""
    lines = (line.strip() for line in text.splitlines() if "-----" not in line)
    try:
        public = load_der_public_key(base64.b64decode("".join(lines)))
    except (ValueError, UnsupportedAlgorithm):
        return None
    return public if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name == "secp256r1" else None


def _is_ecdsa(key: str, signature: str, signed: bytes) -> bool:
    public = ecdsa_key(key)
    if public is None:
        return False
    try:
        public.verify(base64.b64decode(signature), signed, ec.ECDSA(SHA256()))
    except (ValueError, InvalidSignature):
        return False
    return True


def mailgun(knock: Knock, known: Known) -> Verdict:
    """HMAC over timestamp and token, which stand in the body; the body itself is not covered."""
    said = _mailgun_said(knock.body)
    if said is None:
        return Doubted("its body lacks the signature, with timestamp and token")
    if stale := _stale(_instant(said.timestamp), knock, known):
        return stale
    signed = (said.timestamp + said.token).encode()
    good = is_any((_hex(key, signed) for key in known.all("signing_key")), said.signature)
    return Verified(once=said.token) if good else _WRONG


def _mailgun_said(body: bytes) -> _Mailgun | None:
    try:
        if body.lstrip()[:1] == b"{":
            return msgspec.json.decode(body, type=_MailgunBody).signature
        return msgspec.convert(form(body), _Mailgun)
    except _FAULTS:
        return None


def mandrill(knock: Knock, known: Known) -> Verdict:
    """HMAC-SHA1 over the exact address and the fields of the form, sorted."""
    try:
        fields = form(knock.body)
    except Refused:
        return Doubted("its form has too many fields to be the provider's")
    signed = knock.url + "".join(f"{name}{fields[name]}" for name in sorted(fields))
    candidates = [_base64(key, signed.encode("utf-8", "replace"), "sha1") for key in known.all("webhook_key")]
    return _compared(candidates, knock, "x-mandrill-signature", wrong=_WRONG_HERE)


def google_key(knock: Knock, known: Known) -> Verdict:
    """The key that stands in the body."""
    try:
        presented = msgspec.json.decode(knock.body, type=_GoogleBody).google_key
    except _FAULTS:
        presented = ""
    return _in_body(known.all("google_key"), presented, "google_key")


def meta(knock: Knock, known: Known) -> Verdict:
    """``sha256=`` and HMAC over the body."""
    candidates = [f"sha256={_hex(secret, knock.body)}" for secret in known.all("app_secret")]
    return _compared(candidates, knock, "x-hub-signature-256")


def linkedin(knock: Knock, known: Known) -> Verdict:
    """HMAC over ``hmacsha256=`` and the body, or the bare body; the header with or without it (sources disagree)."""
    texts = (b"hmacsha256=" + knock.body, knock.body)
    candidates = [_hex(secret, text) for secret in known.all("client_secret") for text in texts]
    return _compared(candidates, knock, "x-li-signature", "hmacsha256=")


def aweber(knock: Knock, known: Known) -> Verdict:
    """``sha256=`` and HMAC over the body, as far as is known; without a secret the address alone is the credential."""
    if not known.all("client_secret"):
        return Verified()
    candidates = [f"sha256={_hex(secret, knock.body)}" for secret in known.all("client_secret")]
    return _compared(candidates, knock, "aweber-signature")


def line(knock: Knock, known: Known) -> Verdict:
    """Base64 HMAC over the body."""
    candidates = [_base64(secret, knock.body) for secret in known.all("channel_secret")]
    return _compared(candidates, knock, "x-line-signature")


def intercom(knock: Knock, known: Known) -> Verdict:
    """``sha1=`` and HMAC-SHA1 over the body."""
    candidates = [f"sha1={_hex(secret, knock.body, 'sha1')}" for secret in known.all("client_secret")]
    return _compared(candidates, knock, "x-hub-signature")


def standard(knock: Knock, known: Known) -> Verdict:
    """Standard Webhooks: HMAC over id, time and body under the secret's own bytes; several while keys change."""
    message_id, timestamp, presented = (
        knock.header(f"webhook-{part}") or knock.header(f"svix-{part}") for part in ("id", "timestamp", "signature")
    )
    for part, value in (("id", message_id), ("timestamp", timestamp), ("signature", presented)):
        if not value:
            return _missing(f"webhook-{part}", f"svix-{part}")
    if stale := _stale(_instant(timestamp), knock, known):
        return stale
    signed = f"{message_id}.{timestamp}.".encode("latin-1") + knock.body
    candidates = [
        base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        for key in map(standard_key, known.all("secret"))
        if key
    ]
    signatures = [one.partition(",")[2] for one in presented.split() if one.startswith("v1,")]
    good = [one for one in signatures if is_any(candidates, one)]
    return Verified() if good else _WRONG


def standard_key(secret: str) -> bytes:
    """The bytes of a secret ``whsec_...``; empty when it is none."""
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        return b""


def zendesk(knock: Knock, known: Known) -> Verdict:
    """Base64 HMAC over the timestamp (ISO 8601) and the body."""
    timestamp = knock.header("x-zendesk-webhook-signature-timestamp")
    if not timestamp:
        return _missing("x-zendesk-webhook-signature-timestamp")
    try:
        instant = from_datetime(datetime.fromisoformat(timestamp))
    except (ValueError, TypeError):
        instant = 0
    if stale := _stale(instant, knock, known):
        return stale
    signed = timestamp.encode("latin-1") + knock.body
    candidates = [_base64(secret, signed) for secret in known.all("signing_secret")]
    return _compared(candidates, knock, "x-zendesk-webhook-signature")


def _timed(knock: Knock, known: Known, header: str, field: str, secret: str) -> Verdict:
    """``t=<seconds>,<field>=<hex>``: HMAC over the seconds, a point and the body; several while keys change."""
    parts = [part.strip().partition("=") for part in knock.header(header).split(",")]
    timestamp = next((value for name, _, value in parts if name == "t"), "")
    presented = [value for name, _, value in parts if name == field]
    if not timestamp or not presented:
        lacks = "it lacks the header" if not knock.header(header) else f"t= or {field}= is missing in the header"
        return Doubted(f"{lacks} {header}")
    if stale := _stale(_instant(timestamp), knock, known):
        return stale
    signed = timestamp.encode("latin-1") + b"." + knock.body
    candidates = [_hex(key, signed) for key in known.all(secret)]
    good = [one for one in presented if is_any(candidates, one)]
    return Verified() if good else _WRONG


def mailchimp(knock: Knock, known: Known) -> Verdict:
    """Mailchimp's optional signature; without a secret the address alone is the credential."""
    if not known.all("signing_secret"):
        return Verified()
    return _timed(knock, known, "x-mailchimp-signature", "v1", "signing_secret")


def tiktok(knock: Knock, known: Known) -> Verdict:
    """TikTok's signature; without a secret the address alone is the credential."""
    if not known.all("client_secret"):
        return Verified()
    return _timed(knock, known, "tiktok-signature", "s", "client_secret")


def calendly(knock: Knock, known: Known) -> Verdict:
    """Calendly's signature."""
    return _timed(knock, known, "calendly-webhook-signature", "v1", "signing_key")


def hubspot(knock: Knock, known: Known) -> Verdict:
    """Version 3 when it is there (base64 HMAC over method, address, body and time), else 2 or 1 (hex SHA-256)."""
    secrets = known.all("client_secret")
    where = knock.method + knock.url
    if knock.header("x-hubspot-signature-v3"):
        timestamp = knock.header("x-hubspot-request-timestamp")
        if not timestamp:
            return _missing("x-hubspot-request-timestamp")
        if stale := _stale(_instant(timestamp, _MILLISECOND), knock, known):
            return stale
        signed = where.encode() + knock.body + timestamp.encode("latin-1")
        candidates = [_base64(secret, signed) for secret in secrets]
        return _compared(candidates, knock, "x-hubspot-signature-v3", wrong=_WRONG_HERE)
    if not knock.header("x-hubspot-signature"):
        return _missing("x-hubspot-signature-v3", "x-hubspot-signature")
    second = knock.header("x-hubspot-signature-version") == "v2"
    begin = where if second else ""
    candidates = [hashlib.sha256((secret + begin).encode() + knock.body).hexdigest() for secret in secrets]
    return _compared(candidates, knock, "x-hubspot-signature", wrong=_WRONG_HERE if second else _WRONG)


def wechat(knock: Knock, known: Known) -> Verdict:
    """SHA-1 over token, timestamp and nonce, sorted; the body is not covered."""
    query = knock.query
    timestamp, nonce, presented = (query.get(name, "") for name in ("timestamp", "nonce", "signature"))
    if not timestamp or not presented:
        return Doubted("its address lacks the parameters signature and timestamp")
    if stale := _stale(_instant(timestamp), knock, known):
        return stale
    candidates = [
        hashlib.sha1("".join(sorted((token, timestamp, nonce))).encode()).hexdigest()  # noqa: S324 -- WeChat's choice
        for token in known.all("token")
    ]
    return Verified(once=f"{timestamp}:{nonce}") if is_any(candidates, presented) else _WRONG


def zoho(knock: Knock, known: Known) -> Verdict:
    """The token that was given when the channel was made, in the body; without one the address is the credential."""
    if not known.all("token"):
        return Verified()
    try:
        body: Any = anything(knock.body, knock.header("content-type"), "")
    except Refused:
        body = None
    presented = body.get("token") if isinstance(body, dict) else None
    return _in_body(known.all("token"), presented if isinstance(presented, str) else "", "token")


def salesforce(knock: Knock, known: Known) -> Verdict:
    """The organization that an outbound message names; without one given the address is the credential."""
    organizations = [one[:_SALESFORCE_ID] for one in known.all("organization_id")]
    if not organizations:
        return Verified()
    found = _ORGANIZATION.search(knock.body)
    presented = found[1].decode("latin-1")[:_SALESFORCE_ID] if found else ""
    return _in_body(organizations, presented, "OrganizationId")


def credentials(knock: Knock, known: Known) -> Doubted | None:
    """Why a request lacks the Basic credentials or the header that the hook asks for; None when it lacks nothing."""
    basic, presented = known.all("basic"), knock.header("authorization")
    if basic and not presented.lower().startswith("basic "):
        return Doubted("it lacks the Basic credentials that the hook asks for", asks_basic=True)
    if basic and not is_any((base64.b64encode(pair.encode()).decode() for pair in basic), presented[len("Basic ") :]):
        return Doubted("its Basic credentials are not the hook's", asks_basic=True)
    values: dict[str, list[str]] = {}
    for line_of_header in known.all("header"):
        name, _, value = line_of_header.partition(":")
        values.setdefault(name.strip().lower(), []).append(value.strip())
    for name, good in values.items():
        if not knock.header(name):
            return _missing(name)
        if not is_any(good, knock.header(name)):
            return Doubted(f"its header {name} is not as the hook has it")
    return None


VERIFIERS: Final[Mapping[str, Callable[[Knock, Known], Verdict]]] = {
    verifier.__name__: verifier
    for verifier in (
        aweber,
        calendly,
        google_key,
        hubspot,
        intercom,
        line,
        linkedin,
        mailchimp,
        mailgun,
        mandrill,
        meta,
        salesforce,
        sendgrid,
        sns,
        standard,
        tiktok,
        wechat,
        zendesk,
        zoho,
    )
}
"""By the name that a provider's file gives as its ``signature``."""
