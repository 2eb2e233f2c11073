"""Batches on a real database: forward folds, late input, merges, splits and what is told of them."""

import asyncio
from collections.abc import AsyncIterator
from itertools import permutations

import msgspec
import pytest

from services.scoring.domain import state as states
from services.scoring.domain.identity import BEGINNING
from shared.clock import DAY, SECOND, ManualClock
from shared.contracts.codec import decode_rejection, encode
from shared.contracts.rejection import Rejection
from shared.database.pool import borrowed
from shared.streaming.types import Batch, Partition, Record
from shared.vocabulary import TopicName
from tests.scoring_driver import WORKSPACE, Scoring, open_scoring, touchpoint

T0 = 20_000 * DAY
A1, A2, U1, U2, E1 = "1anonymous_id:a1", "1anonymous_id:a2", "5user_id:u1", "5user_id:u2", "4email:e1"


@pytest.fixture
async def scoring(database: str) -> AsyncIterator[Scoring]:
    opened = await open_scoring(database, ManualClock(T0))
    yield opened
    await opened.pool.close()


async def test_a_touchpoint_becomes_a_lead(scoring: Scoring) -> None:
    handled = await scoring.deliver([touchpoint(1, "page_viewed", T0, A1)])

    assert (handled.records, handled.fresh, handled.refused) == (1, 1, 0)
    leads = await scoring.leads()
    assert {key: (state.count, state.status) for key, state in leads.items()} == {A1: (1, "anonymous")}
    assert [change.kind for change in await scoring.changes()] == ["became_anonymous"]


async def test_the_same_touchpoint_counts_once(scoring: Scoring) -> None:
    one = touchpoint(1, "page_viewed", T0, A1)

    await scoring.deliver([one, one])
    again = await scoring.deliver([one], partition=3)

    assert again.fresh == 0
    assert (await scoring.leads())[A1].count == 1


async def test_bytes_that_are_no_touchpoint_are_refused_and_the_rest_counts(scoring: Scoring) -> None:
    handled = await scoring.deliver_bytes([b"{", b'{"workspace":"x"}'])

    assert (handled.records, handled.fresh, handled.refused) == (2, 0, 2)
    kept = await scoring.pool.fetch("SELECT topic FROM streaming.outbox")
    assert [row["topic"] for row in kept] == ["touchpoint.rejections.v1"] * 2


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_anonymous_history_joins_the_known_person_in_any_order(scoring: Scoring, order: tuple[int, ...]) -> None:
    history = [
        touchpoint(1, "page_viewed", T0, A1),
        touchpoint(2, "page_viewed", T0 + DAY, A1),
        touchpoint(3, "identified", T0 + 2 * DAY, U1, A1),
        touchpoint(4, "order_completed", T0 + 3 * DAY, U1),
    ]

    for i in order:
        await scoring.deliver([history[i]])
    await scoring.catch_up(BEGINNING)

    leads = await scoring.leads()
    assert {key: (state.count, state.status) for key, state in leads.items()} == {U1: (4, "customer")}
    facts = await scoring.facts()
    assert len(facts) == 1
    assert next(iter(facts.values())).steps["anonymous"] == T0


async def test_a_shared_device_is_split_by_time_and_a_late_link_moves_its_past(scoring: Scoring) -> None:
    history = [
        touchpoint(1, "page_viewed", T0 + 1 * DAY, A1),
        touchpoint(2, "page_viewed", T0 + 2 * DAY, A1),
        touchpoint(3, "identified", T0 + 3 * DAY, U1, A1),
        touchpoint(4, "order_completed", T0 + 4 * DAY, U1),
        touchpoint(5, "identified", T0 + 5 * DAY, U2, A1),
        touchpoint(6, "page_viewed", T0 + 6 * DAY, A1),
    ]
    await scoring.deliver(history)
    await scoring.catch_up(BEGINNING)
    assert {key: state.count for key, state in (await scoring.leads()).items()} == {U1: 4, U2: 2}

    await scoring.deliver([touchpoint(7, "identified", T0, U2, A1)])
    await scoring.catch_up(BEGINNING)

    assert {key: state.count for key, state in (await scoring.leads()).items()} == {U1: 2, U2: 5}


