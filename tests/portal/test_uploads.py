"""Logos on their way in: any photograph is answered at its field, and none fills our memory."""

from __future__ import annotations

import io
import re
import tracemalloc
from threading import Barrier, Lock, Thread

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse, UnreadablePostError
from django.test import Client
from django.urls import reverse
from PIL import Image

from portal import logos, uploads
from portal.home import ROOT
from portal.logos import BadLogo
from portal.requests import BodyMiddleware
from tests.portal.test_manage_settings import BRAND, send, shop_of
from tests.portal.test_site_start import GREEN, ready

BOUNDARY = "a-boundary-that-no-file-has"
PHOTO = 4 * 1024 * 1024
TOO_LARGE = "That is more than 1 MB. Send a smaller picture."


class BrokenOff(io.BytesIO):
    """What a client sends whose line is gone after half of it."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > len(self.getbuffer()) // 2:
            raise OSError("reset by peer")
        return super().read(size)


def form(size: int) -> bytes:
    """A form with a logo of so many bytes."""
    name = b'Content-Disposition: form-data; name="logo"; filename="logo.jpg"'
    line = f"--{BOUNDARY}".encode()
    return b"".join([line, b"\r\n", name, b"\r\n\r\n", b"x" * size, b"\r\n", line, b"--\r\n"])


def request_with(
    size: int, path: str = "/start/brand/", *, boundary: str = BOUNDARY, body: type = io.BytesIO
) -> WSGIRequest:
    sent = form(size)
    return WSGIRequest(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": path,
            "CONTENT_TYPE": f"multipart/form-data; boundary={boundary}",
            "CONTENT_LENGTH": str(len(sent)),
            "wsgi.input": body(sent),
        }
    )


@pytest.fixture
def apex(db, settings) -> Client:
    settings.RATE_LIMITS = False
    return Client(HTTP_HOST="localhost")


@pytest.fixture
def photo():
    return SimpleUploadedFile("photo.jpg", b"\xff\xd8" + b"x" * PHOTO, "image/jpeg")


def test_a_phones_photograph_is_told_at_its_field_when_a_shop_begins(apex, photo):
    ready(apex)
    answer = apex.post("/start/brand/", {**GREEN, "logo": photo})
    assert answer.status_code == 422
    assert TOO_LARGE in answer.text
    assert f'value="{GREEN["greeting"]}"' in answer.text, "what else was typed stays"
    photo.seek(0)
    piece = apex.post("/start/brand/logo/", {"logo": photo})
    assert (piece.status_code, TOO_LARGE in piece.text) == (422, True)


def test_and_in_the_settings(owner, cafe, photo):
    answer = send(owner, "brand", **{**BRAND, "greeting": "Typed."}, logo=photo)
    assert answer.status_code == 422
    assert TOO_LARGE in answer.text
    assert 'value="Typed."' in answer.text
    assert shop_of(cafe).logo == ""


def test_the_browser_is_told_how_large_it_may_be(apex, owner):
    """What static/js/elements/file-limit.js refuses before it is sent."""
    ready(apex)
    for answer in (apex.get("/start/brand/"), owner.get("/manage/settings/")):
        limit = re.search(
            r'<file-limit [^>]*bytes="(\d+)">(.*?)</file-limit>', answer.text, re.DOTALL
        )
        assert int(limit[1]) == logos.LARGEST
        assert re.search(rf'<p class="error" data-large [^>]*hidden>.*{TOO_LARGE}', limit[2])


def test_whatever_takes_a_logo_may_be_so_large_and_nothing_else():
    for name in ("start_brand", "start_brand_logo"):
        assert reverse(name, urlconf="portal.site.urls").startswith(uploads.TAKEN_BELOW)
    for name, args in (("settings", []), ("settings_part", ["brand"]), ("settings_look", [])):
        assert reverse(f"manage:{name}", args=args).startswith(uploads.TAKEN_BELOW)
    for path in ("/manage/members/", "/start/", "/api/v1/members", "/till/lock/"):
        assert told(request_with(PHOTO, path)).status_code == 413
    assert told(request_with(uploads.MOST)).status_code == 413
    assert told(request_with(PHOTO)).status_code == 200


def test_nginx_lets_such_a_form_through():
    conf = (ROOT / "docs/nginx.conf").read_text()
    found = re.search(r"location ~ (\S+) \{[^}]*client_max_body_size (\d+)m;", conf)
    pattern, megabytes = re.compile(found[1]), int(found[2])
    assert megabytes * 1024 * 1024 == uploads.MOST
    assert all(pattern.match(path) for path in uploads.TAKEN_BELOW)
    assert not pattern.match("/manage/members/")


def told(request):
    return BodyMiddleware(lambda _: HttpResponse("read"))(request)


def test_no_more_is_kept_of_it_than_of_any_form(settings):
    requests = [request_with(11 * 1024 * 1024) for _ in range(3)]
    tracemalloc.start()
    try:
        for request in requests:
            assert told(request).status_code == 200
            assert request.FILES["logo"].size == logos.LARGEST + 1
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most / len(requests) < settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def test_all_files_of_a_form_share_the_room():
    kept = uploads.Enough()
    sizes = []
    for name in ("a", "b"):
        kept.new_file(name, f"{name}.png", "image/png", None, None, None)
        for at in range(0, logos.LARGEST, 65_536):
            kept.receive_data_chunk(b"x" * 65_536, at)
        sizes.append(kept.file_complete(logos.LARGEST).size)
    assert sizes == [logos.LARGEST, 1]


def test_one_that_breaks_off_or_is_no_form_is_refused_before_anything_is_asked(
    db, django_assert_num_queries
):
    with django_assert_num_queries(0):
        assert told(request_with(PHOTO, body=BrokenOff)).status_code == 400
        assert told(request_with(100, boundary="")).status_code == 400
    with pytest.raises(UnreadablePostError):
        uploads.read(request_with(PHOTO, body=BrokenOff))


# What is decoded


def picture(size, mode="RGB", kind="PNG", **options):
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind, **options)
    return SimpleUploadedFile("logo", file.getvalue())


def test_a_photograph_of_a_phone_fits_and_what_unfolds_to_more_does_not():
    assert logos.read(picture((4032, 3024), kind="JPEG")).kind == "image/webp"
    with pytest.raises(BadLogo, match="too many pixels"):
        logos.read(picture((6300, 6300)))


def test_a_photograph_taken_sideways_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90 degrees
    for kind in ("JPEG", "PNG", "WEBP"):
        found = logos.read(picture((900, 300), kind=kind, exif=exif))
        again = Image.open(io.BytesIO(found.data))
        assert (again.size, dict(again.getexif())) == ((171, 512), {})


def test_two_are_decoded_at_once_and_the_next_ones_wait(monkeypatch):
    inside, most, lock = 0, 0, Lock()
    both = Barrier(2)
    real = logos._small

    def counted(found):
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        both.wait(20)
        try:
            return real(found)
        finally:
            with lock:
                inside -= 1

    monkeypatch.setattr(logos, "_small", counted)
    threads = [Thread(target=logos.read, args=[picture((8, 8))]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (inside, most) == (0, 2)


def test_a_request_that_is_run_again_finds_its_picture_whole():
    sent = picture((8, 8))
    assert logos.read(sent) == logos.read(sent)


def test_who_waits_too_long_is_told_so_at_the_field(monkeypatch):
    monkeypatch.setattr(logos, "PATIENCE", 0)
    with logos._turn(), logos._turn(), pytest.raises(BadLogo, match="Send yours again"):
        logos.read(picture((8, 8)))
    assert logos.read(picture((8, 8)))
