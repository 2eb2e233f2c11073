"""What reaches the door on a day: a pure function of the seed and the day.

Everyone first seen on a day is its *cohort*; a story lasts at most ``STORY_DAYS``. So a run over the last N >= 30 days
made of the cohorts of those days, and a run a day later, together hold exactly what one run over N + 1 days holds.
Days are numbered from 1970-01-01 in UTC.
"""

from collections.abc import Callable, Iterator
from typing import Final

from services.cli.demo import journeys_content, journeys_direct, journeys_shop
from services.cli.demo.diary import Delivery, Diary, Json
from services.cli.demo.draw import Draw
from services.cli.demo.person import make_person, person_key
from shared.clock import DAY, HOUR, MINUTE, SECOND

STORY_DAYS: Final = 30
"""Nothing of a person is delivered later than this many days after the first day."""

PEOPLE: Final = 180
"""People first seen on a working day; half as many on a weekend."""

WEEKEND: Final = 5

JOURNEYS: Final[tuple[tuple[Callable[[Diary], None], float], ...]] = (
    (journeys_content.organic_reader, 25.0),
    (journeys_direct.paid_search, 17.0),
    (journeys_content.social_scroller, 13.0),
    (journeys_shop.shopper, 4.0),
    (journeys_content.webinar_guest, 7.0),
    (journeys_direct.display_click, 6.0),
    (journeys_content.direct_visitor, 6.0),
    (journeys_content.newsletter_reader, 5.0),
    (journeys_direct.partner_referral, 6.5),
    (journeys_shop.trial_user, 2.0),
    (journeys_direct.fair_visitor, 4.0),
    (journeys_direct.chatter, 3.0),
    (journeys_direct.caller, 1.5),
    (journeys_direct.buying_committee, 1.5),
    (journeys_direct.magazine_reader, 1.2),
    (journeys_direct.cold_account, 1.2),
    (journeys_direct.showroom_visitor, 1.0),
)

LATE_HOURS: Final = ((2.0, 6.0), (20.0, 2.0), (60.0, 1.0))
"""How late the late ones come: median hours and weight."""


def month(seed: int, first_day: int, last_day: int) -> Iterator[Json]:
    """Touchpoints of the cohorts of ``first_day`` to ``last_day``, both included, in the order they reach the door.

    Only what is delivered before the end of ``last_day``.
    """
    deliveries = [delivery for day in range(first_day, last_day + 1) for delivery in cohort(seed, day)]
    end = (last_day + 1) * DAY
    for delivery in sorted(deliveries, key=lambda one: (one.at, one.touchpoint["id"])):
        if delivery.at < end:
            yield delivery.touchpoint


def cohort(seed: int, day: int) -> list[Delivery]:
    """All that people first seen on ``day`` will ever send, late and doubled deliveries included."""
    draw = Draw(f"{seed}:{day}")
    people = PEOPLE if (day + 3) % 7 < WEEKEND else PEOPLE // 2
    deliveries: list[Delivery] = []
    lent = ""
    for number in range(people + draw.whole(-12, 12)):
        story = Draw(f"{seed}:{day}:{number}")
        cookie = lent if lent and story.chance(0.03) else None
        phone = f"+4520{(day % 1000) * 1000 + number:06d}"
        person_story = _story(story, person_key(seed, day, number), phone, day, cookie)
        lent = person_story.person.cookie
        deliveries.extend(_delivered(story, person_story.deliveries))
    end = (day + STORY_DAYS) * DAY
    return [delivery for delivery in deliveries if delivery.at < end]


def _story(draw: Draw, key: str, phone: str, day: int, cookie: str | None) -> Diary:
    """One person's story; with ``cookie`` it happens in the browser of the person before."""
    person = make_person(draw, key, phone, cookie=cookie)
    hour = draw.weighted(((draw.between(6, 10), 3.0), (draw.between(10, 16), 5.0), (draw.between(16, 23), 2.0)))
    diary = Diary(person, draw, day * DAY + int(hour * HOUR) + draw.whole(0, 59) * SECOND)
    draw.weighted(JOURNEYS)(diary)
    return diary


def _delivered(draw: Draw, deliveries: list[Delivery]) -> Iterator[Delivery]:
    """At once; 4 % later (offline phones, nightly exports); 1.5 % twice, the second time with the same id and text."""
    for delivery in deliveries:
        late = draw.chance(0.04)
        at = delivery.at + (int(draw.around(draw.weighted(LATE_HOURS)) * HOUR) if late else 0)
        yield Delivery(at, delivery.touchpoint)
        if draw.chance(0.015):
            yield Delivery(at + int(draw.around(10) * MINUTE), delivery.touchpoint)