async def test_a_timer_fires_when_the_watermark_has_passed_it(scoring: Scoring) -> None:
    await scoring.deliver([touchpoint(1, "demo_requested", T0, U1)])
    due = T0 + 60 * DAY

    await scoring.catch_up(due - SECOND)
    before = (await scoring.leads())[U1].status
    await scoring.catch_up(due)
    after = (await scoring.leads())[U1]

    assert before == "sql"
    assert (after.status, after.status_at) == ("recycled", due)
    assert (await scoring.changes())[-1].cause.timer == "recycled_rule"


async def test_late_input_corrects_what_was_told(scoring: Scoring) -> None:
    await scoring.deliver([touchpoint(2, "demo_requested", T0 + DAY, U1)])
    await scoring.deliver([touchpoint(1, "demo_requested", T0, U1)])
    await scoring.catch_up(BEGINNING)

    last = (await scoring.changes())[-1]
    assert last.kind == "corrected"
    assert {move.to for move in last.transitions.added} == {move.to for move in last.transitions.retracted}
    assert next(iter((await scoring.facts()).values())).steps["sql"] == T0


async def test_a_long_history_is_caught_up_in_slices_and_keeps_checkpoints(scoring: Scoring) -> None:
    history = [touchpoint(i, "page_viewed", T0 + i * SECOND, U1) for i in range(1, 1200)]
    await scoring.deliver(history)

    await scoring.deliver([touchpoint(5000, "page_viewed", T0 + 700 * SECOND + 1, U1)])
    steps = await scoring.catch_up(BEGINNING)

    assert steps >= 1
    assert (await scoring.leads())[U1].count == 1200
    kept = await scoring.pool.fetchval("SELECT count(*) FROM scoring.checkpoint")
    assert kept == 4


async def test_a_merge_is_not_lost_when_the_device_is_born_in_another_transaction_meanwhile(scoring: Scoring) -> None:
    """Two batches at once: one stores the device's first page, the other links the device to a user."""
    for round_ in range(20):
        device, user = f"1anonymous_id:d{round_}", f"5user_id:d{round_}"
        await asyncio.gather(
            scoring.deliver([touchpoint(2 * round_, "page_viewed", T0, device)], partition=1),
            scoring.deliver([touchpoint(2 * round_ + 1, "identified", T0 + DAY, user, device)], partition=2),
        )
    await scoring.catch_up(BEGINNING)

    leads = await scoring.leads()
    assert {key: state.count for key, state in leads.items()} == {f"5user_id:d{i}": 2 for i in range(20)}


async def test_statements_are_constant_in_the_size_of_a_batch(scoring: Scoring) -> None:
    def batch(start: int, size: int) -> list[dict[str, object]]:
        return [
            touchpoint(
                start + i, "identified", T0 + i * SECOND, f"5user_id:s{start + i}", f"1anonymous_id:s{start + i}"
            )
            for i in range(size)
        ]

    await _statements(scoring, batch(1, 2))  # the driver asks for types once per connection
    small = await _statements(scoring, batch(10, 2))
    large = await _statements(scoring, batch(1_000, 500))

    assert small == large
    assert large <= 20


async def _statements(scoring: Scoring, touchpoints: list[dict[str, object]]) -> int:
    """How many statements the transaction of one batch sends."""
    counted: list[str] = []
    async with borrowed(scoring.pool) as connection:
        place = Partition(TopicName.TOUCHPOINTS, 0)
        records = tuple(Record(i, msgspec.json.encode(one), i) for i, one in enumerate(touchpoints))
        async with connection.transaction():
            with connection.query_logger(lambda query: counted.append(query.query)):
                await scoring.handler.handle(connection, Batch(place, 0, len(records), records))
    return len(counted)


