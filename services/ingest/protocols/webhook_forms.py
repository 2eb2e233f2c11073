"""How secrets and settings are written, where that is known: a wrong one is told when it is given, and not when every
delivery is refused.

Each check says what would be right, and nothing when it is.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from services.ingest.protocols.webhook import HEADER, Provider
from services.ingest.protocols.webhook_signatures import ecdsa_key, standard_key

_MAX_CHOICES: Final = 200
_MAX_TEXT: Final = 200
_PLACEHOLDER: Final = re.compile(r"\.{3}|…|<[^<>]*>|\*+|x{3,}", re.IGNORECASE)
"""What documentation writes in the place of a secret, and consoles in the place of a hidden one."""

_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*:\s*\S.*")
_ORGANIZATION: Final = re.compile(r"00D[0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?")
_TOPIC: Final = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[0-9A-Za-z_.-]{1,256}")

_Check = Callable[[str], str]


def _basic(value: str) -> str:
    user, _, password = value.partition(":")
    return "" if user.strip() and password.strip() else "it is user:password"


def _header(value: str) -> str:
    return "" if _HEADER.fullmatch(value) else 'it is a header\'s name and value: "X-Token: abc"'


def _public_key(value: str) -> str:
    if "PRIVATE KEY" in value:
        return "that is a private key; the provider shows a public one to verify with"
    return "" if ecdsa_key(value) else "it is the verification key: base64 of a public key of P-256, or its PEM"


def _standard(value: str) -> str:
    return "" if standard_key(value) else "it is whsec_ and base64"


def _organization(value: str) -> str:
    return "" if _ORGANIZATION.fullmatch(value) else "it is 00D and 12 or 15 more letters and digits"


_SECRETS: Final[Mapping[tuple[str, str], _Check]] = {
    ("sendgrid", "public_key"): _public_key,
    ("standard", "secret"): _standard,
    ("salesforce", "organization_id"): _organization,
}
"""By verifier and name."""

_ANYWHERE: Final[Mapping[str, _Check]] = {"basic": _basic, HEADER: _header}


def fault_of_secret(provider: Provider | None, name: str, value: str) -> str:
    """What is wrong with a secret; empty when nothing is known to be. No provider: one that brings its own document."""
    if not value.strip():
        return "a secret is not empty"  # with which anybody could sign
    if value != value.strip():
        return "there is space around it"
    if _PLACEHOLDER.fullmatch(value):
        return "that stands for a secret; put the secret itself there"
    check = _ANYWHERE.get(name) or _SECRETS.get((provider.signature if provider else "", name))
    return check(value) if check else ""


def read_setting(provider: Provider, name: str, value: Any) -> tuple[Any, str]:
    """A setting as it is kept, and what is wrong with it; empty when nothing is known to be.

    A list may be given as one text with commas.
    """
    if name == "address":
        return value, _address(value)
    if name not in provider.choices and (provider.signature, name) != ("sns", "topic_arns"):
        return value, ""
    texts = _texts(value)
    if not texts or len(texts) > _MAX_CHOICES or max(map(len, texts)) > _MAX_TEXT:
        return value, f"a list of 1 to {_MAX_CHOICES} texts of at most {_MAX_TEXT} characters, or one with commas"
    if name not in provider.choices and not all(_TOPIC.fullmatch(text) for text in texts):
        return value, "a topic is arn:aws:sns:REGION:ACCOUNT:NAME"
    return texts, ""


def _texts(value: Any) -> list[str]:
    """The texts of a list, or between commas; a number is one too. Empty when it is something else."""
    said = value if isinstance(value, list) else value.split(",") if isinstance(value, str) else [value]
    if not all(isinstance(one, str | int) and not isinstance(one, bool) for one in said):
        return []
    return [text for text in (str(one).strip() for one in said) if text]


def _address(value: Any) -> str:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        good = parts is not None and parts.scheme in {"http", "https"} and parts.hostname and (parts.port or True)
    except ValueError:
        good, parts = False, None
    if not good or parts is None or parts.path.strip("/") or parts.query or parts.fragment:
        return "it is https://ingest.example.com, without the path"
    return ""
