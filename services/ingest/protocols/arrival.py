"""How someone came and where from, out of what any protocol says about it, and what the workspace makes of that."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from services.ingest.domain import consent
from services.ingest.domain.bots import BOT, OWN_ADDRESS, OWN_EMAIL, UNNAMED, bot_of
from services.ingest.domain.channel import Decision, Signs, decide
from services.ingest.domain.consent import NOTHING_TOLD, Saying
from services.ingest.domain.device import device_of, device_of_type, software_of
from services.ingest.domain.instant import check_span
from services.ingest.domain.landing import NOTHING, Landing, read_address
from services.ingest.domain.machine import FETCHED, mark_of
from services.ingest.domain.place import (
    country_code,
    country_of_languages,
    country_of_locale,
    language_of,
    truncated_address,
)
from services.ingest.domain.policy import DEFAULT, Terms
from services.ingest.domain.refusal import Refused
from services.ingest.domain.schema import InForce, Mode, Violation
from services.ingest.domain.site import foreign_site
from services.ingest.protocols.outcome import About, Arrival, about
from services.ingest.protocols.reading import EMPTY, read_object
from shared.contracts.touchpoint import Campaign, Page
from shared.vocabulary import Code

_MAX_FIELD: Final = 512
_MAX_REMEMBERED: Final = 2_048
"""Of an address whose campaign is remembered: many strangers' longest ones would be hundreds of megabytes."""
_MAX_REMEMBERED_ITEM: Final = 4_096
_MAX_REMEMBERED_CONTEXT: Final = 1_024
_NOT_REMEMBERED: Final = (b'"ip"', b'"cloudevent"', b'"entities"')
"""An address is not to be remembered; the others make a context that of one event."""
_MAX_AGENT: Final = 512
_MAX_WORD: Final = 64
_MAX_NAMED: Final = 20
TRAITS: Final = "/traits"
_DECISION: Final = "consent_"
"""How the kinds begin that tell what a person decided: whoever may not be heard otherwise can still withdraw."""

_NO_CAMPAIGN: Final = Campaign()


def way_in(
    said: Campaign | None, page: Page | None, kind: str, size: int, terms: Terms = DEFAULT, query: str = ""
) -> tuple[Campaign | None, str, str]:
    """Campaign, channel and the rule that found it, of an item of so many bytes; ``query`` is that of the page's
    address where a client sends it apart."""
    if size > _MAX_REMEMBERED_ITEM:
        campaign = campaign_of(said, page, query)
        return campaign, *decision_of(campaign, page, kind, terms)
    if page is None:
        return _remembered_way(said or _NO_CAMPAIGN, None, None, kind, terms, query)
    return _remembered_way(said or _NO_CAMPAIGN, page.url, page.referrer, kind, terms, query)


def _way_in(
    said: Campaign, address: str | None, referrer: str | None, kind: str, terms: Terms, query: str
) -> tuple[Campaign | None, str, str]:
    campaign = _campaign(said, address or "", query)
    return campaign, *decision_of(campaign, Page(url=address, referrer=referrer), kind, terms)


_remembered_way = lru_cache(maxsize=8192)(_way_in)


class Told(msgspec.Struct, frozen=True, gc=False):
    """What a protocol's context says of where somebody was: texts, or whatever a client sent in their place."""

    agent: Any = None
    device_type: Any = None
    country: Any = None
    locale: Any = None
    address: Any = None
    consent: Saying = NOTHING_TOLD
    is_bot: bool = False


class Surroundings(msgspec.Struct, frozen=True, gc=False):
    """Where somebody was and with what, which marks that earns, and what the context says of consent."""

    country: str | None
    device: str | None
    browser: str | None
    os: str | None
    language: str | None
    marks: tuple[str, ...]
    consent: Saying = NOTHING_TOLD


def native_surroundings(raw: msgspec.Raw, pointer: str, arrival: Arrival) -> tuple[Surroundings, msgspec.Raw]:
    """Those of a native context, and as much of it as may be kept. Most visitors send the same one again and again.

    Raises Refused.
    """
    data = bytes(raw)
    if len(data) > _MAX_REMEMBERED_CONTEXT or any(map(data.count, _NOT_REMEMBERED)):
        return _native_surroundings(data, pointer, arrival)
    return _remembered_surroundings(data, pointer, arrival.about)


def surroundings(told: Told, arrival: Arrival) -> Surroundings:
    """Those that a context tells, with what the request's head says where it is silent."""
    given, address = arrival.about, told.address
    if isinstance(address, str):
        country = arrival.country_at(address) if arrival.country_at is not None else None
        is_own = given.terms.is_own_address(address)
        if country or is_own:
            given = about(given.agent, given.languages, country or given.country, is_own or given.is_own, given.terms)
    return surroundings_by(told, given)


