"""The reference's own short cut (try rules only where a condition can change) gives what trying each second gives."""

from typing import Any

from hypothesis import given, settings

from tests.reference.fold import fold
from tests.reference.histories import SECONDS, life_of_one, user
from tests.reference.life import Life
from tests.reference.message import SECOND, Message
from tests.reference.model import Model
from tests.reference.models import MODELS, small


def told(life: Life) -> tuple[Any, ...]:
    """Everything that a fold decides."""
    return life.moves, life.facts, life.status, life.stage, life.furthest, life.cycle, life.traits


def acts(*places: tuple[str, float], **parts: Any) -> list[Message]:
    """Touchpoints of one user, each with its kind and second."""
    return [
        {
            "id": f"{kind}@{at}",
            "kind": kind,
            "channel": "web",
            "keys": [user(0)],
            "occurred_at": int(at * SECOND),
            **parts,
        }
        for kind, at in places
    ]


def statuses(life: Life) -> list[tuple[str, float, int]]:
    """The statuses entered: which, at which second, in which cycle."""
    return [
        (move.to, move.at / SECOND, move.cycle) for move in life.moves if move.axis == "status" and not move.implied
    ]


@given(messages=life_of_one(SECONDS), model=MODELS)
@settings(max_examples=200)
def test_searching_instants_gives_what_trying_each_second_gives(messages: list[Message], model: Model) -> None:
    searched = fold(messages, model, SECONDS.end)

    assert told(searched) == told(fold(messages, model, SECONDS.end, every_second=True))


def test_a_score_can_rise_through_the_threshold_without_a_touchpoint() -> None:
    history = acts(("webinar_attended", 1), ("webinar_attended", 2), ("email_unsubscribed", 2))

    life = fold(history, small(threshold=28, idle=1_000), 60 * SECOND)

    assert statuses(life) == [("anonymous", 1, 1), ("known", 1, 1), ("mql", 13, 1)]
    assert life.engagement(12 * SECOND) < 28 <= life.engagement(13 * SECOND)


def test_a_recycled_lead_qualifies_again_after_the_cool_down() -> None:
    history = acts(("webinar_attended", 1.5), ("webinar_attended", 9.25))

    life = fold(history, small(idle=3, cool_down=10), 26 * SECOND)

    assert statuses(life)[2:] == [
        ("mql", 1.5, 1),
        ("recycled", 5, 1),
        ("mql", 15, 2),
        ("recycled", 15, 2),
        ("mql", 25, 3),
        ("recycled", 25, 3),
    ]
    assert life.facts["cycle:2"]["implied"] == ["known"]


def test_order_of_a_stranger_implies_the_whole_path() -> None:
    history = [{**acts(("order_completed", 1))[0], "keys": ["1anonymous_id:d"]}]

    life = fold(history, small(), 2 * SECOND)

    assert life.facts["cycle:1"]["steps"] == dict.fromkeys(
        ("anonymous", "known", "mql", "sal", "sql", "opportunity", "customer"), SECOND
    )
    assert life.facts["cycle:1"]["implied"] == ["known", "mql", "sal", "sql", "opportunity"]
