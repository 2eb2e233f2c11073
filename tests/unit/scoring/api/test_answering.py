"""Tags of answers."""

import pytest
from fastapi import Request

from services.scoring.api.answering import answer
from services.scoring.schemas.split import SplitAccepted

BODY = SplitAccepted(touchpoint_id="t1", occurred_at=0)


def asking(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


def test_the_same_content_has_the_same_tag_and_other_content_another() -> None:
    first, again = answer(asking(), BODY), answer(asking(), BODY)
    other = answer(asking(), SplitAccepted(touchpoint_id="t2", occurred_at=0))

    assert first.headers["etag"] == again.headers["etag"] != other.headers["etag"]
    assert first.body == b'{"touchpoint_id":"t1","occurred_at":"1970-01-01T00:00:00Z"}'


@pytest.mark.parametrize("form", ["{tag}", "W/{tag}", '"x", {tag}', "*"])
def test_who_holds_it_already_is_told_just_that(form: str) -> None:
    tag = answer(asking(), BODY).headers["etag"]

    held = answer(asking(if_none_match=form.format(tag=tag)), BODY)

    assert (held.status_code, held.body, held.headers["etag"]) == (304, b"", tag)


@pytest.mark.parametrize("form", ["", '"x"', 'W/"x", "y"'])
def test_who_holds_another_one_gets_the_new_one(form: str) -> None:
    assert answer(asking(if_none_match=form), BODY).status_code == 200
