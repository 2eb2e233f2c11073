"""Requests signed as each provider signs them, with secrets of the test's own."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from standardwebhooks.webhooks import Webhook

from tests.unit.ingest.webhooks.notification_service import TOPIC, as_body, message

_STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_SENDGRID = ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True, slots=True)
class Signed:
    """What a provider adds to a body: headers, a query, or another body."""

    headers: dict[str, str]
    body: bytes
    query: str = ""


Signer = Callable[[bytes, str, int], Signed]
"""Of a body for an address at a time in seconds."""


def _hmac(secret: str, text: bytes, digest: str = "sha256") -> bytes:
    return hmac.new(secret.encode(), text, digest).digest()


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def sendgrid(body: bytes, _url: str, now: int) -> Signed:
    signature = _SENDGRID.sign(str(now).encode() + body, ec.ECDSA(SHA256()))
    names = ("x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp")
    return Signed(dict(zip(names, (_base64(signature), str(now)), strict=True)), body)


def mailgun(body: bytes, _url: str, now: int) -> Signed:
    said: dict[str, Any] = msgspec.json.decode(body)
    token = said.get("signature", {}).get("token") or hashlib.sha256(body).hexdigest()[:50]
    signature = _hmac("key-test-1234", f"{now}{token}".encode()).hex()
    said["signature"] = {"timestamp": str(now), "token": token, "signature": signature}
    return Signed({}, msgspec.json.encode(said))


def mandrill(body: bytes, url: str, _now: int) -> Signed:
    fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    text = url + "".join(f"{name}{fields[name]}" for name in sorted(fields))
    return Signed({"x-mandrill-signature": _base64(_hmac("mandrill-key", text.encode(), "sha1"))}, body)


def meta(body: bytes, _url: str, _now: int) -> Signed:
    return Signed({"x-hub-signature-256": f"sha256={_hmac('app-secret', body).hex()}"}, body)


def linkedin(body: bytes, _url: str, _now: int) -> Signed:
    return Signed({"x-li-signature": _hmac("client-secret", b"hmacsha256=" + body).hex()}, body)


def aweber(body: bytes, _url: str, _now: int) -> Signed:
    return Signed({"aweber-signature": f"sha256={_hmac('client-secret', body).hex()}"}, body)


def line(body: bytes, _url: str, _now: int) -> Signed:
    return Signed({"x-line-signature": _base64(_hmac("channel-secret", body))}, body)


def intercom(body: bytes, _url: str, _now: int) -> Signed:
    return Signed({"x-hub-signature": f"sha1={_hmac('client-secret', body, 'sha1').hex()}"}, body)


def zendesk(body: bytes, _url: str, now: int) -> Signed:
    timestamp = datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z")
    signature = _base64(_hmac("signing-secret", timestamp.encode() + body))
    return Signed({"x-zendesk-webhook-signature": signature, "x-zendesk-webhook-signature-timestamp": timestamp}, body)


def _timed(header: str, field: str, secret: str) -> Signer:
    def sign(body: bytes, _url: str, now: int) -> Signed:
        return Signed({header: f"t={now},{field}={_hmac(secret, f'{now}.'.encode() + body).hex()}"}, body)

    return sign


def hubspot(body: bytes, url: str, now: int) -> Signed:
    milliseconds = str(now * 1000)
    signature = _base64(_hmac("cs", f"POST{url}".encode() + body + milliseconds.encode()))
    return Signed({"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": milliseconds}, body)


def wechat(body: bytes, _url: str, now: int) -> Signed:
    nonce = hashlib.sha256(body).hexdigest()[:8]
    text = "".join(sorted(("wechat-token", str(now), nonce)))
    signature = hashlib.sha1(text.encode()).hexdigest()  # noqa: S324 -- WeChat's choice
    return Signed({}, body, f"signature={signature}&timestamp={now}&nonce={nonce}")


def google_key(body: bytes, _url: str, _now: int) -> Signed:
    return Signed({}, msgspec.json.encode({**msgspec.json.decode(body), "google_key": "k-123"}))


def sns(body: bytes, _url: str, _now: int) -> Signed:
    return Signed({"x-amz-sns-message-type": "Notification"}, as_body(message(**msgspec.json.decode(body))))


def standard(body: bytes, _url: str, now: int) -> Signed:
    signature = Webhook(_STANDARD).sign("msg_1", datetime.fromtimestamp(now, UTC), body.decode())
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return Signed(dict(zip(names, ("msg_1", str(now), f"v2,x {signature}"), strict=True)), body)


def unsigned(body: bytes, _url: str, _now: int) -> Signed:
    return Signed({}, body)


SIGNERS: dict[str, Signer] = {
    "": unsigned,
    "aweber": aweber,
    "calendly": _timed("calendly-webhook-signature", "v1", "calendly-key"),
    "google_key": google_key,
    "hubspot": hubspot,
    "intercom": intercom,
    "line": line,
    "linkedin": linkedin,
    "mailchimp": _timed("x-mailchimp-signature", "v1", "mailchimp-secret"),
    "mailgun": mailgun,
    "mandrill": mandrill,
    "meta": meta,
    "sendgrid": sendgrid,
    "salesforce": unsigned,
    "sns": sns,
    "standard": standard,
    "tiktok": _timed("tiktok-signature", "s", "client-secret"),
    "wechat": wechat,
    "zendesk": zendesk,
    "zoho": unsigned,
}
"""By the name of the verifier. Amazon's needs a certificate too."""

SECRETS: dict[str, dict[str, list[str]]] = {
    "": {},
    "aweber": {"client_secret": ["client-secret"]},
    "calendly": {"signing_key": ["calendly-key"]},
    "google_key": {"google_key": ["k-123"]},
    "hubspot": {"client_secret": ["cs"]},
    "intercom": {"client_secret": ["client-secret"]},
    "line": {"channel_secret": ["channel-secret"]},
    "linkedin": {"client_secret": ["client-secret"]},
    "mailchimp": {"signing_secret": ["mailchimp-secret"]},
    "mailgun": {"signing_key": ["key-test-1234"]},
    "mandrill": {"webhook_key": ["mandrill-key"]},
    "meta": {"app_secret": ["app-secret"], "verify_token": ["verify"]},
    "sendgrid": {
        "public_key": [_base64(_SENDGRID.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))]
    },
    "salesforce": {},
    "sns": {},
    "standard": {"secret": [_STANDARD]},
    "tiktok": {"client_secret": ["client-secret"]},
    "wechat": {"token": ["wechat-token"]},
    "zendesk": {"signing_secret": ["signing-secret"]},
    "zoho": {},
}

SETTINGS: dict[str, dict[str, Any]] = {"sns": {"topic_arns": [TOPIC]}}
"""What a hook must be set to, by the name of the verifier."""
