"""Every form that any page shows, and every parameter that any link knows, is sent what nobody
should send: it is answered with a sentence, what else was typed is kept, and nothing changes.

Nothing here names a form. Pages are those of e2e/walks.py, where none may be missing; their forms
are read from them; and whatever takes a POST must have been found on one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote, quote_plus, urlencode, urlsplit
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.http import Http404
from django.test import Client
from django.urls import resolve

from e2e.walks import SCREENS
from tenants.context import inside
from tenants.testing import owned_models, routes
from tests.forms import Field, Form, forms_of, queries_of
from tests.scene import ON_APEX, PEOPLE, TILL, Scene, furnished

FILLINGS = {
    "phone": "050 222 3344",
    "tel": "050 222 3344",
    "email": "new@person.example",
    "name": "Farah",
    "amount": "24.50",
    "total": "24.50",
    "colour": "#0a6847",
    "date": "2030-01-01",
    "url": "https://shop.example",
    "text": "Words",
    "textarea": "Some words",
    "search": "amina",
    "checkbox": "on",
}

# What a body has in place of one value, percent-encoded as it travels.
BAD = {
    "a NUL byte": "a%00b",
    "ten thousand letters": "x" * 10_000,
    "ten thousand digits": "9" * 10_000,
    "less than nothing": "-5",
    "an exponent": "1e5",
    "more than any number": "1e999",
    "no number": "NaN",
    "the end of all days": "9999-12-31",
    "a time that only Python knows": quote("2026-03-02T09:00:00+23:59"),
    "digits of other scripts": quote("٥٠৫"),
    "half a surrogate pair": "%ED%A0%80",
    "bytes that are no text": "%FF%FE%C3",
    "only spaces": "++",
    "signs of control and of direction": quote("a\u202e\u0007\r\nb"),
    "markup": quote("<script>alert(1)</script>'\"{{ 7 }}"),
}
TYPES = {
    "a JSON list": ("application/json", b'[1, {"a": [null]}]'),
    "text": ("text/plain", b"amount=24.50"),
    "no multipart though it says so": ("multipart/form-data; boundary=x", b"--y\r\nnothing"),
    "multipart without a boundary": ("multipart/form-data", b"amount=1"),
    "an unknown charset": ("application/x-www-form-urlencoded; charset=klingon", b"name=a"),
    "nothing": ("application/x-www-form-urlencoded", b""),
}
FORM = "application/x-www-form-urlencoded"

# What changes by being asked for: who was here, what was guessed, what was counted and told.
NOT_BOOKS = ("Session", "Guess", "SecretLink", "Secret", "Usage", "Operation", "Audit", "Trace")

COUNTS = "last_seen,code_wrong,wrong_pins,wrong_pins_on,pin_wrong,pin_wait_until"

# Pages that only show after something was sent.
ANSWERS = [(TILL, "/till/training/award/", {"amount": "24.50"})]

# Takes a POST, is on no page.
NO_FORM = {
    "card:scanned": "leads on, whatever the method, and changes nothing",
    "manage:settings": "the same view as manage:settings_part, whose forms are found",
}


@dataclass
class Found:
    """A form, or a page with parameters, and who came by it."""

    who: str
    page: str
    form: Form

    @property
    def name(self) -> str:
        path = urlsplit(self.form.action).path
        return (
            f"{self.who} {self.form.method} {re.sub('[0-9a-f-]{36}|[A-Za-z0-9_-]{22,}', '…', path)}"
        )


@pytest.fixture
def scene(cafe, settings) -> Scene:
    settings.RATE_LIMITS = False
    return furnished(cafe)


@pytest.fixture
def visitors(scene) -> dict[str, Client]:
    made = {who: scene.client(who) for who in PEOPLE}
    for client in made.values():
        client.raise_request_exception = False
    return made


@pytest.fixture
def found(scene, visitors) -> list[Found]:
    """Every form of every page, once, whatever stands in it."""
    seen: dict[tuple[str, str, str, tuple[str, ...]], Found] = {}
    for who, path, html in pages(scene, visitors):
        forms = forms_of(html, path)
        for there, told in queries_of(html, path).items():
            by_link = Form("get", there)
            by_link.fields = {n: Field(n, "hidden", v) for n, v in told.items()}
            forms.append(by_link)
        for form in forms:
            at = urlsplit(form.action)
            route = "" if at.netloc else route_of(at.path, who)
            if route:
                names = tuple(sorted(form.fields))
                seen.setdefault((who, form.method, route, names), Found(who, path, form))
    return list(seen.values())


def test_every_answer_to_bad_input_is_a_clear_one(scene, visitors, found):
    """A sample: every eleventh field and every fourth form, each with another bad value; and none
    is missing from what the thorough run tries.
    """
    wrong, kinds = [], list(BAD)
    for number, (each, name) in enumerate(islice(fields_of(found), 0, None, 11)):
        kind = kinds[number % len(kinds)]
        sent = with_bad(each.form, name, BAD[kind])
        wrong += tried(scene, visitors, each, kind, sent, name=name)
    for number, each in enumerate(posts(found)[::4]):
        kind = list(TYPES)[number % len(TYPES)]
        wrong += tried(scene, visitors, each, kind, TYPES[kind])
    assert wrong == [], "\n" + "\n".join(wrong)
    assert left_out(visitors, found) == [], "show its form on a page, or give a reason in NO_FORM"


@pytest.mark.thorough
@pytest.mark.parametrize("piece", [False, True], ids=["page", "piece"])
def test_bad_input_in_any_field_of_any_form(scene, visitors, found, piece):
    wrong = []
    for each, name in fields_of(found):
        for kind, bad in BAD.items():
            sent = with_bad(each.form, name, bad)
            wrong += tried(scene, visitors, each, kind, sent, name=name, piece=piece)
    assert wrong == [], "\n" + "\n".join(wrong)


@pytest.mark.thorough
def test_a_body_of_another_kind(scene, visitors, found):
    wrong = []
    for each in posts(found):
        for kind, body in TYPES.items():
            wrong += tried(scene, visitors, each, kind, body)
    assert wrong == [], "\n" + "\n".join(wrong)


@pytest.mark.thorough
def test_a_field_twice_as_a_list_and_not_at_all(scene, visitors, found):
    wrong = []
    for each, name in fields_of(found):
        sent = each.form.filled(FILLINGS)
        rest = urlencode({k: v for k, v in sent.items() if k != name}).encode()
        once = urlencode({name: sent[name]})
        shapes = {
            "twice": f"{once}&{name}=-1&",
            "as a list": f"{name}[]=1&{name}[]=2&{name}[a]=3&",
            "not at all": "",
        }
        for kind, body in shapes.items():
            wrong += tried(scene, visitors, each, kind, (FORM, body.encode() + rest), name=name)
    assert wrong == [], "\n" + "\n".join(wrong)


def pages(scene, visitors) -> Iterator[tuple[str, str, str]]:
    """Who sees it, its path, and its HTML."""
    for screen in SCREENS:
        url = urlsplit(screen.url(scene, "en"))
        answer = visitors[screen.who].get(f"{url.path}?{url.query}")
        if "html" in answer.headers.get("Content-Type", "") and answer.status_code < 300:
            yield screen.who, url.path, answer.content.decode()
    for who, path, sent in ANSWERS:
        with undone():
            answer = visitors[who].post(path, sent)
        assert answer.status_code == 200, f"{path} answers {answer.status_code}"
        yield who, path, answer.content.decode()


# How it is tried --------------------------------------------------------------------------------


def left_out(visitors, found) -> list[str]:
    """What takes a POST from anybody, and is on no page."""
    known = {route_of(urlsplit(each.form.action).path, each.who) for each in posts(found)}
    at_a_shop = [who for who in PEOPLE if who not in ON_APEX]
    return [
        route.name or route.pattern
        for urlconf, people in (("portal.urls", at_a_shop), ("portal.site.urls", ON_APEX))
        for route in routes(urlconf)
        if route.name not in known
        and route.name not in NO_FORM
        and not is_api(route)
        and any(takes_post(visitors[who], some_path(route.pattern)) for who in people)
    ]


def takes_post(client: Client, path: str) -> bool:
    with undone():
        return client.post(path).status_code != 405


def tried(scene, visitors, each: Found, kind, body, *, name="", piece=False) -> list[str]:
    """What was wrong with the answer to one body, as sentences."""
    content_type, sent = body
    client = deepcopy_of(visitors[each.who])
    before = books_before(scene)
    headers = {"HX-Request": "true", "HX-Request-Type": "partial"} if piece else {}
    with undone(), inside(scene.shop.tenant):
        rows = written()
        if each.form.method == "get":
            joint = "&" if "?" in each.form.action else "?"
            path = f"{each.form.action}{joint}{sent.decode()}"
            answer = client.get(path, headers=headers)
        else:
            answer = client.generic("POST", each.form.action, sent, content_type, headers=headers)
        # Most that is refused has written nothing at all, which is quickly seen.
        suspect = answer.status_code >= 400 and written() != rows
        changed = [t for t, value in books().items() if before[t] != value] if suspect else []
    said = f"{each.name} [{name}: {kind}] answers {answer.status_code}"
    wrong = []
    if answer.status_code >= 500:
        error = getattr(answer, "exc_info", None)
        wrong.append(f"{said}: {error[1]!r}"[:400] if error else said)
    if answer.status_code >= 400 and changed:
        wrong.append(f"{said}, and yet changed {', '.join(changed)}")
    if answer.status_code == 422 and name and is_typed(each.form.fields[name]):
        wrong += [f"{said}, {why}" for why in complaints(each, name, sent, answer)]
    return wrong


def complaints(each: Found, name: str, sent: bytes, answer) -> Iterator[str]:
    """What is missing in a form that came back: the sentence, or what else was typed."""
    html = answer.content.decode()
    if not re.search(r'aria-invalid="true"|role="alert"|class="(?:error|notice bad|why)', html):
        yield "and says nothing about it"
    back = [f for f in forms_of(html, each.form.action) if set(each.form.fields) & set(f.fields)]
    if not back:
        return
    kept = {n: f for form in back for n, f in form.fields.items()}
    for other, value in each.form.filled(FILLINGS).items():
        typed = is_typed(each.form.fields[other])
        if typed and other != name and other in kept and kept[other].value != value:
            yield f"and forgot {other} ({kept[other].value!r}, not {value!r})"


def is_typed(field: Field) -> bool:
    return field.kind in ("text", "tel", "email", "search", "textarea", "number", "url", "date")


def with_bad(form: Form, name: str, bad: str) -> tuple[str, bytes]:
    sent = {n: quote_plus(v) for n, v in form.filled(FILLINGS).items()} | {name: bad}
    return FORM, "&".join(f"{quote(n)}={v}" for n, v in sent.items()).encode()


def fields_of(found: list[Found]) -> Iterator[tuple[Found, str]]:
    for each in found:
        for name in each.form.fields:
            if name != "csrfmiddlewaretoken":
                yield each, name


def posts(found: list[Found]) -> list[Found]:
    return [each for each in found if each.form.method == "post"]


def books_before(scene) -> dict[str, str]:
    """The books as every try finds them, because every one is undone."""
    if "books" not in scene.made:
        with inside(scene.shop.tenant):
            scene.made["books"] = books()
    return scene.made["books"]


def written() -> int:
    """How many rows were written since the transaction began, whether or not it was undone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables"
        )
        return cursor.fetchone()[0]


