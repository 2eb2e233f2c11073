"""What a workspace has decided for its door: own channel rules, own sites and traffic, consent, time, addresses.

``Policy`` is as people write it, every part with a default, so an empty one is what a new workspace has. ``Terms`` are
the same made ready: patterns compiled, networks parsed. ``docs/channels.md`` and ``docs/consent.md`` explain them.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from services.ingest.domain.bots import BOT
from services.ingest.domain.channel import Decision, Signs
from services.ingest.domain.nearest import one_of
from services.ingest.domain.refusal import Refused
from shared.phone import COUNTRIES
from shared.vocabulary import Channel, Code

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Doing = Literal["mark", "drop"]

OVERRIDE: Final = "workspace:"
"""How the names of a workspace's own rules begin."""

EEA: Final = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE"}
    | {"IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"}
)
_ANYWHERE: Final = "*"
_MICROSECONDS_A_DAY: Final = 86_400_000_000
_MICROSECONDS_AN_HOUR: Final = 3_600_000_000

_Text = Annotated[str, Meta(min_length=1, max_length=200)]
_Host = Annotated[str, Meta(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*$", max_length=253)]
_Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
_Region = Annotated[str, Meta(min_length=1, max_length=20)]
_REGIONS: Final = COUNTRIES | {"EEA", "AQ", "BV", "GS", "HM", "PN", "TF", "UM"}  # the last have no telephones
_MEANT: Final = {"UK": "GB", "EU": "EEA", "EL": "GR"}


class When(msgspec.Struct, frozen=True):
    """Patterns in which ``*`` is any text, compared without case; all that are given must hold. At least one is."""

    source: _Text | None = None
    medium: _Text | None = None
    campaign: _Text | None = None
    click_id: _Text | None = None
    referrer: _Text | None = None
    kind: _Text | None = None


class ChannelRule(msgspec.Struct, frozen=True):
    """A rule of the workspace's own, asked before those of everybody."""

    name: _Name
    channel: Channel
    when: When


class OwnTraffic(msgspec.Struct, frozen=True):
    """Whom the workspace counts as itself, and what becomes of them."""

    addresses: Annotated[tuple[_Text, ...], Meta(max_length=100)] = ()
    email_domains: Annotated[tuple[_Host, ...], Meta(max_length=100)] = ()
    action: Doing = "mark"


class ConsentPolicy(msgspec.Struct, frozen=True):
    """Whether consent to analytics must be told, or is assumed until it is denied; by country, or ``EEA``.

    It is asked of what comes with a write key. ``gpc``: whether Global Privacy Control denies marketing.
    """

    default: Literal["assumed", "required"] = "assumed"
    regions: Annotated[dict[_Region, Literal["assumed", "required"]], Meta(max_length=250)] = {}
    gpc: Literal["honoured", "ignored"] = "honoured"


class TimePolicy(msgspec.Struct, frozen=True):
    """How far from its arrival a touchpoint may lie; beyond it is refused with ``out_of_range``.

    ``past_days`` holds for write keys only: who has a secret key may bring history. What lies ahead by less than
    ``ahead_hours`` (by any time, where there is no such bound) is moved to its arrival.
    """

    past_days: Annotated[int, Meta(ge=1, le=36_500)] = 1_096
    ahead_hours: Annotated[int, Meta(ge=1, le=8_760)] | None = None


class Policy(msgspec.Struct, frozen=True):
    """All of it. ``address``: how much of an IP address is kept in the context."""

    channels: Annotated[tuple[ChannelRule, ...], Meta(max_length=100)] = ()
    own_hosts: Annotated[tuple[_Host, ...], Meta(max_length=100)] = ()
    bots: Doing = "mark"
    own_traffic: OwnTraffic = OwnTraffic()
    consent: ConsentPolicy = ConsentPolicy()
    time: TimePolicy = TimePolicy()
    address: Literal["truncated", "dropped", "whole"] = "truncated"


class InvalidPolicy(ValueError):
    """This is no policy; the message says where and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """A policy made ready. Times are microseconds. Equal only to itself, so that it is cheap to remember things by."""

    policy: Policy
    overrides: tuple["Override", ...]
    own_hosts: frozenset[str]
    networks: tuple[Network, ...]
    domains: frozenset[str]
    required: Mapping[str, bool]
    asks_consent: bool
    honours_gpc: bool
    past: int
    ahead: int | None

    def decide(self, signs: Signs) -> Decision | None:
        """What the workspace's own rules say, if any of them holds."""
        return next((one.decision for one in self.overrides if one.holds(signs)), None)

    def check_marks(self, marks: Sequence[str]) -> None:
        """Raise Refused when what is marked so is to be left out."""
        for mark in marks:
            is_bot = mark.startswith(BOT)
            if (self.policy.bots if is_bot else self.policy.own_traffic.action) == "drop":
                raise Refused(Code.FILTERED, "", f"this workspace leaves out what is marked {mark}")

    def needs_consent(self, country: str | None) -> bool:
        """Whether consent must have been told where somebody is."""
        required = self.required
        return required.get(country or "", required[_ANYWHERE])

    def is_own_address(self, text: str) -> bool:
        """Whether it lies in one of the workspace's own networks."""
        if not self.networks:
            return False
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self.networks)

    def is_own_email(self, address: str) -> bool:
        """Whether its domain, or one above it, is the workspace's own."""
        labels = address.rpartition("@")[2].lower().split(".")
        return any(".".join(labels[start:]) in self.domains for start in range(len(labels)))


@dataclass(frozen=True, slots=True)
class Override:
    """One of the workspace's own channel rules."""

    decision: Decision
    patterns: tuple[tuple[int, re.Pattern[str]], ...]

    def holds(self, signs: Signs) -> bool:
        """Whether all its patterns match."""
        return all(pattern.match(signs[place]) for place, pattern in self.patterns)


_POLICY: Final = msgspec.json.Decoder(Policy)
_PLACES: Final = {"source": 1, "medium": 0, "campaign": 2, "click_id": 3, "referrer": 4, "kind": 5}
"""Where in ``Signs`` each stands."""


def read_policy(data: bytes) -> Policy:
    """The policy that a JSON document is. Raises InvalidPolicy, for a name that no policy has too."""
    try:
        policy = _POLICY.decode(data)
        _check_known(msgspec.json.decode(data), msgspec.to_builtins(policy), "")
        _check_regions(policy.consent.regions)
        terms_of(policy)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidPolicy(str(error)) from None
    return policy


def _check_regions(said: Mapping[str, str]) -> None:
    """Raise InvalidPolicy for one that no country is: it would never match, and nobody be asked for consent there."""
    for region in said:
        if region not in _REGIONS:
            better = _MEANT.get(region.upper(), region.upper() if region.upper() in _REGIONS else "DK, GB or EEA")
            raise InvalidPolicy(f"`{region}` in `consent.regions` is no country's code; write {better}")


def written(policy: Policy) -> bytes:
    """The policy as JSON."""
    return msgspec.json.encode(policy)


@lru_cache(maxsize=1024)
def terms_by(text: str) -> Terms:
    """The terms of a policy as it is kept. What a later version of ours wrote is read as far as it is known here."""
    return terms_of(_POLICY.decode(text))


def terms_of(policy: Policy) -> Terms:
    """The policy made ready. Raises InvalidPolicy for a rule without a condition, a name given twice, no network."""
    names = [rule.name for rule in policy.channels]
    if len(set(names)) < len(names):
        raise InvalidPolicy("two rules of `channels` have the same name")
    required = _required(policy.consent)
    return Terms(
        policy=policy,
        overrides=tuple(map(_override, policy.channels)),
        own_hosts=frozenset(host.removeprefix("www.") for host in policy.own_hosts),
        networks=tuple(map(_network, policy.own_traffic.addresses)),
        domains=frozenset(policy.own_traffic.email_domains),
        required=required,
        asks_consent=any(required.values()),
        honours_gpc=policy.consent.gpc == "honoured",
        past=policy.time.past_days * _MICROSECONDS_A_DAY,
        ahead=None if policy.time.ahead_hours is None else policy.time.ahead_hours * _MICROSECONDS_AN_HOUR,
    )


def _check_known(given: object, understood: object, place: str) -> None:
    """Raise InvalidPolicy where something is named that was passed over."""
    if isinstance(given, dict) and isinstance(understood, dict):
        for name, value in given.items():
            if name not in understood:
                message = f"a policy has no `{place}{name}`: {one_of(name, understood)}"
                raise InvalidPolicy(message)
            _check_known(value, understood[name], f"{place}{name}.")
    elif isinstance(given, list) and isinstance(understood, list | tuple):
        for index, (one, other) in enumerate(zip(given, understood, strict=True)):
            _check_known(one, other, f"{place}{index}.")


def _override(rule: ChannelRule) -> Override:
    said = [(place, getattr(rule.when, name)) for name, place in _PLACES.items()]
    patterns = tuple((place, re.compile(translate(_escaped(text.lower())))) for place, text in said if text is not None)
    if not patterns:
        message = f"the rule {rule.name!r} of `channels` has no condition"
        raise InvalidPolicy(message)
    return Override(Decision(rule.channel.value, OVERRIDE + rule.name), patterns)


def _escaped(text: str) -> str:
    """So that ``*`` alone stands for anything."""
    return text.replace("[", "[[]").replace("?", "[?]")


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        message = f"{text!r} of `own_traffic.addresses` is neither an address nor a network"
        raise InvalidPolicy(message) from None


def _required(said: ConsentPolicy) -> Mapping[str, bool]:
    """By country; a country's own word before that of the EEA."""
    regions = {region: word == "required" for region, word in said.regions.items()}
    whole = dict.fromkeys(EEA, regions["EEA"]) if "EEA" in regions else {}
    return {_ANYWHERE: said.default == "required"} | whole | regions


DEFAULT: Final = terms_of(Policy())
"""The terms of a workspace that has decided nothing."""
