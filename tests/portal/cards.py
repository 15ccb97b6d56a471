"""A customer with her phone, as the tests play her."""

from __future__ import annotations

import datetime as dt
import re
from uuid import UUID, uuid4

from django.test import Client
from django.utils import timezone

from loyalty import finding
from loyalty.models import Member
from loyalty.purchases import record
from tenants.context import inside
from tenants.models import Letter

KNOWN, NEW = "050 123 4567", "050 999 8877"
KNOWN_MAIL, NEW_MAIL = "amina@example.com", "yusuf@example.com"
KEYS = (str(UUID(int=1)), str(UUID(int=2)))
KEY = re.compile(r'name="key" value="([0-9a-f-]{36})"')


def browser(shop) -> Client:
    return Client(HTTP_HOST=shop.host)


def key_of(client, path="/j") -> str:
    return KEY.search(client.get(path).text)[1]


def join(client, reach=NEW, **told):
    by = "email" if "@" in reach else "phone"
    told.setdefault("key", key_of(client))
    return client.post("/j", {"by": by, by: reach, **told})


def letters(shop) -> list[Letter]:
    with inside(shop.tenant):
        return list(Letter.objects.order_by("made_at", "id"))


def last_code(shop) -> str:
    return re.search(r"\b\d{6}\b", f"{letters(shop)[-1].subject} {letters(shop)[-1].text}")[0]


def member_of(shop, client) -> Member:
    with inside(shop.tenant):
        return finding.member_by_link(client.cookies["card"].value)


def plain(answer) -> str:
    """What is seen, without what differs for everybody: nonces, codes, drawings of codes,
    seconds to wait."""
    text = answer.content.decode() if answer.content else ""
    text = re.sub(r'name="(csrfmiddlewaretoken|key)" value="[^"]*"', "", text)
    text = re.sub(r'<div class="qr".*?</div>', "", text, flags=re.DOTALL)
    text = re.sub(r"in \d+ seconds", "in some seconds", text)
    return re.sub(r'class="code">[^<]*<', "", text)


def shape(captured) -> list[str]:
    """The text of each statement, its values left out."""
    values = r"'[^']*'|\b\d+\b|\bs\d+_x\d+\b|NULL"
    return [re.sub(values, "?", query["sql"]) for query in captured]


def seen(answer) -> tuple:
    own = ("Expires", "X-Request-ID")  # of the second, and of the request
    headers = {name: value for name, value in answer.headers.items() if name not in own}
    cookies = {name: len(morsel.value) for name, morsel in answer.cookies.items()}
    return (answer.status_code, headers, cookies, plain(answer))


def of_a_card(client, *reaches) -> list[str]:
    """Every page of the card on this phone, without what is her own and what is random."""
    pages = ["", "/history", "/me", "/leave", "/privacy", "/confirm", "/data.json", "/data.csv"]
    texts = [plain(client.get(f"/c{path}")) for path in pages]
    for reach in reaches:
        for own in (reach, reach.replace(" ", "").replace("0", "+971", 1)):
            texts = [text.replace(own, "…") for text in texts]
    drawn = r"[0-9a-f-]{36}|\d\d:\d\d:\d\d[.\d]*|\b[0-9A-Z]{12}\b|(?:[0-9A-Z]{4} ){2}[0-9A-Z]{4}"
    return [re.sub(drawn, "", text) for text in texts]


def buy(shop, total=2450, *, days_ago=0):
    with inside(shop.tenant):
        at = timezone.now() - dt.timedelta(days=days_ago)
        return record(shop.member, total, at=at, by=shop.till, key=str(uuid4()))


def update(shop, model, **values) -> None:
    with inside(shop.tenant):
        model.objects.update(**values)
