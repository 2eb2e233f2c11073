"""The moves of status and stage at one instant (core 4)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.reference.conditions import holds
from tests.reference.life import Life, Move, is_paid
from tests.reference.message import Message, rank, strand
from tests.reference.model import ENDS, MAIN_PATH, Model, status_rule

Condition = Mapping[str, Any]

FROM: Final = {
    "known": ("anonymous",),
    "sql": ("known", "mql", "sal", "recycled"),
    "mql": ("known", "recycled"),
    "churned": ("customer",),
}
"""From where the model's rules may move; the model itself says it for ``recycled`` and ``reopened``."""

RECORDS: Final = (
    "opportunity_opened",
    "opportunity_won",
    "opportunity_lost",
    "order_completed",
    "subscription_started",
    "subscription_cancelled",
)
"""What the business itself records: it moves a lead without anybody's consent."""


def settle(life: Life, model: Model, at: int, touchpoint: Message | None) -> None:
    """Make every move that applies at an instant: each name once, the first that applies, then again from the top."""
    entered: set[str] = set()
    while (found := _first_move(life, model, at, touchpoint, entered)) is not None:
        name, status = found
        entered.add(name)
        _enter(life, model, status, at, name, touchpoint)
    is_record = touchpoint is not None and touchpoint["kind"] in RECORDS
    if life.is_open and (is_record or not life.consent.is_withdrawn):
        _enter_stages(life, model, at, touchpoint)


def begin(life: Life, model: Model, touchpoint: Message) -> None:
    """The first touchpoint of a lead, already counted, makes it anonymous."""
    at = touchpoint["occurred_at"]
    _begin_cycle(life, model)
    _record(life, Move("status", "anonymous", at, 1, touchpoint["id"], "first_touch"))


def _first_move(
    life: Life, model: Model, at: int, touchpoint: Message | None, entered: set[str]
) -> tuple[str, str] | None:
    by_kind = [] if touchpoint is None else list(_by_kind(life, touchpoint))
    for name, status in [*by_kind, *_by_rule(life, model, at)]:
        if name not in entered:
            return name, status
    return None


def _by_kind(life: Life, touchpoint: Message) -> Iterator[tuple[str, str]]:
    """The moves that a touchpoint makes by what it is; each name moves once at an instant."""
    kind = touchpoint["kind"]
    if life.status == "anonymous" and rank(strand(touchpoint)) > 1:
        yield "key", "known"
    if kind == "opportunity_opened" and life.status in ("known", "mql", "sal", "sql", "recycled"):
        yield "kind", "opportunity"
    paid = kind == "subscription_started" and is_paid(touchpoint)
    if (paid or kind in ("opportunity_won", "order_completed")) and life.status not in ("disqualified", "customer"):
        yield "kind", "customer"
    if kind == "opportunity_lost" and life.status == "opportunity" and not life.opportunities:
        yield "kind", "lost"
    if kind == "subscription_cancelled" and life.status == "customer" and not life.subscriptions:
        yield "kind", "churned"


def _by_rule(life: Life, model: Model, at: int) -> Iterator[tuple[str, str]]:
    """The moves that the model's rules make."""
    for name, condition in possible_moves(life, model):
        if holds(condition, life, at):
            yield name, "known" if name == "reopened" else name


def possible_moves(life: Life, model: Model) -> Iterator[tuple[str, Condition]]:
    """The rules that the present status allows, in the order they are tried, and what each needs.

    None, while consent is withdrawn.
    """
    if life.consent.is_withdrawn:
        return
    for name in ("known", "sql", "mql", "recycled", "churned", "reopened"):
        rule = status_rule(model, name)
        if rule is None or life.status not in FROM.get(name, rule.get("from", [])):
            continue
        needs = [rule["when"]]
        if "unless" in rule:
            needs.append({"not": rule["unless"]})
        if name == "mql" and life.status == "recycled" and "cool_down" in rule:
            needs.append({"cooled": rule["cool_down"]})
        yield name, {"all": needs}


def _enter(life: Life, model: Model, status: str, at: int, rule: str, touchpoint: Message | None) -> None:
    """Move to a status, through the skipped ones; a new cycle begins after one that ended."""
    cause = rule if touchpoint is None else touchpoint["id"]
    if status in ENDS:
        _end(life, status, at, cause, rule)
        return
    if life.is_open:
        first = MAIN_PATH.index(life.status) + 1
    else:
        first = MAIN_PATH.index("known")
        life.cycle += 1
        _begin_cycle(life, model)
    for skipped in MAIN_PATH[first : MAIN_PATH.index(status)]:
        _record(life, Move("status", skipped, at, life.cycle, cause, rule, life.status, implied=True))
    _record(life, Move("status", status, at, life.cycle, cause, rule, life.status))


def _end(life: Life, status: str, at: int, cause: str, rule: str) -> None:
    if life.is_open:
        life.facts[f"cycle:{life.cycle}"] |= {"exit": status, "exited_at": at}
    _record(life, Move("status", status, at, life.cycle, cause, rule, life.status))
    life.forget()
    life.stage = None
    if status == "recycled":
        life.recycled_at = at


def _begin_cycle(life: Life, model: Model) -> None:
    """A new fact, of the first touch of the cycle, and no stage yet."""
    first = life.memory[0] if life.memory else life.messages[-1]
    campaign = first.get("campaign", {})
    dimensions = {
        "channel": first["channel"],
        "source": campaign.get("source"),
        "campaign": campaign.get("name"),
        "country": first.get("country"),
        "device": first.get("device"),
        "model_version": model["version"],
    }
    known = {name: value for name, value in dimensions.items() if value is not None}
    life.facts[f"cycle:{life.cycle}"] = {"cycle": life.cycle, "steps": {}, "dimensions": known}
    life.stages_entered = set()
    life.furthest = -1


def _record(life: Life, move: Move) -> None:
    life.moves.append(move)
    if move.axis == "stage":
        return
    life.status = move.to
    if move.to in MAIN_PATH:
        fact = life.facts[f"cycle:{move.cycle}"]
        fact["steps"][move.to] = move.at
        if move.implied:
            fact["implied"] = [*fact.get("implied", []), move.to]


def _enter_stages(life: Life, model: Model, at: int, touchpoint: Message | None) -> None:
    for place, stage in enumerate(model.get("stages", [])):
        name = stage["name"]
        condition = stage_condition(life, stage, place)
        if condition is None or not holds(condition, life, at):
            continue
        cause = name if touchpoint is None else touchpoint["id"]
        _record(life, Move("stage", name, at, life.cycle, cause, name, life.stage))
        life.stage = name
        life.stages_entered.add(name)
        life.furthest = max(life.furthest, place)


def stage_condition(life: Life, stage: Mapping[str, Any], place: int) -> Condition | None:
    """What it takes to enter a stage now: ``enter_when`` if new and higher, else ``reenter_when``."""
    if stage["name"] == life.stage:
        return None
    is_new = stage["name"] not in life.stages_entered and place > life.furthest
    return stage.get("enter_when" if is_new else "reenter_when")
