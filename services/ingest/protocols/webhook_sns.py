"""Amazon's notification service: its signature, whose certificate it names itself, and agreeing to be called.

A good signature only says that some customer of Amazon sent it, so the topics are named in the hook's settings. What is
fetched is fetched from Amazon's own hosts alone.
"""

import base64
import binascii
import re
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import load_pem_x509_certificate

from services.ingest.protocols.webhook import Doubted, Knock, Known, Verdict, Verified, Wanted

_HOST: Final = re.compile(r"sns\.[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}\.amazonaws\.com(\.cn)?")
"""Of a region, such as eu-west-1. ``sns.s3-us-west-2.amazonaws.com`` is a bucket of whoever took that name."""

_OF_NOTIFICATION: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_OF_CONFIRMATION: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_FAULTS: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
_CONFIRMATION: Final = "SubscriptionConfirmation"


def sns(knock: Knock, known: Known) -> Verdict:
    """RSA over the named fields; ``topic_arns`` of the settings are allowed."""
    said = _said(knock.body)
    fault = _fault(said, knock, known)
    if fault:
        return Doubted(fault)
    certificate = said["SigningCertURL"]
    pem = known.fetched.get(certificate)
    if pem is None:
        return Wanted(certificate)
    if not _is_signed(said, pem):
        return Doubted("the signature does not match the certificate that it names")
    return _agreed(said)


def _fault(said: dict[str, str], knock: Knock, known: Known) -> str:
    """What is wrong before the signature is looked at; empty when nothing is."""
    topics = known.settings.get("topic_arns")
    if not said:
        return "this is no message of SNS; raw message delivery signs nothing and must be off"
    if not isinstance(topics, list) or said["TopicArn"] not in topics:
        return "its topic is not among the hook's topic_arns"
    if knock.header("x-amz-sns-message-type") not in {"", said["Type"]}:
        return "its header names another type than its body"
    if not _is_certificate(said["SigningCertURL"]):
        return "its certificate is not on a host of Amazon's"
    return ""


def _is_certificate(address: str) -> bool:
    """Whether it is a file of Amazon's; an answer to a query may hold what its asker wants."""
    return is_amazons(address) and address.endswith(".pem") and not {"?", "#"} & set(address)


def is_amazons(address: str) -> bool:
    """Whether the address is on a host of the notification service, and nothing but that."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    plain = parts.scheme == "https" and port is None and parts.username is None and "@" not in parts.netloc
    return plain and _HOST.fullmatch(parts.hostname or "") is not None


def _agreed(said: dict[str, str]) -> Verdict:
    if said["Type"] != _CONFIRMATION:
        return Verified()
    address = said.get("SubscribeURL", "")
    return Verified(confirm=address) if is_amazons(address) else Doubted("it would confirm on a host not Amazon's")


def _said(body: bytes) -> dict[str, str]:
    """The texts of a message; empty when one that every message has is missing."""
    try:
        value: Any = msgspec.json.decode(body)
    except _FAULTS:
        return {}
    if not isinstance(value, dict):
        return {}
    said = {name: text for name, text in value.items() if isinstance(text, str)}
    needed = (
        "Message",
        "MessageId",
        "Timestamp",
        "TopicArn",
        "Type",
        "Signature",
        "SigningCertURL",
        "SignatureVersion",
    )
    return said if all(name in said for name in needed) else {}


def _is_signed(said: dict[str, str], pem: bytes) -> bool:
    names = _OF_NOTIFICATION if said["Type"] == "Notification" else _OF_CONFIRMATION
    text = "".join(f"{name}\n{said[name]}\n" for name in names if name in said)
    digests = {"1": SHA1(), "2": SHA256()}  # noqa: S303 -- version 1 is Amazon's default
    digest = digests.get(said["SignatureVersion"])
    if digest is None:
        return False
    try:
        key = load_pem_x509_certificate(pem).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        key.verify(
            base64.b64decode(said["Signature"]), text.encode("utf-8", "surrogatepass"), padding.PKCS1v15(), digest
        )
    except (ValueError, InvalidSignature, binascii.Error):
        return False
    return True
