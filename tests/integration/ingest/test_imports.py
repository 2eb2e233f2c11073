"""Imports on a real log and database."""

import gzip
import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pyarrow as arrow
import pytest
from pyarrow import parquet

from services.ingest.api import serving
from shared.contracts.touchpoint import Touchpoint
from shared.http.guard import Guard, GuardLimits
from tests.ingest_door import OpenDoor, make_keys
from tests.served import served
from tests.unit.ingest.protocols.exports import BESIDE, outcomes, sample

CSV = (
    "kind,email,occurred_at,amount,currency,sku\n"
    "Order Completed,ann@example.com,2024-05-01T10:00:00Z,129.00,EUR,A-1\n"
    "Order Completed,bob@example.com,2024-05-02T10:00:00Z,9.00,EUR,A-2\n"
    "Order Completed,,2024-05-02T10:00:00Z,9.00,EUR,A-2\n"
    "Order Completed,bob@example.com,2024-05-02T10:00:00Z,9.00,EUR,A-2\n"
)


async def send(door: OpenDoor, content: bytes, path: str = "/v1/imports", **headers: str) -> httpx.Response:
    given = {"authorization": f"Bearer {door.keys.secret}", "content-type": "text/csv", **headers}
    return await door.client.post(path, content=content, headers=given)


async def read(door: OpenDoor, path: str) -> Any:
    answer = await door.client.get(path, headers={"authorization": f"Bearer {door.keys.secret}"})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def make(door: OpenDoor, **asked: Any) -> str:
    answer = await send(door, msgspec.json.encode(asked), **{"content-type": "application/json"})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def test_rows_are_touchpoints_and_refused_rows_say_which(door: OpenDoor) -> None:
    told = (await send(door, CSV.encode(), "/v1/imports?name=orders.csv")).json()

    assert {name: told[name] for name in ("state", "rows", "accepted", "rejected", "twins", "codes")} == {
        "state": "done",
        "rows": 4,
        "accepted": 3,
        "rejected": 1,
        "twins": 1,
        "codes": {"no_identity": 1},
    }
    (refused,) = told["refused"]
    assert (refused["row"], refused["code"], refused["detail"][:7]) == (3, "no_identity", "row 3: ")
    assert [one.kind for one in await door.touchpoints()] == ["order_completed"] * 3
    (kept,) = await door.rejections()
    assert (kept.id, kept.protocol) == (refused["id"], f"import.{told['id']}")
    assert await read(door, f"/v1/imports/{told['id']}") == told
    assert (await read(door, "/v1/imports"))["data"] == [told]


async def test_the_same_file_again_has_the_same_ids_and_twins_stay_two(door: OpenDoor) -> None:
    await send(door, CSV.encode())
    await send(door, CSV.encode())

    ids = [one.id for one in await door.touchpoints()]
    assert (len(ids), len(set(ids))) == (6, 3)


async def test_a_file_with_columns_of_its_own_is_told_once_that_it_wants_a_mapping(door: OpenDoor) -> None:
    answer = await send(door, b"Mail,Firm\nann@example.com,Acme\nbob@example.com,Acme\n")

    (fault,) = answer.json()["errors"]
    assert (answer.status_code, fault["code"]) == (422, "unreadable_file")
    assert "it has the columns Mail, Firm; none is kind: give --mapping (in the API: mapping)" in fault["detail"]
    assert await door.rejections() == []


async def test_a_row_of_json_without_a_kind_is_refused_by_itself(door: OpenDoor) -> None:
    told = (await send(door, b'{"email":"ann@example.com"}\n', "/v1/imports?format=ndjson")).json()

    assert (told["rejected"], told["codes"]) == (1, {"missing": 1})
    assert len(await door.rejections()) == 1


async def test_dry_run_tells_and_keeps_nothing(door: OpenDoor) -> None:
    told = (await send(door, CSV.encode(), "/v1/imports?dry_run=true")).json()

    assert (told["dry_run"], told["accepted"], told["rejected"]) == (True, 3, 1)
    assert (await door.touchpoints(), await door.rejections()) == ([], [])


