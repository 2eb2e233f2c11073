"""People who want something now: paid search, partners, fairs, phone, chat, outbound, showroom, whole accounts."""

from services.cli.demo import catalog
from services.cli.demo.diary import Diary, utm
from services.cli.demo.journeys_content import nurture, read, take_guide
from services.cli.demo.journeys_sales import hand_raise, sell
from services.cli.demo.person import make_person
from shared.vocabulary import Channel, Kind


def paid_search(diary: Diary) -> None:
    """Clicks an ad with a problem at hand: prices at once, then a hand-raise, a guide, or gone for good."""
    draw = diary.draw
    diary.arrive(draw.pick((catalog.CPC_BRAND, catalog.CPC_GENERIC, catalog.CPC_GENERIC, catalog.CPC_BING)))
    diary.page("/solutions/cold-chain", "Cold chain software")
    diary.wait(2)
    if draw.chance(0.45):
        diary.page("/pricing", "Pricing")
        diary.wait(3)
    if draw.chance(0.08):
        hand_raise(diary, draw.pick(("demo", "price")))
        sell(diary, opens=0.5, wins=0.42)
    elif draw.chance(0.3):
        take_guide(diary)
        if nurture(diary, answers=0.45) and draw.chance(0.6):
            hand_raise(diary, "demo")
            sell(diary, opens=0.55, wins=0.5)
    elif draw.chance(0.25):
        diary.later(1)
        read(diary, catalog.RETARGETING, 1)


def display_click(diary: Diary) -> None:
    """Taps a picture ad on the phone; few are worth much."""
    with diary.on(diary.person.handheld, f"{diary.person.cookie}-m"):
        diary.arrive(catalog.DISPLAY)
        diary.page("/autumn", "The autumn showcase")
        if diary.draw.chance(0.3):
            diary.wait(1)
            diary.page("/products", "Products")
        if diary.draw.chance(0.16):
            diary.site("form_submitted", reveals=True, properties={"form": "newsletter"})
            nurture(diary, answers=0.1)


def partner_referral(diary: Diary) -> None:
    """Sent by a partner or a review, well informed: the best leads there are."""
    draw = diary.draw
    diary.arrive(draw.weighted(((catalog.PARTNER, 0.7), (catalog.REVIEWS, 0.3))))
    diary.page("/customers", "What customers say")
    diary.wait(4)
    diary.page("/pricing", "Pricing")
    diary.wait(3)
    if draw.chance(0.2):
        hand_raise(diary, draw.pick(("demo", "price")))
        sell(diary, opens=0.72, wins=0.6, size=14_000)
    elif draw.chance(0.65):
        take_guide(diary)
        if nurture(diary, answers=0.7) and draw.chance(0.75):
            hand_raise(diary, draw.pick(("demo", "price")))
            sell(diary, opens=0.72, wins=0.6, size=14_000)


def fair_visitor(diary: Diary) -> None:
    """Signs in on the tablet of the booth, which everybody uses; the badge list follows days later."""
    draw = diary.draw
    with diary.on(catalog.HANDHELDS[2][0], f"booth-{draw.whole(1, 3)}"):
        diary.site("event_attended", channel=Channel.EVENT, reveals=True, campaign=utm(catalog.FAIR))
    if draw.chance(0.3):
        diary.later(1)
        read(diary, None, 1)
        take_guide(diary)
    if draw.chance(0.7):
        diary.office_hours(1)
        diary.mail("email_sent", catalog.NURTURE)
        if nurture(diary, answers=0.4):
            hand_raise(diary, "demo")
            sell(diary, opens=0.6, wins=0.45, size=16_000)


def caller(diary: Diary) -> None:
    """Rings up."""
    diary.call("call_answered", properties={"direction": "inbound"})
    if diary.draw.chance(0.4):
        diary.call("price_requested")
        sell(diary, opens=0.6, wins=0.5)


def chatter(diary: Diary) -> None:
    """Asks the chat on the site, often leaves an address."""
    diary.site(
        "chat_started", channel=Channel.CHAT, properties={"topic": diary.draw.pick(("price", "delivery", "support"))}
    )
    diary.wait(3)
    if diary.draw.chance(0.55):
        diary.site("form_submitted", channel=Channel.CHAT, reveals=True, properties={"form": "chat"})
        if diary.draw.chance(0.3):
            diary.wait(5)
            hand_raise(diary, "price")
            sell(diary, opens=0.6, wins=0.45)
        elif diary.draw.chance(0.4):
            take_guide(diary)


def cold_account(diary: Diary) -> None:
    """Written to and called by sales without having asked."""
    diary.write("message_sent", Channel.SALES, {"email": diary.person.email}, campaign=utm(catalog.OUTBOUND))
    diary.office_hours(2)
    if diary.draw.chance(0.35):
        diary.crm("meeting_booked", channel=Channel.MEETING, traits=diary.person.traits)
        sell(diary, opens=0.4, wins=0.3, size=20_000)


def magazine_reader(diary: Diary) -> None:
    """Fills in the card of a trade journal; keyed in by hand a week later."""
    card = {"traits": diary.person.traits, "campaign": utm(catalog.MAGAZINE)}
    diary.write("coupon_returned", Channel.OFFLINE, {"email": diary.person.email}, **card)
    if diary.draw.chance(0.5) and nurture(diary, answers=0.5):
        take_guide(diary)
        if diary.draw.chance(0.5):
            hand_raise(diary, "price")
            sell(diary, opens=0.6, wins=0.5)


def showroom_visitor(diary: Diary) -> None:
    """Places a gateway in the own warehouse by augmented reality."""
    with diary.on(diary.person.handheld, f"{diary.person.cookie}-m"):
        diary.site("showroom_visited", channel=Channel.IMMERSIVE, campaign=utm(catalog.SHOWROOM))
        diary.wait(6)
        diary.site("product_viewed", channel=Channel.IMMERSIVE, properties={"product_id": "GATE-2"})
        if diary.draw.chance(0.5):
            diary.site("form_submitted", channel=Channel.IMMERSIVE, reveals=True, properties={"form": "demo_download"})
            if nurture(diary, answers=0.4):
                hand_raise(diary, "demo")
                sell(diary, opens=0.5, wins=0.4)


def buying_committee(diary: Diary) -> None:
    """Three people of one company: a specialist reads, a manager compares, the boss asks for the demo and signs."""
    draw, first = diary.draw, diary.person
    read(diary, catalog.ORGANIC, 2)
    take_guide(diary)
    diary.site(Kind.ACCOUNT_JOINED, reveals=True)
    for number in (1, 2):
        key = f"{first.key}-{number}"
        colleague = make_person(draw, key, first.phone.replace("+4520", f"+452{number}"), company=first.company)
        story = Diary(colleague, draw, diary.now)
        story.later(1)
        read(story, catalog.LINKEDIN if number == 1 else None, 1)
        story.page("/pricing", "Pricing")
        story.site("form_submitted", reveals=True, properties={"form": "whitepaper"})
        story.site(Kind.ACCOUNT_JOINED, reveals=True)
        if number == 2:  # noqa: PLR2004 (the boss)
            story.later(2)
            hand_raise(story, "demo")
            sell(story, opens=0.8, wins=0.55, size=30_000)
        diary.deliveries.extend(story.deliveries)