def books() -> dict[str, str]:
    """A fingerprint of every table that a person would miss something in."""
    tables = [
        model._meta.db_table
        for model in owned_models()
        if not any(name in model.__name__ for name in NOT_BOOKS)
    ]
    asked = " UNION ALL ".join(
        f"SELECT '{table}', md5(coalesce(string_agg(row::text, '' ORDER BY row::text), ''))"  # noqa: S608
        f" FROM (SELECT to_jsonb(t) - '{{{COUNTS}}}'::text[] AS row FROM \"{table}\" t) rows"
        for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return dict(cursor.fetchall())


class _Undo(Exception):
    pass


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens in there has not happened afterwards."""
    around = transaction.atomic()
    around._from_testcase = True  # as those around a test, it does not count for durable ones
    try:
        with around:
            yield
            raise _Undo
    except _Undo:
        pass


def deepcopy_of(client: Client) -> Client:
    """The same person's browser, which forgets what this one try does to its cookies."""
    twin = Client(**client.defaults)
    twin.handler = client.handler  # a new one looks for all static files first
    twin.cookies = deepcopy(client.cookies)
    twin.raise_request_exception = False
    return twin


def route_of(path: str, who: str) -> str:
    try:
        match = resolve(path, "portal.site.urls" if who in ON_APEX else "portal.urls")
    except Http404:
        return ""
    return match.view_name or match.route


def is_api(route) -> bool:
    return route.pattern.startswith("api/") or "json" in route.name  # asked by schemathesis


def some_path(pattern: str) -> str:
    path = re.sub(r"<uuid:\w+>", lambda _: str(uuid4()), pattern)
    path = re.sub(r"<int:\w+>", "1", path)
    path = re.sub(r"<[^>]+>", "x" * 22, path)
    return "/" + re.sub(r"\^\[mM\]/\(\?P<code>.*", "m/XXXXXXXXXXXX", path)
