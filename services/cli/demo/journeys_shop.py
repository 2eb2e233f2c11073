"""People who buy without talking to anyone: carts, trials and subscriptions, and how they end."""

from services.cli.demo import catalog
from services.cli.demo.diary import Diary
from shared.vocabulary import Kind


def shopper(diary: Diary) -> None:
    """Looks at products; some fill a cart, some pay, some come back by the reminder, a few buy again or refund."""
    draw = diary.draw
    sources = (
        (catalog.CPC_BRAND, 0.24),
        (catalog.ORGANIC, 0.24),
        (None, 0.18),
        (catalog.INSTAGRAM, 0.14),
        (catalog.NEWSLETTER, 0.12),
        (catalog.DISPLAY, 0.08),
    )
    diary.arrive(draw.weighted(sources))
    sku, title, price = draw.pick(catalog.PRODUCTS)
    item = {"product_id": sku, "name": title, "price": price}
    diary.page("/shop", "Shop")
    for _ in range(draw.whole(1, 3)):
        diary.wait(2)
        diary.site("product_viewed", properties=item)
    if not draw.chance(0.45):
        return
    diary.wait(2)
    diary.site("cart_item_added", properties=item)
    if not draw.chance(0.6):
        return
    diary.wait(3)
    diary.site("checkout_started", reveals=True, properties=item)
    if not draw.chance(0.45) and not _reminded(diary):
        return
    _order(diary, 1, price)
    if draw.chance(0.18):
        diary.later(7)
        diary.arrive(catalog.NEWSLETTER)
        diary.page("/shop", "Shop")
        _order(diary, 2, price)


def _reminded(diary: Diary) -> bool:
    diary.wait(240)
    diary.mail("email_sent", catalog.CART_MAIL)
    if not diary.draw.chance(0.4):
        return False
    diary.wait(200)
    diary.mail("email_opened", catalog.CART_MAIL)
    if not diary.draw.chance(0.4):
        return False
    diary.wait(1)
    diary.mail("email_link_clicked", catalog.CART_MAIL)
    diary.arrive(catalog.CART_MAIL)
    diary.page("/cart", "Your cart")
    return True


def _order(diary: Diary, number: int, price: str) -> None:
    diary.wait(4)
    order = {"order_id": f"order-{diary.person.key}-{number}"}
    value = {"amount": price, "currency": "EUR"}
    diary.site(Kind.ORDER_COMPLETED, reveals=True, value=value, properties=order)
    if diary.draw.chance(0.06):
        diary.later(4)
        diary.site(Kind.ORDER_REFUNDED, reveals=True, value=value, properties=order)


def trial_user(diary: Diary) -> None:
    """Signs up for a trial and works in the app on two devices; pays, stays, leaves or falls asleep."""
    draw, person = diary.draw, diary.person
    diary.arrive(draw.weighted(((catalog.ORGANIC, 0.4), (catalog.CPC_BRAND, 0.3), (None, 0.3))))
    diary.page("/trial", "Try it for two weeks")
    diary.wait(3)
    diary.sign_in()
    diary.site(Kind.IDENTIFIED, reveals=True)
    diary.site("trial_started", properties={"plan": "team"})
    for _ in range(draw.whole(1, 5)):
        diary.later(0.8)
        with diary.on(person.handheld, f"{person.cookie}-m"):
            diary.sign_in()
            diary.site(Kind.SCREEN_VIEWED, properties={"name": "Shipments"})
        diary.wait(30)
        diary.page("/app/shipments", "Shipments")
    if draw.chance(0.35):
        _subscribe(diary)


def _subscribe(diary: Diary) -> None:
    draw = diary.draw
    plan, price = draw.pick(catalog.PLANS)
    terms = {"subscription_id": f"sub-{diary.person.key}", "plan": plan}
    value = {"amount": price, "currency": "EUR"}
    diary.later(2)
    diary.site(Kind.SUBSCRIPTION_STARTED, value=value, properties=terms)
    for _ in range(draw.whole(0, 4)):
        diary.later(1)
        diary.page("/app/reports", "Reports")
    if draw.chance(0.2):
        diary.later(7)
        diary.site(Kind.SUBSCRIPTION_CANCELLED, properties={**terms, "reason": draw.pick(("price", "missing feature"))})
