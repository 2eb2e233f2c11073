"""What sales does with a lead that raised a hand, and what becomes of the deal."""

from services.cli.demo.diary import Diary
from shared.vocabulary import Channel, Kind


def hand_raise(diary: Diary, form: str) -> None:
    """Ask for a price or a live demo on the site, address given."""
    kind = "demo_requested" if form == "demo" else "price_requested"
    diary.page(f"/{form}", form.capitalize())
    diary.wait(2)
    diary.site(kind, reveals=True, properties={"form": form}, page={"path": f"/{form}"})


def sell(diary: Diary, *, opens: float, wins: float, size: int = 9_000) -> None:
    """Sales calls back, meets, opens an opportunity with chance ``opens`` and wins it with chance ``wins``.

    Some deals are neither won nor lost within the month: they stay open.
    """
    draw = diary.draw
    diary.office_hours(0.4)
    if not draw.chance(0.9):
        return
    diary.call("call_answered", properties={"minutes": draw.whole(3, 25)})
    if not draw.chance(min(1.0, opens + 0.35)):
        return
    diary.office_hours(1)
    diary.crm("meeting_booked", channel=Channel.MEETING)
    diary.office_hours(1.2)
    diary.crm("meeting_held", channel=Channel.MEETING, properties={"minutes": draw.pick((30, 45, 60))})
    if draw.chance(opens):
        _deal(diary, wins=wins, size=size)


def _deal(diary: Diary, *, wins: float, size: int) -> None:
    draw = diary.draw
    deal = f"opp-{diary.person.key}"
    value = {"amount": f"{int(draw.around(size, 0.7))}.00", "currency": "EUR"}
    diary.office_hours(1)
    diary.crm(Kind.OPPORTUNITY_OPENED, value=value, properties={"opportunity_id": deal})
    diary.office_hours(1.5)
    diary.crm("proposal_sent", known_by_address=False, properties={"opportunity_id": deal})
    diary.arrive(None)
    diary.wait(300)
    diary.page("/pricing", "Pricing")
    if draw.chance(0.1):
        return
    diary.office_hours(2)
    if draw.chance(wins):
        diary.crm(Kind.OPPORTUNITY_WON, known_by_address=False, value=value, properties={"opportunity_id": deal})
        _after_sale(diary)
    else:
        reason = draw.pick(("price", "timing", "competitor", "no answer"))
        diary.crm(Kind.OPPORTUNITY_LOST, known_by_address=False, properties={"opportunity_id": deal, "reason": reason})


def _after_sale(diary: Diary) -> None:
    diary.office_hours(1)
    diary.sign_in()
    diary.site(Kind.IDENTIFIED, reveals=True)
    for _ in range(diary.draw.whole(1, 4)):
        diary.later(1.5)
        diary.page("/app/onboarding", "Onboarding")
    if diary.draw.chance(0.5):
        diary.later(2)
        diary.site("survey_answered", properties={"survey": "nps", "score": diary.draw.whole(5, 10)})
