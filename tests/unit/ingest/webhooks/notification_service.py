"""Amazon's notification service as far as a receiver sees it: messages signed with a key whose certificate it names."""

import base64
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def certificate() -> bytes:
    """What stands at ``CERTIFICATE``."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(_key().public_key())
    made = made.serial_number(1).not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
    made = made.not_valid_after(datetime(2044, 1, 1, tzinfo=UTC))
    return made.sign(_key(), SHA256()).public_bytes(Encoding.PEM)


def message(**said: Any) -> dict[str, str]:
    """A message, signed."""
    fields = {
        "Type": "Notification",
        "MessageId": "id-1",
        "TopicArn": TOPIC,
        "Timestamp": "2024-05-01T12:00:00.000Z",
        "Message": "{}",
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE,
        **said,
    }
    names = _NOTIFICATION if fields["Type"] == "Notification" else _CONFIRMATION
    text = "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields)
    digest = SHA1() if fields["SignatureVersion"] == "1" else SHA256()  # noqa: S303 -- Amazon's first version
    signature = _key().sign(text.encode(), padding.PKCS1v15(), digest)
    return {**fields, "Signature": base64.b64encode(signature).decode()}


def as_body(fields: dict[str, str]) -> bytes:
    """As it is sent."""
    return msgspec.json.encode(fields)