async def test_leads_that_are_behind_again_at_once_do_not_keep_others_waiting(scoring: Scoring) -> None:
    """More leads than one step takes are behind; those done first fall behind again before the next step."""
    users = [f"5user_id:f{i:03}" for i in range(200)]
    await scoring.deliver([touchpoint(i, "page_viewed", T0 + DAY, user) for i, user in enumerate(users)])
    await scoring.deliver([touchpoint(1_000 + i, "page_viewed", T0, user) for i, user in enumerate(users)])

    await scoring.step(BEGINNING)
    await scoring.deliver([touchpoint(2_000 + i, "page_viewed", T0 + 1, user) for i, user in enumerate(users[:128])])
    await scoring.step(BEGINNING)

    assert (await scoring.leads())[users[-1]].count == 2


async def test_a_lead_of_very_many_devices_is_caught_up_in_few_steps(scoring: Scoring) -> None:
    """Each device has one touchpoint, the person very many: slices go by the length of the history."""
    joined = [touchpoint(i, "identified", T0 + i, E1, f"1anonymous_id:d{i}") for i in range(1_000)]
    await scoring.deliver(joined)
    await scoring.catch_up(BEGINNING)
    await scoring.deliver([touchpoint(5_000, "page_viewed", T0 - 1, E1)])

    steps = await scoring.catch_up(BEGINNING)

    assert (await scoring.leads())[E1].count == 1_001
    assert steps <= 2


async def test_what_fits_no_index_is_refused_and_the_rest_counts(scoring: Scoring) -> None:
    """Such a record would fail its whole batch, and be tried again for ever."""
    long_key = "5user_id:" + "".join(chr(0x20000 + 7 * place) for place in range(512))

    handled = await scoring.deliver(
        [touchpoint(1, "page_viewed", T0, long_key, A1), touchpoint(2, "page_viewed", T0, U1)]
    )

    assert (handled.records, handled.fresh, handled.refused) == (2, 1, 1)
    assert set(await scoring.leads()) == {U1}


async def test_a_lead_that_bought_and_left_very_often_is_told_in_records_of_bounded_size(scoring: Scoring) -> None:
    await scoring.deliver(
        [
            touchpoint(place, ("order_completed", "subscription_cancelled")[place % 2], T0 + place, U1)
            for place in range(1_000)
        ]
    )

    changes = await scoring.changes()

    assert sum(len(change.facts) for change in changes) == 500
    assert max(len(encode(change)) for change in changes) < 100_000
    assert [change.version for change in changes] == sorted({change.version for change in changes})


async def test_a_lead_of_very_many_cycles_is_refolded_without_writing_all_of_them_again_and_again(
    scoring: Scoring,
) -> None:
    kinds = ("order_completed", "subscription_cancelled")
    await scoring.deliver([touchpoint(place, kinds[place % 2], T0 + place, U1) for place in range(4_000)])
    await scoring.deliver([touchpoint(5_000, "page_viewed", T0 - 1, U1)])

    await scoring.catch_up(BEGINNING)

    kept = await scoring.pool.fetchval("SELECT count(*) FROM scoring.checkpoint")
    assert (await scoring.leads())[U1].count == 4_001
    assert 0 < kept < 5
    assert {fact.cycle for fact in (await scoring.facts()).values()} == set(range(1, 2_001))


async def test_a_late_denial_takes_back_what_was_told_after_it_and_from_every_device(scoring: Scoring) -> None:
    await scoring.deliver(
        [
            touchpoint(1, "identified", T0, U1, A1),
            touchpoint(2, "identified", T0, U1, A2),
            touchpoint(3, "demo_requested", T0 + 2 * DAY, A2),
        ]
    )
    told = (await scoring.leads())[U1].status

    await scoring.deliver(
        [touchpoint(4, "consent_updated", T0 + DAY, A1, consent={"profiling": "denied"})], partition=1
    )
    await scoring.catch_up(BEGINNING)

    held = (await scoring.leads())[U1]
    assert (told, held.status, held.is_withdrawn) == ("sql", "known", True)
    correction = (await scoring.changes())[-1]
    assert correction.kind == "corrected"
    assert [move.to for move in correction.transitions.retracted if move.axis == "status"] == ["mql", "sal", "sql"]