async def test_mapping_makes_touchpoints_of_any_columns(door: OpenDoor) -> None:
    mapping = {"kind": "'demo_requested'", "identity": {"email": "Mail"}, "traits": {"company": "Firm"}}
    made = await make(door, format="csv", name="leads", mapping=mapping)
    assert (await read(door, f"/v1/imports/{made}"))["state"] == "waiting"

    told = (await send(door, b"Mail;Firm\nann@example.com;Acme\n", f"/v1/imports/{made}/rows")).json()

    (demo,) = await door.touchpoints()
    assert (told["state"], demo.kind, demo.traits["company"]) == ("done", "demo_requested", "Acme")
    assert (await send(door, b"Mail;Firm\n", f"/v1/imports/{made}/rows")).status_code == 409


async def test_a_wrong_mapping_is_told_before_anything_is_sent(door: OpenDoor) -> None:
    asked = {"format": "csv", "mapping": {"kind": "'a_b'", "identity": {"mail": "x"}, "traits": {"a": "]"}}}
    answer = await send(door, msgspec.json.encode(asked), **{"content-type": "application/json"})

    assert answer.status_code == 422
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"/mapping/identity/mail", "/mapping/traits/a"}


async def test_native_touchpoints_a_line_each(door: OpenDoor) -> None:
    lines = b'{"kind":"page_viewed","identity":{"anonymous_id":"a"},"id":"p-1"}\n{"kind":"page_viewed"}\nnonsense\n'
    told = (await send(door, lines, **{"content-type": "application/x-ndjson"})).json()

    assert (told["accepted"], told["codes"]) == (1, {"no_identity": 1, "not_json": 1})
    assert [one.id for one in await door.touchpoints()] == ["p-1"]


async def test_parquet_keeps_its_types(door: OpenDoor) -> None:
    table = arrow.table(
        {"kind": ["a_b", "a_b"], "user_id": [1, 2], "seats": [3, None], "occurred_at": ["2024-05-01T10:00:00Z"] * 2}
    )
    file = io.BytesIO()
    parquet.write_table(table, file)

    told = (await send(door, file.getvalue(), "/v1/imports?format=parquet")).json()

    first, second = sorted(await door.touchpoints(), key=lambda one: one.keys)
    assert (told["accepted"], first.keys, bytes(first.properties)) == (2, ("5user_id:1",), b'{"seats":3}')
    assert bytes(second.properties) == b"{}"


async def test_parquet_that_unpacks_without_end_is_refused_and_the_door_goes_on(door: OpenDoor) -> None:
    long = arrow.DictionaryArray.from_arrays(arrow.array([0] * 500, arrow.int8()), arrow.array(["x" * 20_000_000]))
    file = io.BytesIO()
    parquet.write_table(arrow.table({"kind": long}), file, compression="zstd", store_schema=False)
    assert len(file.getvalue()) < 100_000

    answer = await send(door, file.getvalue(), "/v1/imports?format=parquet")

    assert (answer.status_code, "unpacks to more than 1024 MiB" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize("size", [1, 7, 100_000])
async def test_a_compressed_file_is_read_as_what_is_in_it(door: OpenDoor, size: int) -> None:
    packed = gzip.compress(CSV.encode()) + gzip.compress(b"Order Completed,cy@example.com,2024-05-03,1,EUR,A-3\n")

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(packed), size):
            yield packed[at : at + size]

    given = {"authorization": f"Bearer {door.keys.secret}"}
    told = (await door.client.post("/v1/imports?name=orders.csv.gz", content=pieces(), headers=given)).json()

    assert (told["rows"], told["accepted"]) == (5, 4)


async def test_a_bomb_is_read_in_small_parts(door: OpenDoor) -> None:
    bomb = gzip.compress(b"kind\n" + b"a" * 50_000_000)
    answer = await send(door, bomb, "/v1/imports?format=csv")

    assert (answer.status_code, "longer than" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("content", "query", "said"),
    [
        (gzip.compress(CSV.encode())[:-9], "?format=csv", "compression"),
        (b"\x1f\x8bnone", "?format=csv", "compression"),
        (b"kind\n\xe5", "", "UTF-8"),
        (b"this is none", "?format=parquet", "Parquet"),
        (b"x", "?name=data.xlsx", "format"),
    ],
)
async def test_what_cannot_be_read_says_why(door: OpenDoor, content: bytes, query: str, said: str) -> None:
    answer = await send(door, content, f"/v1/imports{query}", **{"content-type": "text/csv" if not query else "x/y"})

    assert answer.status_code == 422
    assert said in answer.json()["detail"]


