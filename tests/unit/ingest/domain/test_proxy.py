"""Whose address a request comes from, whatever its headers claim."""

import pytest

from services.ingest.domain.proxy import Proxies, hops_of, network

_LOAD_BALANCER, _CDN, _VISITOR, _STRANGER = "10.0.0.5", "192.0.2.7", "203.0.113.9", "198.51.100.66"
_TRUSTED = Proxies([network("10.0.0.0/8"), network("192.0.2.0/24"), network("2001:db8::/32")])


@pytest.mark.parametrize(
    ("peer", "hops", "sender"),
    [
        (_VISITOR, "", _VISITOR),
        (_VISITOR, _STRANGER, _VISITOR),
        (_LOAD_BALANCER, "", _LOAD_BALANCER),
        (_LOAD_BALANCER, _VISITOR, _VISITOR),
        (_LOAD_BALANCER, f"{_STRANGER}, {_VISITOR}", _VISITOR),
        (_LOAD_BALANCER, f"{_STRANGER}, {_VISITOR}, {_CDN}", _VISITOR),
        (_LOAD_BALANCER, f"{_CDN}, 10.1.1.1", _CDN),
        (_LOAD_BALANCER, f"{_VISITOR}:4711", _VISITOR),
        (_LOAD_BALANCER, "2a02:aa::1", "2a02:aa::1"),
        (_LOAD_BALANCER, "[2a02:aa::1]:4711, 2001:db8::1", "2a02:aa::1"),
        (f"::ffff:{_LOAD_BALANCER}", f"::ffff:{_VISITOR}", _VISITOR),
        (_LOAD_BALANCER, f"{_STRANGER}, unknown", ""),
        (_LOAD_BALANCER, f"{_STRANGER},", ""),
        (_LOAD_BALANCER, "9" * 50_000, ""),
        ("", _STRANGER, ""),
    ],
)
def test_of_the_hops_the_last_that_is_not_trusted_is_the_sender(peer: str, hops: str, sender: str) -> None:
    assert _TRUSTED.sender(peer, hops) == sender


def test_without_a_trusted_proxy_no_header_is_believed() -> None:
    assert Proxies().sender(_VISITOR, f"{_STRANGER}, {_CDN}") == _VISITOR


@pytest.mark.parametrize(
    ("forwarded", "hops"),
    [
        (f"for={_VISITOR}", _VISITOR),
        (f"For={_VISITOR};proto=https;by={_CDN}", _VISITOR),
        (f'proto=http; for="[2a02:aa::1]:4711", for={_CDN}', f"[2a02:aa::1]:4711,{_CDN}"),
        (f"for={_STRANGER}, by={_CDN}", f"{_STRANGER},"),
        ("nonsense", ""),
    ],
)
def test_the_standard_header_says_the_same_in_its_own_words(forwarded: str, hops: str) -> None:
    assert hops_of(forwarded) == hops
