"""Who sent a call, as its headers say it."""

from services.ingest.api.exchange import Call
from services.ingest.domain.proxy import Proxies, hops_of, network
from services.ingest.protocols.outcome import NOBODY, AddressOf, Sender
from services.ingest.settings import TrustedSettings


def sender_of(call: Call) -> Sender:
    """The browser behind a call. Of a server that sends for others (no ``Origin``, no ``Referer``) nothing is told.

    Its address is that of the connection; what proxies in front may have seen is told beside it, to be believed or not.
    """
    header = call.header
    origin, referrer = header(b"origin"), header(b"referer")
    if origin is None and referrer is None:
        return NOBODY
    return Sender(
        user_agent=_text(header(b"user-agent")),
        address=call.peer,
        forwarded_for=_text(header(b"x-forwarded-for")),
        forwarded=_text(header(b"forwarded")),
        languages=_text(header(b"accept-language")),
        referrer=_text(referrer),
        gpc=header(b"sec-gpc") == b"1",
    )


def address_by(trusted: TrustedSettings) -> AddressOf:
    """How a sender's address is told: as far as proxies are trusted."""
    proxies = Proxies([network(text) for text in trusted.proxies])
    if trusted.header == "forwarded":
        return lambda sender: proxies.sender(sender.address, hops_of(sender.forwarded))
    return lambda sender: proxies.sender(sender.address, sender.forwarded_for)


def _text(value: bytes | None) -> str:
    return value.decode("latin-1") if value else ""
