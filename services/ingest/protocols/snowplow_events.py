"""What happened, by each of Snowplow's types of event. docs/connect/snowplow.md publishes the tables."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from services.ingest.domain.kind import is_form, kind_of_event, snake_case
from services.ingest.domain.money import lenient_amount, lenient_currency
from services.ingest.domain.refusal import Refused
from services.ingest.protocols.segment_parts import money_said
from services.ingest.protocols.snowplow_schemas import Described, event_in
from shared.contracts.touchpoint import Money
from shared.vocabulary import Code, Kind

_DEFAULT_CURRENCY: Final = "USD"
_MAX_NAME: Final = 200
_ECOMMERCE: Final = "snowplow_ecommerce_action"

SCHEMAS: Final[Mapping[str, str]] = {
    "link_click": "link_clicked",
    "uri_redirect": "link_clicked",
    "submit_form": "form_submitted",
    "change_form": "form_changed",
    "focus_form": "form_focused",
    "add_to_cart": "cart_item_added",
    "remove_from_cart": "cart_item_removed",
    "site_search": "site_searched",
    "social_interaction": "social_interacted",
    "screen_view": Kind.SCREEN_VIEWED.value,
    "ad_impression": "ad_viewed",
    "ad_click": "ad_clicked",
    "ad_conversion": "ad_converted",
    "button_click": "button_clicked",
}
"""Snowplow's own schemas with a kind of ours. Every other schema's name is its kind, in snake case."""

COMMERCE: Final[Mapping[str, str]] = {
    "product_view": "product_viewed",
    "list_view": "product_list_viewed",
    "list_click": "product_clicked",
    "add_to_cart": "cart_item_added",
    "remove_from_cart": "cart_item_removed",
    "checkout_step": "checkout_started",
    "transaction": Kind.ORDER_COMPLETED.value,
    "transaction_error": "order_failed",
    "refund": Kind.ORDER_REFUNDED.value,
    "promo_view": "promotion_viewed",
    "promo_click": "promotion_clicked",
}
"""``snowplow_ecommerce_action`` by its ``type``; a checkout step but the first is ``checkout_step_viewed``."""


class Happened(NamedTuple):
    """The kind, where in the item it stands, what is known of it, the money in it, and what a form tells of a person.

    ``inside`` is the pointer of the properties.
    """

    kind: str
    pointer: str
    properties: Mapping[str, Any]
    inside: str = ""
    value: Money | None = None
    contact: Mapping[str, Any] | None = None


def happened(fields: Mapping[str, str], entities: Mapping[str, Any]) -> Happened:
    """What the event tells. Raises Refused."""
    event = fields.get("e")
    tell = _EVENTS.get(event) if event else None
    if tell is None:
        code = Code.UNKNOWN_VALUE if event else Code.MISSING
        raise Refused(code, "/e", f"e is one of {', '.join(_EVENTS)}")
    found = tell(fields, entities)
    if not found.kind:
        raise Refused(Code.INVALID_KIND, found.pointer, "its name has letters, and is not that of another call")
    return found


def _page_view(_fields: Mapping[str, str], _entities: Mapping[str, Any]) -> Happened:
    return Happened(Kind.PAGE_VIEWED, "/e", {})


def _page_ping(fields: Mapping[str, str], _entities: Mapping[str, Any]) -> Happened:
    names = {"pp_mix": "min_x", "pp_max": "max_x", "pp_miy": "min_y", "pp_may": "max_y"}
    return Happened("page_pinged", "/e", _numbers(fields, names))


def _structured(fields: Mapping[str, str], prefix: str) -> Happened:
    """``form`` and ``submit`` are ``form_submit``; an action that begins with its category stands alone."""
    category, action = (snake_case(fields.get(prefix + name, "")[:_MAX_NAME]) for name in ("ca", "ac"))
    is_whole = not category or action == category or action.startswith(f"{category}_")
    names = {f"{prefix}ca": "category", f"{prefix}ac": "action", f"{prefix}la": "label", f"{prefix}pr": "property"}
    properties = {**_texts(fields, names), **_numbers(fields, {f"{prefix}va": "value"})}
    kind = kind_of_event(action if is_whole else f"{category}_{action}") if action else ""
    return Happened(kind, f"/{prefix}ac", properties)


def _struct(fields: Mapping[str, str], _entities: Mapping[str, Any]) -> Happened:
    return _structured(fields, "se_")


def _legacy_struct(fields: Mapping[str, str], _entities: Mapping[str, Any]) -> Happened:
    return _structured(fields, "ev_")


def _advertisement(_fields: Mapping[str, str], _entities: Mapping[str, Any]) -> Happened:
    return Happened("ad_viewed", "/e", {})


def _transaction(fields: Mapping[str, str], _entities: Mapping[str, Any]) -> Happened:
    texts = {"tr_id": "order_id", "tr_af": "affiliation", "tr_ci": "city", "tr_st": "state", "tr_co": "country"}
    numbers = {"tr_tt": "total", "tr_tx": "tax", "tr_sh": "shipping"}
    properties = {**_texts(fields, {**texts, "tr_cu": "currency"}), **_numbers(fields, numbers)}
    return Happened(Kind.ORDER_COMPLETED, "/e", properties, value=_money(fields.get("tr_tt"), fields.get("tr_cu")))


def _transaction_item(fields: Mapping[str, str], _entities: Mapping[str, Any]) -> Happened:
    """A line of an order. Its price is no revenue beside that of the order."""
    texts = {"ti_id": "order_id", "ti_sk": "sku", "ti_na": "name", "ti_nm": "name", "ti_ca": "category"}
    numbers = {"ti_pr": "price", "ti_qu": "quantity"}
    return Happened(
        "order_item_added", "/e", {**_texts(fields, {**texts, "ti_cu": "currency"}), **_numbers(fields, numbers)}
    )


def _self_describing(fields: Mapping[str, str], entities: Mapping[str, Any]) -> Happened:
    event, pointer = event_in(fields)
    properties = event.data if isinstance(event.data, dict) else {} if event.data is None else {"data": event.data}
    kind = _kind_of(event, properties, entities)
    return Happened(
        kind,
        pointer,
        properties,
        inside=f"{pointer}/data/data",
        value=_revenue(kind, properties, entities),
        contact=_contact(properties) if is_form(kind) else None,
    )


_EVENTS: Final[Mapping[str, Callable[[Mapping[str, str], Mapping[str, Any]], Happened]]] = {
    "pv": _page_view,
    "pp": _page_ping,
    "se": _struct,
    "ue": _self_describing,
    "tr": _transaction,
    "ti": _transaction_item,
    "ad": _advertisement,
    "ev": _legacy_struct,
}


def _kind_of(event: Described, properties: Mapping[str, Any], entities: Mapping[str, Any]) -> str:
    if not event.vendor.startswith("com.snowplowanalytics."):
        return kind_of_event(event.name)
    if event.name != _ECOMMERCE:
        return SCHEMAS.get(event.name) or kind_of_event(event.name)
    action = properties.get("type")
    if action == "checkout_step" and _entity(entities, "checkout_step").get("step") not in (None, 1):
        return "checkout_step_viewed"
    return (COMMERCE.get(action) or kind_of_event(action)) if isinstance(action, str) else ""


def _revenue(kind: str, properties: Mapping[str, Any], entities: Mapping[str, Any]) -> Money | None:
    """Money among the properties, else in the entity of the transaction or the refund."""
    said = money_said(properties, kind)
    if said is not None:
        return said
    for name, amount in (("transaction", "revenue"), ("refund", "refund_amount")):
        entity = _entity(entities, name)
        if entity:
            return _money(entity.get(amount), entity.get("currency"))
    return None


def _contact(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a form: the properties, or those that Snowplow's form tracking lists as ``elements``."""
    elements = properties.get("elements")
    if not isinstance(elements, list):
        return dict(properties)
    named = [one for one in elements if isinstance(one, dict) and isinstance(one.get("name"), str)]
    return {snake_case(one["name"][:_MAX_NAME]): one.get("value") for one in named}


def _entity(entities: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = entities.get(name)
    return found if isinstance(found, dict) else {}


def _money(amount: Any, currency: Any) -> Money | None:
    exact = lenient_amount(amount)
    return None if exact is None else Money(exact, lenient_currency(currency, _DEFAULT_CURRENCY))


def _texts(fields: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    return {ours: fields[theirs] for theirs, ours in names.items() if theirs in fields}


def _numbers(fields: Mapping[str, str], names: Mapping[str, str]) -> dict[str, float | str]:
    """Numbers that are written as text, as numbers where they are some."""
    return {ours: _number(fields[theirs]) for theirs, ours in names.items() if theirs in fields}


def _number(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        return text
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
