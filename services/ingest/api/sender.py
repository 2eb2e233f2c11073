"""Who sent a call, as its headers say it."""

from services.ingest.api.exchange import Call
from services.ingest.protocols.outcome import NOBODY, Sender


def sender_of(call: Call) -> Sender:
    """The browser behind a call. Of a server that sends for others (no ``Origin``, no ``Referer``) nothing is told.

    Its address is the one that the last proxy saw: anybody can write those before it.
    """
    header = call.header
    origin, referrer = header(b"origin"), header(b"referer")
    if origin is None and referrer is None:
        return NOBODY
    return Sender(
        user_agent=_text(header(b"user-agent")),
        address=_text(header(b"x-forwarded-for")).rpartition(",")[2].strip(),
        languages=_text(header(b"accept-language")),
        referrer=_text(referrer),
        gpc=header(b"sec-gpc") == b"1",
    )


def _text(value: bytes | None) -> str:
    return value.decode("latin-1") if value else ""
