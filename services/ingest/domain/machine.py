"""Whether a program, and which sort of one, fetched a picture or followed a link in a person's place."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from services.ingest.domain.device import device_of

_MAX_LENGTH: Final = 512
_APPLE: Final = "Mozilla/5.0"
"""All that Apple's Mail Privacy Protection says when it fetches every picture of every mail, read or not."""

MACHINE: Final = "machine:"
_NAME: Final = re.compile(r"[a-z_]{1,32}")
_AGENTS: Final = (
    ("gmail_proxy", re.compile(r"googleimageproxy|ggpht\.com", re.IGNORECASE)),
    ("yahoo_proxy", re.compile(r"yahoomailproxy|yahoocachesystem", re.IGNORECASE)),
    (
        "scanner",
        re.compile(
            r"barracuda|proofpoint|mimecast|safelinks|symantec|messagelabs|trendmicro|trend micro|fireeye|trellix"
            r"|sophos|forcepoint|zscaler|cloudmark|ironport|checkpoint|fortiguard|urlscan|virustotal|phish|google-safety"
            r"|\bscan",
            re.IGNORECASE,
        ),
    ),
    (
        "program",
        re.compile(
            r"^(?:curl|wget|python|go-http|java/|okhttp|axios|node|ruby|php|libwww|apache-httpclient|postman)"
            r"|facebookexternalhit|whatsapp/|skypeuri|embedly|unfurl",
            re.IGNORECASE,
        ),
    ),
)


_FOR_PEOPLE: Final = frozenset({"gmail_proxy", "yahoo_proxy"})
"""They fetch when the person opens the mail."""

FETCHED: Final = frozenset({"email_opened", "email_link_clicked", "link_clicked", "ad_viewed", "ad_clicked"})
"""Kinds of touchpoints that a machine's fetch may have made; their properties tell (``machine``, ``agent``)."""


def mark_of(properties: Mapping[str, Any]) -> str | None:
    """The mark of what no person did, which counts for nothing: ``machine:scanner``; None when somebody may have."""
    said = properties.get("machine")
    if not said:
        return None
    name = said if isinstance(said, str) else properties.get("agent")
    name = name if isinstance(name, str) and _NAME.fullmatch(name) else "program"
    return None if name in _FOR_PEOPLE else MACHINE + name


def machine_of(user_agent: str, purpose: str, method: str) -> str | None:
    """What sort of machine asked; None when it looks like a person.

    ``purpose`` is what ``Purpose``, ``Sec-Purpose``, ``X-Purpose`` and ``X-Moz`` say: a browser may fetch what nobody
    has clicked yet.
    """
    if "prefetch" in purpose or "prerender" in purpose or "preview" in purpose:
        return "prefetch"
    return "head" if method == "HEAD" else _by_agent(user_agent[:_MAX_LENGTH].strip())


@lru_cache(maxsize=4096)
def _by_agent(agent: str) -> str | None:
    if agent == _APPLE:
        return "apple_mail_privacy"
    for name, pattern in _AGENTS:
        if pattern.search(agent):
            return name
    return "program" if not agent or device_of(agent) == "bot" else None