def native_told(context: Mapping[str, Any]) -> Told:
    """What a context in our words tells."""
    return Told(
        context.get("user_agent"),
        None,
        context.get("country"),
        context.get("locale"),
        context.get("ip"),
        consent.from_context(context),
    )


def _native_surroundings(data: bytes, pointer: str, arrival: Arrival) -> tuple[Surroundings, msgspec.Raw]:
    raw = msgspec.Raw(data)
    context = read_object(raw, pointer)
    return surroundings(native_told(context), arrival), truncated(raw, context, arrival.about.terms)


@lru_cache(maxsize=4096)
def _remembered_surroundings(data: bytes, pointer: str, given: About) -> tuple[Surroundings, msgspec.Raw]:
    raw = msgspec.Raw(data)
    context = read_object(raw, pointer)
    return surroundings_by(native_told(context), given), raw if context else EMPTY


def surroundings_by(told: Told, given: About) -> Surroundings:
    """Those that a context without an address tells."""
    agent, device_type, country, locale = told.agent, told.device_type, told.country, told.locale
    seen = _seen(
        agent[:_MAX_AGENT] if type(agent) is str else given.agent[:_MAX_AGENT],
        device_type[:_MAX_WORD] if type(device_type) is str else "",
        country[:_MAX_WORD] if type(country) is str else "",
        locale[:_MAX_WORD] if type(locale) is str else "",
        told.is_bot,
        given,
    )
    return seen if told.consent is NOTHING_TOLD else msgspec.structs.replace(seen, consent=told.consent)


@lru_cache(maxsize=4096)
def _seen(agent: str, device_type: str, country: str, locale: str, is_bot: bool, given: About) -> Surroundings:
    """All of the surroundings but consent; the same from one visitor again and again."""
    by_locale = country_of_locale(locale) if locale else country_of_languages(given.languages)
    software = software_of(agent)
    return Surroundings(
        country_code(country) or given.country or by_locale,
        device_by(agent, device_type),
        software.browser,
        software.os,
        language_of(locale or given.languages),
        _marks(agent, is_bot=is_bot, is_own=given.is_own),
    )


def _marks(agent: str, *, is_bot: bool, is_own: bool) -> tuple[str, ...]:
    name = bot_of(agent) or (UNNAMED if is_bot else None)
    marks = [BOT + name] if name else []
    return tuple([*marks, OWN_ADDRESS] if is_own else marks)