async def test_a_file_is_sent_again_to_go_on_where_it_stopped(door: OpenDoor) -> None:
    """The client goes away in the middle; what was durable is passed over the second time."""
    rows = [f"a_b,user-{number}\n".encode() for number in range(1_500)]
    made = await make(door, format="csv")

    async def broken() -> AsyncIterator[bytes]:
        yield b"kind,user_id\n"
        for row in rows[:1_200]:
            yield row
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await door.client.post(
            f"/v1/imports/{made}/rows", content=broken(), headers={"authorization": f"Bearer {door.keys.secret}"}
        )
    stopped = await read(door, f"/v1/imports/{made}")
    assert (stopped["state"], stopped["rows"], len(await door.touchpoints())) == ("interrupted", 1_000, 1_000)

    other = await send(door, b"kind,user_id\n" + b"".join(reversed(rows)), f"/v1/imports/{made}/rows")
    assert other.status_code == 409
    told = (await send(door, b"kind,user_id\n" + b"".join(rows), f"/v1/imports/{made}/rows")).json()

    assert (told["state"], told["rows"], told["accepted"]) == ("done", 1_500, 1_500)
    assert len(await door.touchpoints()) == 1_500


@pytest.mark.parametrize("key", ["", "write"])
async def test_an_import_takes_a_secret_key(door: OpenDoor, key: str) -> None:
    given = f"Bearer {getattr(door.keys, key)}" if key else ""
    answer = await send(door, CSV.encode(), authorization=given)

    assert answer.status_code == (403 if key else 401)
    assert await door.touchpoints() == []


async def test_another_workspace_sees_nothing_of_it(door: OpenDoor) -> None:
    made = await make(door, format="csv")
    others = await make_keys(door.own, "other")
    await door.own.access.load()

    for path in (f"/v1/imports/{made}", "/v1/imports"):
        answer = await door.client.get(path, headers={"authorization": f"Bearer {others.secret}"})
        assert answer.status_code == 404 or answer.json() == {"data": []}


async def test_a_repaired_row_is_taken(door: OpenDoor) -> None:
    told = (await send(door, CSV.encode())).json()
    assert await door.keep() == 1
    kept = f"/v1/rejected/{told['refused'][0]['id']}"
    headers = {"authorization": f"Bearer {door.keys.secret}"}
    row = msgspec.json.decode((await door.client.get(kept, headers=headers)).json()["payload"])

    await door.client.patch(kept, json={"payload": {**row, "email": "cy@example.com"}}, headers=headers)
    again = await door.client.post(f"{kept}/replay", headers=headers)

    assert again.json()["accepted"] == 1
    assert len(await door.touchpoints()) == 4


async def test_dry_run_shows_the_first_touchpoint_and_what_a_mapping_does_not_find(door: OpenDoor) -> None:
    file = b"When;Mail;Sum\n;;9\n4/5/2024;ann@example.com;9,50\n;bo@example.com;1\n1/1/2999;cy@example.com;1\n"
    own = {
        "kind": "'order_completed'",
        "occurred_at": "When",
        "identity": {"email": "Mail", "phone": "Phone"},
        "traits": {"city": "City || Town"},
        "value": {"amount": "Sum"},
    }
    mapping = {"own": own, "dates": "dmy", "decimals": "comma", "currency": "EUR"}
    made = await make(door, format="csv", mapping=mapping, dry_run=True)

    told = (await send(door, file, f"/v1/imports/{made}/rows")).json()

    assert (told["accepted"], told["rejected"], told["timeless"], told["early"]) == (3, 1, 1, 1)
    assert told["missing"] == ["City", "Phone", "Town"]
    first = told["first"]
    assert first.pop("id").startswith("row-")
    assert first == {
        "kind": "order_completed",
        "occurred_at": "2024-05-04T00:00:00Z",
        "channel": "web",
        "channel_rule": first["channel_rule"],
        "identity": {"email": "ann@example.com"},
        "value": {"amount": "9.50", "currency": "EUR"},
        "traits": {"email": "ann@example.com"},
    }
    assert await read(door, f"/v1/imports/{made}") == {**told, "first": None}


