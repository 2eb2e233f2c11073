"""People who read: organic visitors, social and display clicks, guides and the mails that follow them, webinars."""

from services.cli.demo import catalog
from services.cli.demo.catalog import Campaign
from services.cli.demo.diary import Diary
from services.cli.demo.journeys_sales import hand_raise, sell
from shared.vocabulary import Channel, Kind


def read(diary: Diary, campaign: Campaign | None, articles: int) -> None:
    """One visit with some articles."""
    diary.arrive(campaign)
    for _ in range(articles):
        path, title = diary.draw.pick(catalog.ARTICLES)
        diary.page(path, title)
        if diary.draw.chance(0.4):
            diary.wait(3)
            diary.site("content_read", page={"path": path})
        diary.wait(2)


def take_guide(diary: Diary) -> None:
    """Give the address for a guide."""
    form = diary.draw.pick(("ebook", "whitepaper", "ebook"))
    diary.page(f"/guides/{form}", "The guide")
    diary.wait(1.5)
    diary.site("form_submitted", reveals=True, properties={"form": form})


def nurture(diary: Diary, *, answers: float) -> bool:
    """Follow-up mails; True when the reader comes back to look at prices, with chance ``answers`` per mail."""
    for _ in range(diary.draw.whole(2, 4)):
        diary.office_hours(2)
        diary.mail("email_sent", catalog.NURTURE)
        if not diary.draw.chance(0.55):
            continue
        diary.wait(90)
        diary.mail("email_opened", catalog.NURTURE)
        if not diary.draw.chance(answers):
            continue
        diary.wait(2)
        diary.mail("email_link_clicked", catalog.NURTURE)
        diary.arrive(catalog.NURTURE)
        diary.page("/pricing", "Pricing")
        diary.wait(4)
        return True
    if diary.draw.chance(0.04):
        diary.mail("email_unsubscribed", catalog.NURTURE)
    return False


def organic_reader(diary: Diary) -> None:
    """Finds an article by search; some come back, take a guide, and after mails ask for a demo."""
    read(diary, catalog.ORGANIC, diary.draw.whole(1, 4))
    _subscribe(diary, 0.3)
    _stay_or_go(diary, stays=0.6, guide=0.42, answers=0.45, opens=0.5, wins=0.45)


def direct_visitor(diary: Diary) -> None:
    """Types the address."""
    read(diary, None, diary.draw.whole(1, 2))
    _subscribe(diary, 0.35)
    _stay_or_go(diary, stays=0.5, guide=0.4, answers=0.4, opens=0.45, wins=0.4)


def social_scroller(diary: Diary) -> None:
    """Taps a story on the phone and mostly never returns; those who do often come on another device."""
    campaign = diary.draw.pick((catalog.LINKEDIN, catalog.LINKEDIN, catalog.INSTAGRAM))
    with diary.on(diary.person.handheld, f"{diary.person.cookie}-m"):
        read(diary, campaign, diary.draw.whole(1, 2))
        _subscribe(diary, 0.3)
    _stay_or_go(diary, stays=0.4, guide=0.5, answers=0.35, opens=0.45, wins=0.4)


def newsletter_reader(diary: Diary) -> None:
    """Known to the mail provider first, to the site only by the click."""
    diary.mail("email_sent", catalog.NEWSLETTER)
    diary.wait(200)
    diary.mail("email_opened", catalog.NEWSLETTER)
    if diary.draw.chance(0.5):
        diary.wait(1)
        diary.mail("email_link_clicked", catalog.NEWSLETTER)
        read(diary, catalog.NEWSLETTER, diary.draw.whole(1, 2))
        _stay_or_go(diary, stays=0.6, guide=0.6, answers=0.5, opens=0.6, wins=0.55)


def webinar_guest(diary: Diary) -> None:
    """Registers for the webinar; half attend, the interested ask for a demo afterwards."""
    draw = diary.draw
    diary.arrive(catalog.WEBINAR)
    diary.page("/webinars/cold-chain-live", "Cold chain, live")
    diary.wait(2)
    diary.site("webinar_registered", channel=Channel.WEBINAR, reveals=True, properties={"webinar": "cold-chain-live"})
    diary.office_hours(1.5)
    if not draw.chance(0.55):
        diary.mail("email_sent", catalog.NURTURE)
        return
    diary.write(
        "webinar_attended", Channel.WEBINAR, {"email": diary.person.email}, properties={"minutes": draw.whole(10, 60)}
    )
    if draw.chance(0.16):
        diary.wait(40)
        hand_raise(diary, "demo")
        sell(diary, opens=0.65, wins=0.5)
    else:
        _stay_or_go(diary, stays=0.8, guide=0.6, answers=0.5, opens=0.6, wins=0.5)


def _stay_or_go(diary: Diary, *, stays: float, guide: float, answers: float, opens: float, wins: float) -> None:
    draw = diary.draw
    while draw.chance(stays) and len(diary.deliveries) < 14:  # noqa: PLR2004 (nobody reads for ever)
        diary.later(1.5)
        read(diary, None if draw.chance(0.7) else catalog.RETARGETING, draw.whole(1, 3))
        if draw.chance(0.04):
            hand_raise(diary, "demo")
            sell(diary, opens=opens, wins=wins)
            return
        if draw.chance(guide):
            break
    else:
        _leave(diary)
        return
    take_guide(diary)
    if nurture(diary, answers=answers) and draw.chance(0.75):
        hand_raise(diary, draw.pick(("demo", "demo", "price")))
        sell(diary, opens=opens, wins=wins)
    elif draw.chance(0.1):
        diary.sign_in()
        diary.site(Kind.IDENTIFIED, reveals=True)


def _leave(diary: Diary) -> None:
    diary.wait(3)
    if diary.draw.chance(0.05):
        diary.page("/careers", "Careers")
    else:
        _subscribe(diary, 0.15)


def _subscribe(diary: Diary, chance: float) -> None:
    if diary.draw.chance(chance):
        diary.wait(1)
        diary.site("form_submitted", reveals=True, properties={"form": "newsletter"})
