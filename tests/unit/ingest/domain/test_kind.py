"""Names of events to kinds."""

import pytest

from services.ingest.domain.kind import MAX_LENGTH, RESERVED, check_kind, is_form, kind_of_event
from services.ingest.domain.refusal import Refused
from shared.vocabulary import Code


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Demo Requested", "demo_requested"),
        ("demoRequested", "demo_requested"),
        ("DemoRequested", "demo_requested"),
        ("demo-requested", "demo_requested"),
        ("  Demo -- Requested! ", "demo_requested"),
        ("PDFDownloaded", "pdf_downloaded"),
        ("Step 2 Done", "step_2_done"),
        ("Angebot geöffnet", "angebot_geöffnet"),
        ("注文完了", "注文完了"),
        ("Product Viewed", "product_viewed"),
        ("Product Added", "cart_item_added"),
        ("Product Removed", "cart_item_removed"),
        ("Checkout Started", "checkout_started"),
        ("Order Completed", "order_completed"),
        ("Order Refunded", "order_refunded"),
        ("Email Opened", "email_opened"),
        ("Email Link Clicked", "email_link_clicked"),
        ("Email Marked as Spam", "email_complained"),
        ("Unsubscribed", "email_unsubscribed"),
        ("Segment Consent Preference Updated", "consent_updated"),
        ("Subscription Canceled", "subscription_cancelled"),
    ],
)
def test_event_becomes_a_kind(name: str, kind: str) -> None:
    assert kind_of_event(name) == kind


@pytest.mark.parametrize("name", ["", "  ", "!!!", "___", "a" * (MAX_LENGTH + 1), *RESERVED, "Account Joined"])
def test_what_cannot_be_a_kind_is_none(name: str) -> None:
    assert kind_of_event(name) == ""


@pytest.mark.parametrize("kind", ["page_viewed", "x", "step_2_done", "angebot_geöffnet"])
def test_well_written_kind_passes(kind: str) -> None:
    check_kind(kind, "/kind")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("Page Viewed", Code.INVALID_KIND),
        ("page__viewed", Code.INVALID_KIND),
        ("", Code.INVALID_KIND),
        ("_", Code.INVALID_KIND),
        ("a" * (MAX_LENGTH + 1), Code.TOO_LONG),
    ],
)
def test_badly_written_kind_is_refused(kind: str, code: Code) -> None:
    with pytest.raises(Refused) as caught:
        check_kind(kind, "/kind")

    assert (caught.value.refusal.code, caught.value.refusal.pointer) == (code, "/kind")


@pytest.mark.parametrize("kind", ["form_submitted", "demo_requested", "webinar_registered", "signed_up"])
def test_forms_are_known(kind: str) -> None:
    assert is_form(kind)


def test_invitation_is_no_form_of_the_invited() -> None:
    assert not is_form("colleague_invited")