@pytest.mark.parametrize(
    ("beside", "rows", "missing"),
    [
        ({"columns": {"stage": "Dealphase"}}, b"Record ID,Create Date\n7,2024-05-01\n", ["Dealphase"]),
        ({}, b"Record ID,Create Date\n7,2024-05-01\n", []),
    ],
)
async def test_a_ready_mapping_misses_what_was_named_for_it(
    door: OpenDoor, beside: dict[str, Any], rows: bytes, missing: list[str]
) -> None:
    made = await make(door, format="csv", mapping={"ready": "hubspot-deals", **beside}, dry_run=True)

    told = (await send(door, rows, f"/v1/imports/{made}/rows")).json()

    assert (told["accepted"], told["missing"]) == (1, missing)


async def test_a_ready_mapping_of_which_no_row_was_taken_tells_what_it_knows(door: OpenDoor) -> None:
    told = (await send(door, b"Deal Stage\nx\n", "/v1/imports?mapping=hubspot-deals")).json()

    assert (told["accepted"], "Record ID" in told["missing"], "Deal Stage" in told["missing"]) == (0, True, False)


async def test_the_same_file_is_known_again(door: OpenDoor) -> None:
    looked_at = (await send(door, CSV.encode(), "/v1/imports?dry_run=true")).json()
    first = (await send(door, CSV.encode())).json()
    again = [(await send(door, CSV.encode(), f"/v1/imports?dry_run={dry}")).json() for dry in ("true", "false")]
    other = (await send(door, CSV.encode().replace(b"ann", b"eve"))).json()
    made = await make(door, format="csv", mapping={"decimals": "comma"})
    otherwise = (await send(door, CSV.encode(), f"/v1/imports/{made}/rows")).json()

    assert [one["same_as"] for one in (looked_at, first, *again)] == [None, None, first["id"], first["id"]]
    assert (other["same_as"], otherwise["same_as"]) == (None, None)


@pytest.mark.parametrize("content", [b"", b"kind,email\n", b"\xef\xbb\xbfkind,email", b"\n\n"])
async def test_a_file_without_rows_says_so(door: OpenDoor, content: bytes) -> None:
    told = (await send(door, content)).json()

    assert (told["state"], told["rows"], told["detail"]) == ("done", 0, "there is no row in it")


async def refused_rows(door: OpenDoor) -> list[dict[str, Any]]:
    await door.keep()
    kept: list[dict[str, Any]] = (await read(door, "/v1/rejected"))["data"]
    return kept


async def fix(door: OpenDoor, patch: dict[str, Any], **more: Any) -> dict[str, Any]:
    given = {"authorization": f"Bearer {door.keys.secret}"}
    answer = await door.client.post("/v1/rejected/fix", json={"filter": {}, "patch": patch, **more}, headers=given)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


OWN_MAPPING = {
    "kind": "'demo_requested'",
    "occurred_at": {"at": "When", "format": "%d/%m/%Y"},
    "identity": {"email": "Mail"},
    "properties": {"note": "Note"},
}


async def test_a_row_of_a_mapped_import_is_fixed_as_it_stands_in_the_file(door: OpenDoor) -> None:
    """Its columns keep their names, and the file mended alike and imported again brings nothing new."""
    first = b"When;Mail;Note\n24/12/2024;;a\n24/12/2024;;a\n25/12/2024;bo@example.com;b\n"
    made = await make(door, format="csv", mapping=OWN_MAPPING)
    await send(door, first, f"/v1/imports/{made}/rows")
    assert len(await refused_rows(door)) == 2

    headers = {"authorization": f"Bearer {door.keys.secret}"}
    unmended = await door.client.post("/v1/rejected/replay", json={"code": "no_identity"}, headers=headers)
    kept = await refused_rows(door)
    told = await fix(door, {"Mail": "ann@example.com"})
    again = await make(door, format="csv", mapping=OWN_MAPPING)
    await send(door, first.replace(b";;", b";ann@example.com;"), f"/v1/imports/{again}/rows")

    assert unmended.json()["accepted"] == 0
    assert sorted(one["detail"][:7] for one in kept) == ["row 1: ", "row 2: "]
    assert told["accepted"] == 2
    found = await door.touchpoints()
    assert (len(found), len({one.id for one in found}), {one.protocol for one in found}) == (6, 3, {"import"})
    assert {one.kind for one in found} == {"demo_requested"}


