"""What the workspace's policy makes of a touchpoint, the same in every protocol."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from services.ingest.domain.policy import DEFAULT, Terms, read_policy, terms_of
from services.ingest.domain.schema import InForce, Mode, read_schema
from services.ingest.protocols import native, posthog, segment
from services.ingest.protocols.outcome import NOBODY, About, Arrival, Outcome, Rejected, Schemas, Sender
from shared.clock import HOUR, SECOND
from shared.contracts.touchpoint import Touchpoint
from shared.vocabulary import Code
from tests.unit.ingest.protocols.arrivals import ARRIVAL, NOW, taken, turned_down

_DAY = 24 * HOUR
_CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
)
_GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def _native(**said: Any) -> Callable[[Arrival], Outcome]:
    context = {"user_agent": said.get("agent"), "locale": said.get("locale"), "ip": said.get("ip")}
    item = {
        "kind": "page_viewed",
        "identity": {"anonymous_id": "a-1", "email": said.get("email")},
        "occurred_at": said.get("at"),
        "page": {"url": "https://site.example/" + said.get("query", ""), "referrer": said.get("referrer")},
        "context": {**{name: text for name, text in context.items() if text}, **said.get("more", {})},
    }
    return lambda arrival: native.parse(msgspec.json.encode(item), arrival)


def _segment(**said: Any) -> Callable[[Arrival], Outcome]:
    page = {"url": "https://site.example/" + said.get("query", ""), "referrer": said.get("referrer")}
    context = {"userAgent": said.get("agent"), "locale": said.get("locale"), "ip": said.get("ip"), "page": page}
    item = {
        "type": "page",
        "anonymousId": "a-1",
        "timestamp": said.get("at"),
        "traits": {"email": said.get("email")},
        "context": {**{name: text for name, text in context.items() if text}, **said.get("more", {})},
    }
    return lambda arrival: segment.parse(msgspec.json.encode(item), arrival, segment.Envelope())


def _posthog(**said: Any) -> Callable[[Arrival], Outcome]:
    properties = {
        "$raw_user_agent": said.get("agent"),
        "$locale": said.get("locale"),
        "$ip": said.get("ip"),
        "$current_url": "https://site.example/" + said.get("query", ""),
        "$referrer": said.get("referrer"),
        "$set": {"email": said["email"]} if "email" in said else None,
        **said.get("more", {}),
    }
    item = {"event": "$pageview", "distinct_id": "u-1", "timestamp": said.get("at"), "properties": properties}
    return lambda arrival: posthog.Events().read(msgspec.json.encode(item), arrival, may_hold_nul=False)


_EVERY = pytest.mark.parametrize("of", [_native, _segment, _posthog])
_Of = Callable[..., Callable[[Arrival], Outcome]]


def _terms(policy: str) -> Terms:
    return terms_of(read_policy(policy.encode()))


def _arrival(policy: str = "{}", sender: Sender = NOBODY, country: str | None = None, **more: Any) -> Arrival:
    about = About(sender.user_agent, sender.languages, country, False, _terms(policy))
    return msgspec.structs.replace(ARRIVAL, sender=sender, about=about, **more)


def _marks(outcome: Outcome) -> tuple[str, ...]:
    return taken(outcome).marks


@_EVERY
def test_browser_language_and_device_are_told(of: _Of) -> None:
    touchpoint = taken(of(agent=_CHROME, locale="da-DK")(ARRIVAL))

    assert (touchpoint.browser, touchpoint.os, touchpoint.device) == ("Chrome", "Windows", "desktop")
    assert (touchpoint.language, touchpoint.country, touchpoint.marks) == ("da", "DK", ())


@_EVERY
def test_the_head_of_the_request_speaks_where_the_context_is_silent(of: _Of) -> None:
    touchpoint = taken(of()(_arrival(sender=Sender(user_agent=_CHROME, languages="nb-NO,en;q=0.8"))))

    assert (touchpoint.browser, touchpoint.language, touchpoint.country) == ("Chrome", "nb", "NO")


@_EVERY
def test_country_is_that_of_the_address_before_that_of_the_language(of: _Of) -> None:
    by_context = _arrival(country_at=lambda address: "SE" if address == "203.0.113.7" else None)

    assert taken(of(ip="203.0.113.7", locale="da-DK")(by_context)).country == "SE"
    assert taken(of(ip="203.0.113.8", locale="da-DK")(by_context)).country == "DK"
    assert taken(of(locale="da-DK")(_arrival(country="FI"))).country == "FI"


@_EVERY
def test_bots_are_marked_or_left_out(of: _Of) -> None:
    assert _marks(of(agent=_GOOGLEBOT)(ARRIVAL)) == ("bot:googlebot",)
    assert _marks(of()(_arrival(sender=Sender(user_agent=_GOOGLEBOT)))) == ("bot:googlebot",)
    assert turned_down(of(agent=_GOOGLEBOT)(_arrival('{"bots":"drop"}'))).refusal.code is Code.FILTERED
    assert _marks(of(agent=_CHROME)(_arrival('{"bots":"drop"}'))) == ()


def test_posthog_says_itself_what_a_bot_is() -> None:
    assert _marks(_posthog(more={"$browser_type": "bot"})(ARRIVAL)) == ("bot:crawler",)


@_EVERY
def test_own_traffic_is_marked_or_left_out(of: _Of) -> None:
    own = '{"own_traffic":{"addresses":["203.0.113.0/28"],"email_domains":["acme.example"]%s}}'
    marking, leaving_out = _arrival(own % ""), _arrival(own % ',"action":"drop"')

    assert _marks(of(ip="203.0.113.7")(marking)) == ("own:address",)
    assert _marks(of(email="ida@acme.example")(marking)) == ("own:email",)
    assert _marks(of(ip="203.0.113.99", email="ida@dairy.example")(marking)) == ()
    assert turned_down(of(ip="203.0.113.7")(leaving_out)).refusal.code is Code.FILTERED


@_EVERY
@pytest.mark.parametrize(
    ("policy", "kept"),
    [("{}", b"203.0.113.0"), ('{"address":"whole"}', b"203.0.113.7"), ('{"address":"dropped"}', b"")],
)
def test_as_much_of_an_address_is_kept_as_the_workspace_wants(of: _Of, policy: str, kept: bytes) -> None:
    context = bytes(taken(of(ip="203.0.113.7")(_arrival(policy))).context)

    assert (b"203.0.113" in context) is bool(kept)
    assert kept in context


@_EVERY
def test_consent_is_asked_for_where_it_is_required(of: _Of) -> None:
    asking = _arrival('{"consent":{"regions":{"EEA":"required"}}}', is_public=True)
    granted = {"consent": {"analytics_storage": "granted"}}

    assert turned_down(of(locale="da-DK")(asking)).refusal.code is Code.CONSENT_DENIED
    assert taken(of(locale="da-DK", more=granted)(asking)).consent == {"analytics": "granted"}
    assert taken(of(locale="en-US")(asking)).consent == {}
    assert taken(of(locale="da-DK")(msgspec.structs.replace(asking, is_public=False))).consent == {}


@_EVERY
def test_what_the_context_denies_is_not_kept(of: _Of) -> None:
    assert turned_down(of(more={"consent": {"analytics_storage": "denied"}})(ARRIVAL)).payload == b""


@_EVERY
def test_global_privacy_control_denies_marketing(of: _Of) -> None:
    opting_out = Sender(gpc=True)

    assert taken(of()(_arrival(sender=opting_out))).consent == {"marketing": "denied"}
    assert taken(of(more={"gpc": True})(ARRIVAL)).consent == {"marketing": "denied"}
    assert taken(of()(_arrival('{"consent":{"gpc":"ignored"}}', sender=opting_out))).consent == {}


@_EVERY
def test_history_comes_with_a_secret_key_only(of: _Of) -> None:
    old = of(at="2019-01-01T00:00:00Z")

    refused = turned_down(old(_arrival(is_public=True)))
    assert refused.refusal.code is Code.OUT_OF_RANGE
    assert taken(old(ARRIVAL)).occurred_at < NOW - 365 * _DAY
    assert taken(old(_arrival('{"time":{"past_days":36500}}', is_public=True))).occurred_at < NOW - 365 * _DAY


@_EVERY
def test_the_future_is_moved_to_its_arrival_or_refused_beyond_a_bound(of: _Of) -> None:
    ahead = of(at="2099-01-01T00:00:00Z")

    assert taken(ahead(ARRIVAL)).occurred_at == NOW
    assert turned_down(ahead(_arrival('{"time":{"ahead_hours":24}}'))).refusal.code is Code.OUT_OF_RANGE


@_EVERY
def test_own_rules_and_own_sites_come_before_everybody_s(of: _Of) -> None:
    said = (
        '{"own_hosts":["checkout.example"],'
        '"channels":[{"name":"portal","channel":"event","when":{"source":"portal-*"}}]}'
    )

    def found(arrival: Arrival, **how: str) -> tuple[str, str | None]:
        touchpoint: Touchpoint = taken(of(**how)(arrival))
        return touchpoint.channel, touchpoint.channel_rule

    assert found(_arrival(said), query="?utm_source=portal-dk&utm_medium=cpc") == ("event", "workspace:portal")
    assert found(ARRIVAL, query="?utm_source=portal-dk&utm_medium=cpc") == ("ads", "paid_other:medium")
    assert found(_arrival(said), referrer="https://pay.checkout.example/") == ("web", "direct")
    assert found(ARRIVAL, referrer="https://pay.checkout.example/") == ("referral", "referral:referrer")


def test_a_channel_that_is_said_is_no_rule_s() -> None:
    item = {"kind": "x", "channel": "event", "identity": {"user_id": "u"}, "page": {"url": "?gclid=1"}}
    touchpoint = taken(native.parse(msgspec.json.encode(item), ARRIVAL))

    assert (touchpoint.channel, touchpoint.channel_rule) == ("event", "said")


def test_defaults_mark_and_assume() -> None:
    assert (DEFAULT.past, DEFAULT.ahead, DEFAULT.asks_consent) == (1_096 * _DAY, None, False)
    assert _DAY == 86_400 * SECOND
    assert isinstance(_native(agent=_GOOGLEBOT)(ARRIVAL), Touchpoint | Rejected)


@_EVERY
def test_a_key_bound_to_kinds_sends_no_other(of: _Of) -> None:
    rejected = turned_down(of()(_arrival(kinds=frozenset({"form_submitted", "identified"}))))

    assert (rejected.refusal.code, rejected.refusal.pointer) == (Code.KIND_NOT_ALLOWED, "")
    assert rejected.refusal.detail.endswith("but form_submitted, identified")
    assert rejected.payload
    assert taken(of()(_arrival(kinds=frozenset({"page_viewed"})))).kind == "page_viewed"


def _native_decision(**said: Any) -> Callable[[Arrival], Outcome]:
    item = {
        "kind": "consent_changed",
        "identity": {"anonymous_id": "a-1", "email": said.get("email")},
        "consent": {"profiling": "denied"},
        "context": {"user_agent": said.get("agent", _CHROME), "ip": said.get("ip", "198.51.100.9")},
    }
    return lambda arrival: native.parse(msgspec.json.encode(item), arrival)


def _segment_decision(**said: Any) -> Callable[[Arrival], Outcome]:
    item = {
        "type": "track",
        "event": "Segment Consent Preference Updated",
        "anonymousId": "a-1",
        "context": {
            "consent": {"categoryPreferences": {"Functional": False}},
            "userAgent": said.get("agent", _CHROME),
            "ip": said.get("ip", "198.51.100.9"),
            "traits": {"email": said.get("email")},
        },
    }
    return lambda arrival: segment.parse(msgspec.json.encode(item), arrival, segment.Envelope())


@pytest.mark.parametrize("of", [_native_decision, _segment_decision])
def test_a_decision_about_consent_passes_the_kinds_of_a_key_and_every_filter(of: _Of) -> None:
    dropping = (
        '{"bots":"drop","own_traffic":'
        '{"addresses":["203.0.113.0/28"],"email_domains":["acme.example"],"action":"drop"}}'
    )
    arrival = _arrival(dropping, kinds=frozenset({"page_viewed"}), is_public=True)

    told = taken(of()(arrival))
    assert (told.consent, told.marks) == ({"profiling": "denied"}, ())
    assert _marks(of(agent=_GOOGLEBOT)(arrival)) == ("bot:googlebot",)
    assert _marks(of(ip="203.0.113.7")(arrival)) == ("own:address",)
    assert taken(_native_decision(email="ida@acme.example")(_arrival(dropping))).marks == ("own:email",)


def _asking(mode: Mode, **document: Any) -> Schemas:
    return {"page_viewed": InForce(3, mode, read_schema(document))}


_HAS_PLAN = {"required": ["plan"]}


@_EVERY
def test_a_schema_in_force_refuses_what_violates_it(of: _Of) -> None:
    rejected = turned_down(of()(_arrival(schemas=_asking(Mode.REJECT, properties=_HAS_PLAN))))

    assert (rejected.refusal.code, rejected.refusal.pointer) == (Code.SCHEMA_VIOLATION, "/properties")
    assert rejected.refusal.detail == '"plan" is a required property (schema version 3)'
    assert rejected.payload


@_EVERY
def test_one_that_warns_and_one_of_another_kind_refuse_nothing(of: _Of) -> None:
    other = {"order_completed": _asking(Mode.REJECT, properties=_HAS_PLAN)["page_viewed"]}

    assert taken(of()(_arrival(schemas=_asking(Mode.WARN, properties=_HAS_PLAN)))).kind == "page_viewed"
    assert taken(of()(_arrival(schemas=other))).kind == "page_viewed"


@pytest.mark.parametrize(("of", "pointer"), [(_segment, "/traits/email"), (_posthog, "/properties/$set/email")])
def test_traits_are_pointed_at_where_the_protocol_has_them(of: _Of, pointer: str) -> None:
    short = {"properties": {"email": {"maxLength": 3}}}

    rejected = turned_down(of(email="ada@acme.example")(_arrival(schemas=_asking(Mode.REJECT, traits=short))))

    assert rejected.refusal.pointer == pointer


def test_withheld_goes_before_schema_so_that_nothing_is_kept() -> None:
    schemas = _asking(Mode.REJECT, properties=_HAS_PLAN)

    rejected = turned_down(_native(agent=_GOOGLEBOT)(_arrival('{"bots":"drop"}', schemas=schemas)))

    assert (rejected.refusal.code, rejected.payload) == (Code.FILTERED, b"")


def test_a_machines_open_is_marked_whatever_the_policy_drops_and_other_kinds_are_not_asked() -> None:
    dropping = _arrival('{"bots":"drop","own_traffic":{"addresses":[],"email_domains":[],"action":"drop"}}')
    item = {"kind": "email_opened", "identity": {"user_id": "u"}, "properties": {"machine": True, "agent": "scanner"}}

    opened = taken(native.parse(msgspec.json.encode(item), dropping))
    viewed = taken(native.parse(msgspec.json.encode({**item, "kind": "page_viewed"}), dropping))

    assert (opened.marks, viewed.marks) == (("machine:scanner",), ())
