"""Made-up buyers: names as Malaysian shops meet them, in five scripts, and places that exist in name only."""

from __future__ import annotations

from random import Random
from typing import Any

_NAMES: tuple[tuple[str, str], ...] = (
    ("Nur Izzati", "binti Kamaruddin"),
    ("Mohd Hafiz", "bin Zulkifli"),
    ("Farah Nabila", "Ismail"),
    ("Che Ku Amirah", ""),
    ("黄", "志明"),
    ("陳", "麗珍"),
    ("Xin Yi 欣怡", "Goh"),
    ("Kok Wai", "Teoh"),
    ("கவிதா", "ராஜேந்திரன்"),
    ("Thinesh", "a/l Maniam"),
    ("Sangeetha", "d/o Krishnan"),
    ("Phạm", "Thuỳ Dương"),
    ("Lê Hoàng", "Phúc"),
    ("Dayang Rosmah", "Awang"),
    ("Jelani", "anak Unggau"),
    ("Kadazan Jane", "Gumis"),
    ("Chloë", "D'Almeida"),
    ("✨Mimi✨", "🌷🌷"),
    ("ALL CAPS", "BUYER"),
    ("  spaced ", " Out  "),
)
_COMPANIES = ("", "", "", "", "", "", "Kedai Runcit Tiga Saudara", "Butik Cempaka & Co.", "明发贸易 Sdn. Bhd.")
_PLACES: tuple[tuple[str, str, str], ...] = (
    ("George Town", "Pulau Pinang", "10200"),
    ("Ipoh", "Perak", "31400"),
    ("Shah Alam", "Selangor", "40150"),
    ("Kuala Lumpur", "Wilayah Persekutuan", "50480"),
    ("Johor Bahru", "Johor", "80300"),
    ("Kota Bharu", "Kelantan", "15050"),
    ("Kuching", "Sarawak", "93350"),
    ("Kota Kinabalu", "Sabah", "88400"),
    ("Kuala Terengganu", "Terengganu", "20200"),
)
_STREETS = ("Jalan Kenanga", "Lorong Delima", "Persiaran Rajawali", "新街 New Lane", "Taman Sri Murni, Jalan")
_NOTES = ("Tolong balut cantik-cantik 🎁", "请放在保安室，谢谢", "Call before delivery\nGate code 4-4-2", "HADIAH <3")


def buyer_fields(rnd: Random, currency: str) -> dict[str, Any]:
    """The billing fields of one order; buyers who pay in SGD live in Singapore."""
    first, last = rnd.choice(_NAMES)
    number = rnd.randrange(10_000)
    city, state, postcode = rnd.choice(_PLACES)
    abroad = currency == "SGD"
    return {
        "billing_firstname": first,
        "billing_lastname": last,
        "billing_company": rnd.choice(_COMPANIES),
        "billing_phone": f"{'+65' if abroad else '+6011'}{rnd.randrange(10_000_000):08d}",
        "billing_email": f"buyer{number}@example.com" if number % 3 else "",
        "billing_address": f"No. {number % 300 + 1}, {rnd.choice(_STREETS)} {number % 23 + 1}",
        "billing_city": "Singapore" if abroad else city,
        "billing_state": "" if abroad else state,
        "billing_postcode": f"{520000 + number}" if abroad else postcode,
        "billing_country": "SG" if abroad else "MY",
        "note": rnd.choice(_NOTES) if number % 11 == 0 else "",
    }