async def test_a_row_that_a_ready_mapping_refused_is_fixed_to_all_that_is_in_it(door: OpenDoor) -> None:
    heads, row = (
        b"Record ID,Deal Stage,Create Date,Close Date,Amount,Currency,Is Closed Won,Email\n",
        b"%s,x,%s,%s,9,EUR,true,%s\n",
    )
    wrong = heads + row % (b"7", b"2024-05-01", b"4/6/2024", b"ann@example.com")
    made = await make(door, format="csv", mapping={"ready": "hubspot-deals"})
    await send(door, wrong, f"/v1/imports/{made}/rows")
    (kept,) = await refused_rows(door)
    assert (kept["code"], kept["pointer"], await door.touchpoints()) == ("invalid_instant", "/Close Date", [])

    told = await fix(door, {"Close Date": "2024-06-04"})
    again = await make(door, format="csv", mapping={"ready": "hubspot-deals"})
    await send(door, wrong.replace(b"4/6/2024", b"2024-06-04"), f"/v1/imports/{again}/rows")

    found = await door.touchpoints()
    assert told["accepted"] == 1
    assert sorted(one.kind for one in found) == ["opportunity_opened"] * 2 + ["opportunity_won"] * 2
    assert len({one.id for one in found}) == 2
    assert all(one.id.startswith("hubspot-deals:7:") for one in found)


async def test_a_mapped_row_that_was_repaired_into_a_touchpoint_of_ours_is_taken(door: OpenDoor) -> None:
    made = await make(door, format="csv", mapping=OWN_MAPPING)
    await send(door, b"When;Mail;Note\n24/12/2024;;a\n", f"/v1/imports/{made}/rows")
    (kept,) = await refused_rows(door)
    headers = {"authorization": f"Bearer {door.keys.secret}"}
    ours = {"kind": "visit_booked", "identity": {"email": "ann@example.com"}}

    await door.client.patch(f"/v1/rejected/{kept['id']}", json={"payload": ours}, headers=headers)
    again = await door.client.post(f"/v1/rejected/{kept['id']}/replay", headers=headers)

    assert again.json()["accepted"] == 1
    assert [one.kind for one in await door.touchpoints()] == ["visit_booked"]


async def test_a_row_that_two_imports_refused_is_fixed_by_the_mapping_of_the_last(door: OpenDoor) -> None:
    file = b"kind;When;Mail;Note\n!;24/12/2024;;a\n"
    await send(door, file)
    (first,) = await refused_rows(door)
    made = await make(door, format="csv", mapping=OWN_MAPPING)
    await send(door, file, f"/v1/imports/{made}/rows")
    (last,) = await refused_rows(door)

    told = await fix(door, {"Mail": "ann@example.com"})

    assert (first["code"], last["code"], last["protocol"]) == ("invalid_kind", "no_identity", f"import.{made}")
    assert (last["id"], told["accepted"]) == (first["id"], 1)
    assert [one.kind for one in await door.touchpoints()] == ["demo_requested"]


async def test_a_file_that_comes_again_after_its_rows_were_mended_says_so(door: OpenDoor) -> None:
    file = b"kind,email\nVisit Booked,\nVisit Paid,\n"
    first = (await send(door, file)).json()
    assert len(await refused_rows(door)) == 2
    await fix(door, {"email": "ann@example.com"})

    again = (await send(door, file)).json()

    assert (first["detail"], again["rejected"]) == ("", 2)
    assert again["detail"] == "of the refused rows, 2 came before, mended since and taken"


async def test_rows_that_are_fixed_to_say_the_same_stay_several(door: OpenDoor) -> None:
    made = await make(door, format="csv", mapping={**OWN_MAPPING, "channel": "By"})
    await send(door, b"When;Mail;By\n24/12/2024;a@b.de;x\n24/12/2024;a@b.de;y\n", f"/v1/imports/{made}/rows")
    assert len(await refused_rows(door)) == 2

    told = await fix(door, {"By": "web"})

    found = await door.touchpoints()
    assert (told["accepted"], len(found), len({one.id for one in found})) == (2, 2, 2)


