"""What the invented company's world is made of: countries, devices, campaigns, articles, products, names."""

from dataclasses import dataclass
from typing import Final

from shared.vocabulary import Channel


@dataclass(frozen=True, slots=True)
class Campaign:
    """Where a visit comes from: the channel it means, its UTM fields and the parameter that carries the click id."""

    channel: Channel
    source: str
    medium: str
    name: str = ""
    click: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """A kind of device and the user agent it sends."""

    name: str
    user_agent: str


_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0"

DESKTOPS: Final = (
    (Device("desktop", f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36"), 6.0),
    (Device("desktop", f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_SAFARI} Safari/605.1.15"), 3.0),
    (Device("desktop", "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"), 1.0),
)
HANDHELDS: Final = (
    (
        Device("mobile", f"{_IPHONE} {_SAFARI} Mobile/15E148 Safari/604.1"),
        5.0,
    ),
    (Device("mobile", f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {_CHROME} Mobile Safari/537.36"), 4.0),
    (Device("tablet", f"Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) {_SAFARI} Mobile/15E148 Safari/604.1"), 1.0),
)

COUNTRIES: Final = (
    (("DK", "da-DK", "Europe/Copenhagen"), 30.0),
    (("SE", "sv-SE", "Europe/Stockholm"), 20.0),
    (("DE", "de-DE", "Europe/Berlin"), 18.0),
    (("NO", "nb-NO", "Europe/Oslo"), 14.0),
    (("GB", "en-GB", "Europe/London"), 10.0),
    (("US", "en-US", "America/New_York"), 8.0),
)

CPC_BRAND: Final = Campaign(Channel.ADS, "google", "cpc", "brand", click="gclid")
CPC_GENERIC: Final = Campaign(Channel.ADS, "google", "cpc", "cold-chain-software", click="gclid")
CPC_BING: Final = Campaign(Channel.ADS, "bing", "cpc", "cold-chain-software", click="msclkid")
DISPLAY: Final = Campaign(Channel.ADS, "meta", "paid_social", "autumn-showcase", click="fbclid")
RETARGETING: Final = Campaign(Channel.ADS, "meta", "retargeting", "come-back", click="fbclid")
LINKEDIN: Final = Campaign(Channel.SOCIAL, "linkedin", "social", "operations-stories")
INSTAGRAM: Final = Campaign(Channel.SOCIAL, "instagram", "social", "behind-the-scenes")
ORGANIC: Final = Campaign(Channel.SEARCH, "google", "organic")
PARTNER: Final = Campaign(Channel.REFERRAL, "nordlog", "referral", "partner-programme")
REVIEWS: Final = Campaign(Channel.REFERRAL, "review-site", "referral")
NEWSLETTER: Final = Campaign(Channel.EMAIL, "newsletter", "email", "monthly-letter")
NURTURE: Final = Campaign(Channel.EMAIL, "nurture", "email", "guide-follow-up")
CART_MAIL: Final = Campaign(Channel.EMAIL, "shop", "email", "cart-reminder")
WEBINAR: Final = Campaign(Channel.WEBINAR, "webinar", "webinar", "cold-chain-live")
FAIR: Final = Campaign(Channel.EVENT, "fair", "event", "logistics-days")
MAGAZINE: Final = Campaign(Channel.OFFLINE, "magazine", "print", "trade-journal")
SHOWROOM: Final = Campaign(Channel.IMMERSIVE, "showroom", "ar", "warehouse-in-your-hand")
OUTBOUND: Final = Campaign(Channel.SALES, "outbound", "sales", "target-accounts")

ARTICLES: Final = (
    ("/blog/cold-chain-basics", "Cold chain, explained"),
    ("/blog/sensor-placement", "Where to put the sensors"),
    ("/blog/gdp-audit-checklist", "The audit checklist"),
    ("/blog/pharma-excursions", "When a shipment gets warm"),
    ("/blog/last-mile-ice-cream", "Ice cream in July"),
)
PRODUCTS: Final = (
    ("LOG-10", "Pocket logger", "89.00"),
    ("LOG-50", "Pallet logger", "129.00"),
    ("GATE-2", "Warehouse gateway", "349.00"),
    ("KIT-5", "Starter kit", "499.00"),
)
PLANS: Final = (("starter", "49.00"), ("team", "199.00"), ("fleet", "690.00"))

FIRST_NAMES: Final = (
    *("Anna", "Mads", "Freja", "Lukas", "Sofie", "Emil", "Ida", "Oskar", "Maja", "Jonas", "Clara", "Nils", "Astrid"),
    *("Erik", "Linnea", "Felix", "Hanna", "Anton", "Greta", "Paul", "Lena", "Thomas", "Grace", "Oliver", "Amelia"),
)
LAST_NAMES: Final = (
    *("Jensen", "Nielsen", "Hansen", "Larsen", "Andersson", "Lindqvist", "Berg", "Dahl", "Holm", "Lund", "Schmidt"),
    *("Weber", "Fischer", "Wagner", "Becker", "Taylor", "Evans", "Clarke", "Walker", "Moore", "Solberg", "Haugen"),
)
TRADES: Final = ("Foods", "Logistics", "Pharma", "Dairy", "Freight", "Seafood", "Flowers", "Biotech", "Cold Stores")
PLACES: Final = ("Aarhus", "Skagen", "Malmo", "Bergen", "Kiel", "Odense", "Uppsala", "Bremen", "Leeds", "Turku", "Ribe")
SENIORITIES: Final = (
    ("c_level", 0.08),
    ("vp", 0.08),
    ("director", 0.16),
    ("manager", 0.34),
    ("specialist", 0.28),
    ("student", 0.06),
)
EMPLOYEES: Final = ((8, 0.25), (35, 0.3), (120, 0.25), (600, 0.15), (4000, 0.05))