async def test_a_state_of_an_earlier_fold_is_made_anew_from_the_history(scoring: Scoring) -> None:
    await scoring.deliver(
        [
            touchpoint(1, "consent_updated", T0, U1, consent={"profiling": "denied"}),
            *(touchpoint(number, "page_viewed", T0 + number, U1) for number in range(2, 300)),
        ]
    )
    # What was written before consents were heard: no word of them in any state.
    for table in ("lead", "checkpoint"):
        for row in await scoring.pool.fetch(f"SELECT key, state FROM scoring.{table} WHERE state IS NOT NULL"):  # noqa: S608
            state = states.decode(row["state"])
            state.consent, state.is_withdrawn, state.fold = {}, False, 0
            await scoring.pool.execute(f"UPDATE scoring.{table} SET state = $1", states.encode(state))  # noqa: S608

    await scoring.deliver([touchpoint(300, "demo_requested", T0 + DAY, U1)])
    await scoring.catch_up(BEGINNING)

    held = (await scoring.leads())[U1]
    assert (held.count, held.is_withdrawn, held.visit_count, held.status) == (300, True, 0, "known")


async def _kept(scoring: Scoring) -> list[Rejection]:
    """What scoring has refused, in the order in which it did."""
    rows = await scoring.pool.fetch(
        "SELECT value FROM streaming.outbox WHERE topic = $1 ORDER BY id", TopicName.REJECTIONS.value
    )
    return [decode_rejection(row["value"]) for row in rows]


async def test_another_touchpoint_under_a_known_id_is_kept_aside_once_and_the_first_stands(scoring: Scoring) -> None:
    first = touchpoint(1, "form_submitted", T0, U1, properties={"form": "demo"})
    other = touchpoint(1, "form_submitted", T0 + 1, U1, properties={"form": "news"}, protocol="segment")
    again = other | {"occurred_at": T0 + 9, "received_at": T0 + DAY, "context": {"ip": "192.0.2.1"}}
    await scoring.deliver([first])

    handled = await scoring.deliver([other, other])
    repeated = await scoring.deliver([again, first], partition=2)

    assert (handled.fresh, handled.refused, repeated.refused) == (0, 0, 0)
    assert handled.conflicts == {(str(WORKSPACE), "segment"): 1}
    assert repeated.conflicts == {}
    (kept,) = await _kept(scoring)
    assert (kept.code, kept.pointer, kept.protocol, kept.refused_by) == ("id_conflict", "/id", "segment", "scoring")
    assert kept.id.startswith("t0001~")
    assert kept.detail == "the first touchpoint of this id has another properties; that one stands"
    assert msgspec.json.decode(kept.payload) == other
    assert (await scoring.leads())[U1].count == 1


async def test_within_a_batch_the_first_of_an_id_stands_and_each_other_is_kept_aside(scoring: Scoring) -> None:
    batch = [
        touchpoint(1, "page_viewed", T0, U1),
        touchpoint(1, "order_completed", T0, U1, value={"amount": "9", "currency": "EUR"}),
        touchpoint(1, "page_viewed", T0 + 5, U1),
        touchpoint(1, "page_viewed", T0, U2),
        touchpoint(2, "page_viewed", T0, U2),
    ]

    handled = await scoring.deliver(batch)

    assert (handled.fresh, handled.conflicts.total()) == (2, 2)
    assert [msgspec.json.decode(one.payload) for one in await _kept(scoring)] == [batch[1], batch[3]]
    assert {key: state.count for key, state in (await scoring.leads()).items()} == {U1: 1, U2: 1}


