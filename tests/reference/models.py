"""Models for tests: every duration in seconds, so that the definition (try each whole second) can be run as it is."""

from collections.abc import Sequence
from typing import Any, Final

from hypothesis import strategies as st

from tests.reference.model import Model


def _rule(name: str, kind: str, points: float, **rest: Any) -> dict[str, Any]:
    return {"name": name, "when": {"kind": kind}, "points": points, **rest}


_PRICING: Final = {"kind": "page_viewed", "where": {"page.path": {"prefix": "/pricing"}}}
_EBOOK: Final = {"kind": "form_submitted", "where": {"properties.form": {"in": ["ebook"]}}}


def _groups(slow: int, fast: int, floor: int) -> list[dict[str, Any]]:
    """Positive points that decay slowly, negative ones that decay fast: the sum can rise through a threshold later."""
    web = [
        _rule("page_viewed", "page_viewed", 4, max_per_day=5),
        {"name": "pricing_viewed", "when": _PRICING, "points": 9, "max_per_day": 2},
        _rule("cart_item_added", "cart_item_added", 15),
    ]
    content = [{"name": "ebook", "when": _EBOOK, "points": 12, "once": True}, _rule("webinar", "webinar_attended", 20)]
    careers = {"kind": "page_viewed", "where": {"page.path": {"prefix": "/careers"}}}
    against = [
        {"name": "careers_viewed", "when": careers, "points": -15, "max_per_day": 2},
        _rule("unsubscribed", "email_unsubscribed", -30),
    ]
    return [
        {"name": "web", "half_life": f"{slow}s", "limit": {"min": 0, "max": 40}, "rules": web},
        {"name": "content", "half_life": f"{2 * slow}s", "limit": {"max": 50}, "rules": content},
        {"name": "against", "half_life": f"{fast}s", "limit": {"min": floor, "max": 0}, "rules": against},
    ]


def _statuses(threshold: int, idle: int, cool_down: int) -> dict[str, Any]:
    student = {"trait": {"name": "seniority", "equals": "student"}}
    qualified = [
        {"engagement": {"at_least": threshold}},
        {"visits": {"at_least": 3, "within": f"{idle}s"}},
        {"all": [{"fit": {"at_least": 40}}, {"engagement": {"at_least": threshold // 2}}]},
        {"all": [{"did": _EBOOK}, {"not": {"did": {"kind": "email_unsubscribed", "within": f"{cool_down}s"}}}]},
    ]
    return {
        "known": {"when": {"visits": {"at_least": 4}}},
        "mql": {"when": {"any": qualified}, "unless": student, "cool_down": f"{cool_down}s"},
        "sql": {"when": {"did": {"kind": "demo_requested"}}},
        "recycled": {"from": ["mql", "sal", "sql"], "when": {"inactive_for": f"{idle}s"}},
        "churned": {"when": {"inactive_for": f"{2 * idle}s"}},
        "reopened": {
            "from": ["lost", "churned"],
            "when": {"any": [{"did": {"kind": "demo_requested"}}, {"did": {"kind": "page_viewed", "times": 2}}]},
        },
    }


def _stages(threshold: int) -> list[dict[str, Any]]:
    interested = [{"visits": {"at_least": 2}}, {"did": {"kind": ["content_read", "webinar_attended"]}}]
    returning = {"did": {**_PRICING, "times": 2, "within": "6s"}}
    return [
        {"name": "awareness", "enter_when": {"touched": True}},
        {"name": "interest", "enter_when": {"any": interested}},
        {"name": "consideration", "enter_when": {"did": _PRICING}, "reenter_when": returning},
        {"name": "heat", "enter_when": {"engagement": {"at_least": threshold + 3}}},
        {"name": "decision", "enter_when": {"did": {"kind": "demo_requested"}}},
        {"name": "action", "enter_when": {"status": ["customer"]}},
        {"name": "loyalty", "enter_when": {"orders": {"at_least": 2}}},
    ]


def small(
    *,
    slow: int = 30,
    fast: int = 5,
    floor: int = -60,
    threshold: int = 20,
    idle: int = 25,
    cool_down: int = 12,
    infer_email_owner: bool = True,
) -> Model:
    """The b2b template in miniature, with timers of every sort."""
    trait = {"name": "seniority", "in": ["vp", "director"]}
    fit = [
        {"name": "senior", "when": {"trait": trait}, "points": 40},
        {"name": "size", "when": {"trait": {"name": "employees", "at_least": 50}}, "points": 30},
    ]
    return {
        "name": "small",
        "version": 1,
        "identity": {"infer_email_owner": infer_email_owner},
        "visit_gap": "2s",
        "engagement": {"limit": {"min": 0, "max": 100}, "groups": _groups(slow, fast, floor)},
        "fit": {"limit": {"min": 0, "max": 100}, "rules": fit},
        "statuses": _statuses(threshold, idle, cool_down),
        "stages": [{**stage, "label": {"en": stage["name"].title()}} for stage in _stages(threshold)],
    }


MODELS: Final = st.builds(
    small,
    slow=st.sampled_from([10, 30, 60]),
    fast=st.sampled_from([2, 5, 40]),
    floor=st.sampled_from([-20, -60]),
    threshold=st.sampled_from([8, 15, 20, 33]),
    idle=st.sampled_from([6, 25]),
    cool_down=st.sampled_from([1, 12, 30]),
    infer_email_owner=st.booleans(),
)
"""Miniature models of different temper."""


def another(
    model: Model, number: int, *, order: Sequence[int], dropped: int, renamed: str | None, factor: int
) -> Model:
    """A later version that shares little with this one: its groups and stages in another order, the first ``dropped``
    of both left out, a stage called otherwise, and points times ``factor``.
    """
    groups = [model["engagement"]["groups"][place] for place in order if place < len(model["engagement"]["groups"])]
    stages = [model["stages"][place] for place in order][dropped:]
    engagement = {**model["engagement"], "groups": [_times(group, factor) for group in groups[dropped:]]}
    stages = [{**stage, "name": "renamed"} if stage["name"] == renamed else stage for stage in stages]
    return {**model, "version": number, "engagement": engagement, "stages": stages}


def _times(group: dict[str, Any], factor: int) -> dict[str, Any]:
    return {**group, "rules": [{**rule, "points": rule["points"] * factor} for rule in group["rules"]]}


@st.composite
def timelines(draw: st.DrawFn, start: int, end: int) -> list[tuple[int, Model]]:
    """A model and up to three later versions of it, published between two instants (some within one second)."""
    instants = st.integers(start // 250_000, end // 250_000).map(lambda quarter: quarter * 250_000)
    published = sorted(draw(st.lists(instants, min_size=1, max_size=3, unique=True)))
    first = draw(MODELS)
    versions = [(0, first)]
    for number, at in enumerate(published, start=2):
        other = draw(MODELS)
        changed = another(
            {**other, "identity": first["identity"]},
            number,
            order=draw(st.permutations(range(len(other["stages"])))),
            dropped=draw(st.integers(0, 2)),
            renamed=draw(st.sampled_from([None, "interest", "consideration", "heat"])),
            factor=draw(st.sampled_from([1, 1, 2])),
        )
        versions.append((at, changed))
    return versions