def admitted(  # noqa: PLR0917 -- by name costs, and this is done for every touchpoint
    arrival: Arrival,
    where: Surroundings,
    kind: str,
    said: dict[str, str] | None,
    traits: Mapping[str, Any],
    properties: Mapping[str, Any] | msgspec.Raw,
    traits_at: str = TRAITS,
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Consent and marks of a touchpoint that may come in. Raises Refused for one that is withheld or not allowed.

    This is the one place where what a touchpoint says of consent, the workspace's policy, the kinds of the key and the
    schema of the kind are obeyed. A person's decision about consent is marked, but neither left out for that nor
    refused for its kind. ``traits_at`` is where traits stand in an item.
    """
    terms = arrival.about.terms
    agreed = said or {}
    if where.consent.said:
        agreed = consent.merged(agreed, where.consent.said)
    if (arrival.sender.gpc or where.consent.is_opted_out) and terms.honours_gpc:
        agreed = consent.opted_out(agreed)
    is_required = terms.asks_consent and arrival.is_public and terms.needs_consent(where.country)
    if agreed or is_required:
        consent.enforce(agreed, kind, is_required=is_required)
    marks = where.marks
    if terms.domains and isinstance(email := traits.get("email"), str) and terms.is_own_email(email):
        marks = (*marks, OWN_EMAIL)
    if marks and not kind.startswith(_DECISION):
        terms.check_marks(marks)
    if kind in FETCHED and (mark := mark_of(_decoded(properties))) is not None:
        marks = (*marks, mark)
    if arrival.kinds and kind not in arrival.kinds and not kind.startswith(_DECISION):
        named = ", ".join(sorted(arrival.kinds)[:_MAX_NAMED])
        raise Refused(Code.KIND_NOT_ALLOWED, "", f"this key may not send that kind, but {named}")
    if arrival.schemas is not None and kind in arrival.schemas:
        _check_schema(arrival.schemas[kind], properties, traits, traits_at)
    return agreed, marks


def violations(in_force: InForce, properties: Mapping[str, Any] | msgspec.Raw, traits: Any) -> list[Violation]:
    """Where they are not as the schema in force says."""
    return in_force.schema.violations(_decoded(properties), traits)


def _decoded(properties: Mapping[str, Any] | msgspec.Raw) -> Mapping[str, Any]:
    return msgspec.json.decode(properties) if isinstance(properties, msgspec.Raw) else properties


def _check_schema(in_force: InForce, properties: Any, traits: Any, traits_at: str) -> None:
    if in_force.mode is not Mode.REJECT:
        return
    found = violations(in_force, properties, traits)
    if found:
        first, more = found[0], f", and {len(found) - 1} more" if len(found) > 1 else ""
        pointer = traits_at + first.pointer.removeprefix(TRAITS) if first.pointer.startswith(TRAITS) else first.pointer
        raise Refused(Code.SCHEMA_VIOLATION, pointer, f"{first.detail} (schema version {in_force.version}{more})")


def check_time(arrival: Arrival, original: int | None, sent_at: int | None) -> None:
    """Raise Refused when it happened too long ago for its key, or too far ahead for the workspace."""
    terms = arrival.about.terms
    past = terms.past if arrival.is_public else None
    if original is not None and (past is not None or terms.ahead is not None):
        check_span(arrival.received_at, original, sent_at, past, terms.ahead)


def campaign_of(said: Campaign | None, page: Page | None, query: str = "") -> Campaign | None:
    """What was said about the campaign, completed by what the page's address (or its query) says."""
    address = page.url or "" if page is not None else ""
    if said is None and not address and not query:
        return None
    if len(address) + len(query) > _MAX_REMEMBERED or (said is not None and _is_long(said)):
        return _campaign(said or _NO_CAMPAIGN, address, query)
    return _remembered_campaign(said or _NO_CAMPAIGN, address, query)


def decision_of(campaign: Campaign | None, page: Page | None, kind: str, terms: Terms = DEFAULT) -> Decision:
    """The channel and the rule that decided: one of the workspace's own, else one of everybody's."""
    referrer = foreign_site(page.referrer, page.url or "", terms.own_hosts) if page and page.referrer else ""
    signs = _signs(campaign or _NO_CAMPAIGN, referrer, kind)
    return (terms.decide(signs) if terms.overrides else None) or decide(signs)


def _signs(campaign: Campaign, referrer: str, kind: str) -> Signs:
    click = (campaign.click_id or "").partition(":")[0]
    return Signs(_plain(campaign.medium), _plain(campaign.source), _plain(campaign.name), click, referrer, kind)


def _plain(text: str | None) -> str:
    return text.strip().lower() if text else ""


def device_by(agent: str, device_type: str) -> str | None:
    """The class of device by its type, else by the browser's user agent."""
    return device_of_type(device_type) or device_of(agent)


def truncated(raw: msgspec.Raw, context: Mapping[str, Any], terms: Terms = DEFAULT) -> msgspec.Raw:
    """The context as sent, but with as much of the IP address as may be kept."""
    if not context:
        return EMPTY
    address = context.get("ip")
    if address is None:
        return raw
    return msgspec.Raw(msgspec.json.encode({**context, "ip": kept_address(address, terms)}))


def kept_address(address: Any, terms: Terms = DEFAULT) -> str | None:
    """As much of an IP address as the workspace keeps."""
    if not isinstance(address, str) or terms.policy.address == "dropped":
        return None
    network = truncated_address(address)
    return address if network is not None and terms.policy.address == "whole" else network


def _is_long(said: Campaign) -> bool:
    return any(value is not None and len(value) > _MAX_FIELD for value in msgspec.structs.astuple(said))


def _campaign(said: Campaign, address: str, query: str) -> Campaign | None:
    landing = read_address(address)
    if query and landing is NOTHING:
        landing = read_address(query)
    campaign = _merged(said, landing)
    return None if campaign == _NO_CAMPAIGN else campaign


_remembered_campaign = lru_cache(maxsize=8192)(_campaign)


def _merged(said: Campaign, landing: Landing) -> Campaign:
    utm = landing.utm
    return Campaign(
        source=_field(said.source or utm.get("source")),
        medium=_field(said.medium or utm.get("medium")),
        name=_field(said.name or utm.get("campaign")),
        term=_field(said.term or utm.get("term")),
        content=_field(said.content or utm.get("content")),
        id=_field(said.id or utm.get("id")),
        click_id=_field(said.click_id or landing.click),
    )


def _field(value: str | None) -> str | None:
    return value[:_MAX_FIELD] if value else None
