"""What providers ask before they send anything: is somebody there, and does he know our secret?

Every hook answers an empty 200 to GET and HEAD, before it has a secret too; those here want more.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from services.ingest.protocols.webhook import Doubted, Knock, Known, Reply, Verified
from services.ingest.protocols.webhook_signatures import is_any, wechat

_CHALLENGE: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""A UUID, as LinkedIn makes them. Anything else might be a delivery that somebody wants to have signed by us."""

FORBIDDEN: Final = Reply(403, "that is not what this hook was made with")


def meta(knock: Knock, known: Known) -> Reply:
    """Meta's ``hub.challenge`` back, as plain text, when its token is ours."""
    query = knock.query
    if query.get("hub.mode") != "subscribe":
        return Reply()
    good = is_any(known.all("verify_token"), query.get("hub.verify_token", ""))
    return Reply(body=query.get("hub.challenge", "")) if good else FORBIDDEN


def linkedin(knock: Knock, known: Known) -> Reply:
    """LinkedIn's challenge, and its HMAC under the client secret."""
    code = knock.query.get("challengeCode", "")
    secrets = known.all("client_secret")
    if not code:
        return Reply()
    if not secrets or not _CHALLENGE.fullmatch(code):
        return FORBIDDEN
    proof = hmac.new(secrets[0].encode(), code.encode(), hashlib.sha256).hexdigest()
    body = msgspec.json.encode({"challengeCode": code, "challengeResponse": proof}).decode()
    return Reply(body=body, content_type="application/json")


def wechat_echo(knock: Knock, known: Known) -> Reply:
    """WeChat's ``echostr`` back, when the request is signed."""
    if "echostr" not in knock.query:
        return Reply()
    verdict = wechat(knock, known)
    if isinstance(verdict, Doubted):
        return FORBIDDEN
    return Reply(body=knock.query["echostr"]) if isinstance(verdict, Verified) else FORBIDDEN


HANDSHAKES: Final[Mapping[str, Callable[[Knock, Known], Reply]]] = {
    "meta": meta,
    "linkedin": linkedin,
    "wechat": wechat_echo,
}
"""By the name that a provider's file gives as its ``handshake``."""
