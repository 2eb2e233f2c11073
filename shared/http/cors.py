"""Answers to browsers of other sites, for routes that take touchpoints from any page. Reading routes have none of it.

The origin is reflected, never ``*``, and credentials are allowed, because SDKs send them; the key decides who may post.
"""

from typing import Final

_MAX_AGE: Final = b"3600"
Headers = list[tuple[bytes, bytes]]


def headers_for(origin: bytes | None) -> Headers:
    """Headers of an answer, errors included; none for callers that are no browser."""
    if origin is None:
        return []
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"Retry-After, RateLimit, RateLimit-Policy"),
        (b"vary", b"Origin"),
    ]


def preflight_headers(requested: bytes | None, methods: bytes) -> Headers:
    """What the answer to a preflight has beside those: whatever headers are asked for are allowed."""
    return [
        (b"access-control-allow-methods", methods),
        (b"access-control-allow-headers", requested or b"Authorization, Content-Type"),
        (b"access-control-max-age", _MAX_AGE),
    ]