async def test_an_id_used_up_for_somebody_else_is_told_though_the_first_is_in_another_strand(scoring: Scoring) -> None:
    await scoring.deliver([touchpoint(1, "page_viewed", T0, A1)])

    fact = touchpoint(1, "opportunity_won", T0 + DAY, U1, protocol="hook.hubspot")
    handled = await scoring.deliver([fact], partition=1)

    assert handled.conflicts == {(str(WORKSPACE), "hook.hubspot"): 1}
    assert [one.detail for one in await _kept(scoring)] == [
        "the first touchpoint of this id has another identity; that one stands"
    ]


async def test_of_two_at_once_under_one_id_one_stands_and_the_other_is_told(scoring: Scoring) -> None:
    for round_ in range(20):
        await asyncio.gather(
            scoring.deliver([touchpoint(round_, "page_viewed", T0, A1)], partition=1),
            scoring.deliver([touchpoint(round_, "page_viewed", T0, A2)], partition=2),
        )

    kept = {one.id.partition("~")[0]: msgspec.json.decode(one.payload)["keys"][0] for one in await _kept(scoring)}
    assert (len(await _kept(scoring)), len(kept)) == (20, 20)
    rows = await scoring.pool.fetch("SELECT id, strand FROM scoring.touchpoint")
    assert {row["id"]: {A1: A2, A2: A1}[row["strand"]] for row in rows} == kept


async def test_a_conflict_put_under_an_id_of_its_own_becomes_a_touchpoint(scoring: Scoring) -> None:
    await scoring.deliver([touchpoint(1, "page_viewed", T0, A1)])
    await scoring.deliver([touchpoint(1, "page_viewed", T0, A2)])
    (kept,) = await _kept(scoring)

    repaired = await scoring.deliver([msgspec.json.decode(kept.payload) | {"id": kept.id + "-2"}])

    assert (repaired.fresh, repaired.conflicts.total()) == (1, 0)
    assert (await scoring.leads())[A2].count == 1


async def test_of_what_was_seen_before_instants_were_kept_only_the_same_place_is_compared(scoring: Scoring) -> None:
    await scoring.deliver([touchpoint(1, "page_viewed", T0, A1)])
    await scoring.pool.execute("UPDATE scoring.seen SET occurred_at = NULL")

    elsewhere = await scoring.deliver([touchpoint(1, "page_viewed", T0 + 1, A1), touchpoint(1, "page_viewed", T0, A2)])
    here = await scoring.deliver([touchpoint(1, "link_clicked", T0, A1)])

    assert (elsewhere.conflicts.total(), here.conflicts.total()) == (0, 1)


async def test_any_number_of_conflicts_stops_no_partition(scoring: Scoring) -> None:
    """Anybody who has a write key can send them; a limit of refusals would be theirs to reach."""
    await scoring.deliver([touchpoint(1, "page_viewed", T0, A1)])

    handled = await scoring.deliver([touchpoint(1, "page_viewed", T0, f"1anonymous_id:x{i}") for i in range(500)])

    assert handled.conflicts.total() == 500
    assert (await scoring.deliver([touchpoint(2, "page_viewed", T0, A1)])).fresh == 1


async def test_statements_are_constant_in_the_number_of_conflicts(scoring: Scoring) -> None:
    def batch(start: int, size: int, form: str) -> list[dict[str, object]]:
        return [
            touchpoint(start + i, "form_submitted", T0, f"5user_id:c{start + i}", properties={"form": form})
            for i in range(size)
        ]

    await _statements(scoring, [*batch(1, 2, "a"), *batch(1, 2, "b")])
    small = await _statements(scoring, [*batch(1, 2, "c"), *batch(11, 2, "a"), *batch(11, 2, "d")])
    await _statements(scoring, batch(1_000, 500, "a"))
    large = await _statements(scoring, [*batch(1_000, 500, "c"), *batch(2_000, 500, "a"), *batch(2_000, 500, "d")])

    assert small == large
    assert large <= 22
