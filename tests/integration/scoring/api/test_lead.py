"""One lead over HTTP: by its id or any of its keys, now and in the past."""

from hashlib import sha256
from uuid import uuid4

from shared import identity_key
from shared.clock import DAY, HOUR, to_text
from tests.integration.database.cut import cut_all_others
from tests.integration.scoring.api.service import T0, Service, id_of, opened
from tests.scoring_driver import SECRET, touchpoint

A1, A2, U1 = "1anonymous_id:a1", "1anonymous_id:a2", "5user_id:u1"
E1 = identity_key.email_key(SECRET, "ann@example.com")
P1, X1 = "3phone:+4520123456", "2external.hubspot:77"


async def test_a_lead_is_found_by_its_id(service: Service) -> None:
    await service.scoring.deliver(
        [
            touchpoint(1, "page_viewed", T0, A1, page={"path": "/pricing"}, campaign={"source": "google"}),
            touchpoint(2, "identified", T0 + HOUR, U1, E1, A1, traits={"email": "ann@example.com", "seniority": "vp"}),
        ]
    )

    lead = await service.get(f"/v1/leads/{id_of(U1)}")

    assert (lead["lead_id"], lead["merged_into"]) == (id_of(U1), None)
    assert (lead["status"], lead["cycle"], lead["stale"]) == ("known", 1, False)
    assert lead["since"] == "2024-10-04T01:00:00Z"
    assert lead["score"] == {"engagement": round(9 * 2 ** (-10 / 14), 6), "fit": 40, "grade": None, "propensity": None}
    assert lead["identities"] == [
        {"type": "user_id", "value": "u1"},
        {"type": "email", "value": "ann@example.com"},
        {"type": "anonymous_id", "value": "a1"},
    ]
    assert lead["first_touch"]["source"] == "google"
    assert (lead["owner"], lead["sla"], lead["next_action"]) == (None, None, None)
    assert lead["version"] > 1 << 40


async def test_the_id_of_any_key_answers_with_the_lead_that_holds_it(service: Service) -> None:
    await service.scoring.deliver([touchpoint(1, "identified", T0, U1, A1)])

    lead = await service.get(f"/v1/leads/{id_of(A1)}")

    assert (lead["lead_id"], lead["merged_into"]) == (id_of(U1), id_of(U1))


async def test_a_lead_is_found_by_any_of_its_keys_as_people_write_them(service: Service) -> None:
    await service.scoring.deliver([touchpoint(1, "identified", T0, U1, E1, P1, X1, A1)])
    written = [
        "user_id/u1",
        "user_id/ u1 ",
        "email/Ann@Example.com",
        f"email_sha256/{sha256(b'ann@example.com').hexdigest()}",
        "phone/%2B45 20 12 34 56",
        "external.hubspot/77",
        "external.HubSpot/77",
        "anonymous_id/a1",
    ]

    found = [(await service.get(f"/v1/leads/by/{path}"))["lead_id"] for path in written]

    assert found == [id_of(U1)] * len(written)


async def test_a_value_with_slashes_is_a_key_like_any_other(service: Service) -> None:
    await service.scoring.deliver([touchpoint(1, "identified", T0, "5user_id:a/b/c")])

    assert (await service.get("/v1/leads/by/user_id/a/b/c"))["lead_id"] == id_of("5user_id:a/b/c")


async def test_a_key_that_is_nobodys_is_told_apart_from_one_that_is_none(service: Service) -> None:
    for path in ("user_id/never-seen", "user_id/undefined", "email/nobody@example.com"):
        await service.get(f"/v1/leads/by/{path}", 404)
    for path in ("phone/20123456", "email_sha256/xyz", "cookie/u1", "external./77"):
        problem = await service.get(f"/v1/leads/by/{path}", 422)
        assert problem["errors"][0]["detail"]


async def test_an_id_never_seen_is_not_found(service: Service) -> None:
    problem = await service.get(f"/v1/leads/{uuid4()}", 404)

    assert problem["code"] == "not_found"


async def test_an_address_is_never_shown_as_its_hash(service: Service) -> None:
    await service.scoring.deliver([touchpoint(1, "form_submitted", T0, E1)])

    lead = await service.get(f"/v1/leads/{id_of(E1)}")

    assert lead["identities"] == [{"type": "email", "value": None}]
    assert E1.partition(":")[2] not in str(lead)


async def test_late_input_says_stale_until_it_is_folded_in(service: Service) -> None:
    await service.scoring.deliver([touchpoint(1, "page_viewed", T0 + DAY, A1)])
    await service.scoring.deliver([touchpoint(2, "page_viewed", T0, A1)])

    before = await service.get(f"/v1/leads/{id_of(A1)}")
    await service.scoring.catch_up(T0)
    after = await service.get(f"/v1/leads/{id_of(A1)}")

    assert (before["stale"], before["first_touch"]["id"]) == (True, "t0001")
    assert (after["stale"], after["first_touch"]["id"]) == (False, "t0002")


async def test_the_tag_covers_the_version_and_the_shown_score(service: Service) -> None:
    path = f"/v1/leads/{id_of(A1)}"
    await service.scoring.deliver([touchpoint(1, "page_viewed", T0, A1)])
    tag = (await service.client.get(path)).headers["etag"]

    same = await service.client.get(path, headers={"if-none-match": f'"other", {tag}'})
    service.clock.advance(DAY)
    decayed = await service.client.get(path, headers={"if-none-match": tag})
    await service.scoring.deliver([touchpoint(2, "identified", T0 + HOUR, A1, traits={"name": "Ann"})])
    changed = await service.client.get(path, headers={"if-none-match": decayed.headers["etag"]})

    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert (decayed.status_code, changed.status_code) == (200, 200)