async def test_a_refused_row_that_a_later_import_takes_waits_no_longer(door: OpenDoor) -> None:
    file = b"When;Mail;Note\n24/12/2024;ann@example.com;a\n24/12/2024;;b\n"
    wrong = await make(door, format="csv", mapping={**OWN_MAPPING, "occurred_at": "When"})
    await send(door, file, f"/v1/imports/{wrong}/rows")
    assert [one["replayed_at"] for one in await refused_rows(door)] == [None, None]

    right = await make(door, format="csv", mapping=OWN_MAPPING)
    await send(door, file, f"/v1/imports/{right}/rows")
    waiting = [one["detail"][:6] for one in await refused_rows(door) if not one["replayed_at"]]
    told = await fix(door, {"When": "25/12/2024", "Mail": "ann@example.com"})

    assert waiting == ["row 2:"]
    assert told["accepted"] == 1
    assert len(await door.touchpoints()) == 2


async def test_a_row_with_an_id_of_its_own_is_fixed_under_it(door: OpenDoor) -> None:
    await send(door, b"id,kind,email\no-1,a_b,\n")
    assert [one["id"][:4] for one in await refused_rows(door)] == ["row-"]

    told = await fix(door, {"email": "ann@example.com"})

    assert told["accepted"] == 1
    assert [one.id for one in await door.touchpoints()] == ["o-1"]


async def test_a_long_file_streams_through_the_guard(door: OpenDoor) -> None:
    """Longer than any other body may be, over a real connection, with little of it held."""
    guard = Guard(GuardLimits(max_body_bytes=64 * 1024, streamed=b"/v1/imports"))
    row = b"a_b," + b"x" * 900 + b"-%d\n"

    async def pieces() -> AsyncIterator[bytes]:
        yield b"kind,user_id,note\n"
        for number in range(2_000):
            yield b"a_b,u-%d,%s\n" % (number, row[4:900])

    async with served(serving.application(door.own), guard) as port, httpx.AsyncClient(timeout=60) as client:
        address = f"http://127.0.0.1:{port}/v1/imports"
        given = {"authorization": f"Bearer {door.keys.secret}", "content-type": "text/csv"}
        told = (await client.post(address, content=pieces(), headers=given)).json()
        refused = await client.post(f"{address}/x/rows", content=pieces(), headers={"authorization": "Bearer no"})
        elsewhere = await client.post(f"http://127.0.0.1:{port}/v1/touchpoints", content=b"x" * 70_000, headers=given)

    assert (told["state"], told["accepted"]) == ("done", 2_000)
    assert (refused.status_code, elsewhere.status_code) == (401, 413)


PASSED_OVER = {
    "adobe-analytics": 1,
    "salesforce-contacts": 1,
    "salesforce-leads": 5,
    "salesforce-opportunities": 7,
}
"""Rows of the samples that are none: hidden, deleted, notes and totals of a report."""


@pytest.mark.parametrize("name", BESIDE)
async def test_a_ready_mapping_twice_changes_nothing(door: OpenDoor, name: str) -> None:
    asked = {"format": "csv", "mapping": {"ready": name, **BESIDE[name]}}
    looked_at = (await send(door, sample(name), f"/v1/imports/{await make(door, **asked, dry_run=True)}/rows")).json()
    assert await door.touchpoints() == []

    first = (await send(door, sample(name), f"/v1/imports/{await make(door, **asked)}/rows")).json()
    await send(door, gzip.compress(sample(name)), f"/v1/imports/{await make(door, **asked)}/rows")

    ids = [one.id for one in await door.touchpoints()]
    assert sorted([one.id for one in outcomes(name) if isinstance(one, Touchpoint)] * 2) == sorted(ids)
    counted = [[told[one] for one in ("rows", "accepted", "rejected", "skipped")] for told in (looked_at, first)]
    assert counted[0] == counted[1]
    assert first["skipped"] == PASSED_OVER.get(name, 0)
    assert first["refused"] == looked_at["refused"]


async def test_ready_mappings_are_listed_and_taken_by_name(door: OpenDoor) -> None:
    listed = {one["name"] for one in (await read(door, "/v1/imports/mappings"))["data"]}

    told = (await send(door, sample("zoho-leads"), "/v1/imports?mapping=zoho-leads")).json()
    unknown = await send(door, CSV.encode(), "/v1/imports?mapping=zoho")
    other = await send(door, CSV.encode(), "/v1/imports?mapping=adobe-analytics")

    assert listed == set(BESIDE)
    assert (told["state"], told["accepted"]) == ("done", 1)
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/mapping/ready")
    assert (other.status_code, "none of the columns" in other.text) == (422, True)
