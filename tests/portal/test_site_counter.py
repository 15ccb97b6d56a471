"""What stands between an open shop and its first member: poster, logo, PIN; and mail."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from PIL import Image

from loyalty import presets, rewards
from portal import doctor, logos, posters
from portal.logos import BadLogo
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import Currency, Logo, Shop, Staff
from tenants.shops import change
from tests.conftest import NOW
from tests.portal.conftest import PIECE


def picture(kind="PNG", size=(900, 300), mode="RGBA", **options):
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind, **options)
    return file.getvalue()


def upload(data, name="logo.png"):
    return SimpleUploadedFile(name, data)


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("JPEG", "RGB"), ("WEBP", "RGB")])
def test_a_photograph_is_written_anew_and_small(kind, mode):
    found = logos.read(upload(picture(kind, mode=mode)))
    again = Image.open(io.BytesIO(found.data))
    assert (found.kind, again.format, again.size) == ("image/webp", "WEBP", (512, 171))


def test_what_was_hidden_in_a_picture_is_gone():
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    found = logos.read(upload(picture("JPEG", mode="RGB", exif=exif)))
    assert b"where I live" not in found.data


DRAWING = b"""<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script>
<image href="http://spy.example/x.png"/><circle r="3" style="fill:url(http://spy.example)"/>
<foreignObject><p>hello</p></foreignObject></svg>"""


def test_a_drawing_keeps_its_shapes_only():
    found = logos.read(upload(DRAWING, "logo.svg"))
    assert found.kind == "image/svg+xml"
    assert b"<circle" in found.data
    for word in (b"script", b"onload", b"spy.example", b"foreignObject"):
        assert word not in found.data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x" * (logos.LARGEST + 1),
        b"GIF89a" + bytes(50),
        b"\x89PNG\r\n\x1a\n" + bytes(50),
        picture()[:60],
        b"<svg",
        b"<svg ><a",
        b'<!DOCTYPE svg [<!ENTITY a "b">]><svg >&a;</svg>',
        picture(size=(8000, 8000), mode="1"),
    ],
)
def test_what_cannot_be_a_logo_is_told_in_a_sentence(data):
    with pytest.raises(BadLogo) as refused:
        logos.read(upload(data))
    assert str(refused.value).endswith(".")


def test_a_logo_is_served_for_ever_and_may_do_nothing(cafe, spa):
    with inside(cafe.tenant):
        for size in ((8, 8), (9, 9)):
            logos.keep(logos.read(upload(picture(size=size))))
        row = Logo.objects.get()
        assert Shop.objects.get().logo == row.digest
    answer = Client(HTTP_HOST=cafe.host).get(f"/logo.{row.digest}")
    assert answer.content == bytes(row.data)
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "immutable" in answer["Cache-Control"]
    assert Client(HTTP_HOST=spa.host).get(f"/logo.{row.digest}").status_code == 404
    with inside(cafe.tenant):
        logos.keep(None)
        assert not Logo.objects.exists()


def test_the_first_steps_tell_what_is_done(owner, cafe):
    page = owner.get("/manage/start/").content.decode()
    assert "Waiting for" not in page, "Amina is there"
    assert "Amina Rahman" in page
    assert "Counter" in page
    assert 'id="id_pin"' in page
    answer = owner.post("/manage/start/", {"pin": "٧٣٩١"})
    assert answer["Location"] == "/manage/start/"
    assert 'id="id_pin"' not in owner.get("/manage/start/").content.decode()
    with inside(cafe.tenant):
        assert Staff.objects.get(role="owner").pin_hash
    piece = owner.get("/manage/start/", headers=PIECE).content
    assert b'id="first"' in piece
    assert b"<html" not in piece


@pytest.mark.parametrize(
    "pin", ["", "12", "1234", "0000", "12a4", "\x00", "9" * 9999, "-123", "½½½½"]
)
def test_a_pin_that_cannot_be_is_told_at_its_field(owner, cafe, pin):
    answer = owner.post("/manage/start/", {"pin": pin})
    assert answer.status_code == 422
    assert b"aria-invalid" in answer.content
    with inside(cafe.tenant):
        assert not Staff.objects.get(role="owner").pin_hash


def test_a_poster_says_what_the_program_promises(owner, cafe):
    with inside(cafe.tenant):
        change(languages=["en", "ar", "bn"])
        by = Actor.of_staff(cafe.owner)
        rewards.create(cafe.program, "item", "Free coffee", at=NOW, by=by, cost=360, value=1800)
        assert Shop.objects.get().poster_at is None
    page = owner.get("/manage/poster/").content.decode()
    assert "Free coffee." in page
    assert "360 points: Free coffee." in page
    assert "1 point for every" in page
    with inside(cafe.tenant):
        seen = Shop.objects.get().poster_at
    assert seen
    for query in ("size=a5", "size=tent&words=en,ar", "size=cards&words=bn", "size=\x00&words=xx"):
        assert owner.get(f"/manage/poster/?{query}").status_code == 200
    with inside(cafe.tenant):
        assert Shop.objects.get().poster_at == seen, "noted once"
    both = owner.get("/manage/poster/?words=en,ar").content.decode()
    assert 'lang="ar" dir="rtl"' in both
    code = owner.get("/manage/poster/code.svg")
    assert code["Content-Disposition"] == 'attachment; filename="cafe-join.svg"'
    assert b"<svg" in code.content


def test_the_code_on_the_poster_takes_capitals(cafe):
    assert posters.join_url(cafe.tenant).upper().endswith("CAFE.LOCALHOST:8000/J")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("code", "coffee", "step", "cost"),
    [
        ("AED", 1800, 100, 360),
        ("BDT", 20000, 1000, 400),
        ("KWD", 1500, 100, 300),
        ("JPY", 500, 100, 100),
    ],
)
def test_the_questions_begin_with_five_per_cent_in_each_currency(code, coffee, step, cost):
    currency = Currency.objects.get(pk=code)
    first = presets.first_choices("points", currency)
    assert (first["worth"], presets.step(currency), first["cost"]) == (coffee, step, cost)
    facts = presets.describe("points", first, currency)
    assert facts.back * 100 == 5
    assert not facts.is_generous
    assert presets.describe("points", {**first, "cost": cost // 5}, currency).is_generous


def told(weight):
    return [finding.said for finding in doctor.findings() if finding.weight == weight]


@pytest.mark.django_db
def test_the_doctor_says_that_no_letter_goes_out():
    dummy = "django.core.mail.backends.dummy.EmailBackend"
    with override_settings(SECURE=True, EMAIL_BACKEND=dummy, OUTBOX=True):
        assert any("MAIL_URL is not set" in said for said in told("warning"))
        assert any("PORTAL_OUTBOX is on" in said for said in told("refused"))
    with override_settings(SECURE=True, OUTBOX=False, EMAIL_BACKEND=dummy.replace("dummy", "smtp")):
        assert not any("MAIL_URL" in said for said in told("warning"))
        assert not any("PORTAL_OUTBOX" in said for said in told("refused"))