async def test_as_of_answers_with_what_is_known_now_about_then(service: Service) -> None:
    await service.scoring.deliver([touchpoint(1, "page_viewed", T0, A1)])
    await service.scoring.deliver([touchpoint(2, "order_completed", T0 + 3 * DAY, A1)])
    await service.scoring.deliver([touchpoint(3, "identified", T0 + HOUR, U1, A1)])
    path = "/v1/leads/by/anonymous_id/a1"

    then = await service.get(path, as_of=to_text(T0 + DAY))
    known_then = await service.get(path, as_of=to_text(T0 + DAY), known_at=to_text(T0 + 10 * DAY))
    before = await service.get(path, as_of=to_text(T0 - DAY))

    assert (then["status"], then["lead_id"], then["last_touch"]["id"]) == ("known", id_of(U1), "t0003")
    assert {**known_then, "version": None, "updated_at": None} == {**then, "version": None, "updated_at": None}
    assert (before["status"], before["lead_id"], before["traits"]) == (None, id_of(U1), {})


async def test_known_at_leaves_out_what_was_recorded_later(service: Service) -> None:
    await service.scoring.deliver([touchpoint(1, "page_viewed", T0, A1)])
    service.clock.advance(DAY)
    await service.scoring.deliver([touchpoint(2, "identified", T0 + HOUR, U1, A1)])
    path = "/v1/leads/by/anonymous_id/a1"

    then = await service.get(path, known_at=to_text(T0 + 10 * DAY))
    unknown = await service.get("/v1/leads/by/user_id/u1", 404, known_at=to_text(T0 + 10 * DAY))

    assert (then["status"], then["lead_id"], then["version"]) == ("anonymous", id_of(A1), None)
    assert unknown["code"] == "not_found"


async def test_implied_instants_up_to_then_are_applied_and_never_written(service: Service) -> None:
    service.clock.advance(90 * DAY)
    await service.scoring.deliver([touchpoint(1, "cart_item_added", T0, U1)])
    path = f"/v1/leads/{id_of(U1)}"

    then = await service.get(path, as_of=to_text(T0 + 61 * DAY))
    now = await service.get(path)

    assert (then["status"], now["status"]) == ("recycled", "mql")


async def test_a_long_life_is_folded_from_its_checkpoints(service: Service) -> None:
    life = [touchpoint(n, "page_viewed", T0 + n * HOUR // 4, A1) for n in range(700)]
    await service.scoring.deliver(life)
    as_of = to_text(T0 + 600 * HOUR // 4)

    fast = await service.get(f"/v1/leads/{id_of(A1)}", as_of=as_of)
    connection = service.scoring.pool
    await connection.execute("DELETE FROM scoring.checkpoint")
    slow = await service.get(f"/v1/leads/{id_of(A1)}", as_of=as_of)

    assert fast == slow
    assert fast["last_touch"]["id"] == "t0600"


async def test_an_instant_that_is_none_or_still_to_come_is_refused(service: Service) -> None:
    for parameter in ("as_of", "known_at"):
        for instant in ("2030-01-01T00:00:00Z", "2024-10-04", "2024-10-04T00:00:00", "yesterday", "1728000000"):
            problem = await service.get(f"/v1/leads/{uuid4()}", 422, **{parameter: instant})
            assert problem["errors"][0]["pointer"] == parameter


async def test_a_database_that_comes_back_is_used_again(service: Service, admin_dsn: str) -> None:
    await service.scoring.deliver([touchpoint(1, "page_viewed", T0, A1)])
    await service.get(f"/v1/leads/{id_of(A1)}")

    await cut_all_others(admin_dsn)

    assert (await service.get(f"/v1/leads/{id_of(A1)}"))["status"] == "anonymous"


async def test_a_database_that_is_away_is_said_to_be(database: str) -> None:
    async with opened(database, T0, "postgresql://nobody@127.0.0.1:1/nowhere") as service:
        for path in (f"/v1/leads/{id_of(A1)}", "/v1/leads", "/v1/changes", "/v1/facts"):
            answer = await service.client.get(path)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_lead_shows_what_was_said_of_consent_and_since_when(service: Service) -> None:
    await service.scoring.deliver(
        [
            touchpoint(1, "page_viewed", T0, A1, consent={"profiling": "granted", "analytics": "granted"}),
            touchpoint(2, "identified", T0 + HOUR, U1, A1, traits={"seniority": "vp"}),
            touchpoint(3, "page_viewed", T0 + DAY, A1, consent={"profiling": "denied"}, traits={"name": "Ann"}),
            touchpoint(4, "page_viewed", T0 + 2 * DAY, A1, consent={"profiling": "denied"}, page={"path": "/pricing"}),
        ]
    )

    lead = await service.get(f"/v1/leads/{id_of(U1)}")
    before = await service.get(f"/v1/leads/{id_of(U1)}", as_of=to_text(T0 + HOUR))
    ledger = await service.get(f"/v1/leads/{id_of(U1)}/ledger")

    granted = {"state": "granted", "since": to_text(T0)}
    assert lead["consent"] == {"analytics": granted, "profiling": {"state": "denied", "since": to_text(T0 + DAY)}}
    assert (lead["traits"], lead["score"]["fit"]) == ({"seniority": "vp", "name": "Ann"}, 40)
    assert before["consent"] == {"analytics": granted, "profiling": granted}
    assert [(line["touchpoint_id"], line["withheld"]) for line in ledger["data"] if line["at"]] == [
        ("t0001", None),
        ("t0003", "consent_withdrawn"),
        ("t0004", "consent_withdrawn"),
        ("t0004", "consent_withdrawn"),
    ]
