"""Every URL, by every method and role, for own, foreign and missing things: asked, and compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db import transaction

from tests.portal.matrix import (
    APEX,
    FORBIDDEN,
    KEY,
    METHODS,
    OWNER,
    PROGRAMS,
    ROLES,
    SHOP,
    STRANGER,
    TOKENS,
    Url,
    bare,
    expected,
    found,
    outcome,
    refusals,
    urls,
)
from tests.portal.matrix_rows import APEX_ROWS, ROWS
from tests.portal.matrix_stage import Stage, staged

TABLES = {SHOP: ROWS, APEX: APEX_ROWS}


@pytest.mark.parametrize("urlconf", TABLES)
def test_every_url_has_a_row_and_every_row_a_url(urlconf):
    assert set(found(urlconf)) == set(TABLES[urlconf])


@pytest.mark.parametrize("urlconf", TABLES)
def test_a_row_names_what_its_url_is_about(urlconf):
    for url in urls(urlconf, TABLES[urlconf]):
        assert {*url.row.of, *url.row.fixed} == set(url.arguments), url.name
        assert url.row.may, url.name


@pytest.fixture
def stage(cafe, spa, settings) -> Stage:
    settings.RATE_LIMITS = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return staged(cafe, spa)


def test_everybody_is_let_in_or_turned_away_as_the_table_says(stage):
    """In the short run where it is sharp: a stranger, the least of those who are let in and the
    greatest of those who are not. A neighbour's things are asked for by test_urls, and by the API
    here, where it takes a token to come so far.
    """
    wrong = []
    for url in everything():
        method = next(iter(url.row.may))
        inside, outside = sides(url, method)
        for role in dict.fromkeys([STRANGER, *inside[:1], *outside[-1:]]):
            wrong += compared(stage, url, method, role)
        if url.face == "api":
            wrong += like_nowhere(stage, url, method, inside[0])
    assert not wrong, "\n".join(["", *wrong])


def test_nobody_of_one_shop_is_anybody_in_another(stage, spa):
    """Her session, device, card or token, on the neighbour's host, for the neighbour's own things:
    she is a stranger there, and a program is told so.
    """
    wrong = []
    for url in urls(SHOP, ROWS):
        method = next(iter(url.row.may))
        inside, _ = sides(url, method)
        if STRANGER in inside:
            continue
        there = replace(stage, host=spa.host)
        answer, _ = asked(there, url, method, inside[-1], stage.foreign)
        alone = {FORBIDDEN} if inside[-1] in TOKENS else refusals(url, STRANGER)
        if (became := outcome(answer, url.face)) not in alone:
            wrong.append(f"{url.name} {method} {inside[-1]}: {became}, not {sorted(alone)}")
    assert not wrong, "\n".join(["", *wrong])


@pytest.mark.thorough
@pytest.mark.parametrize("part", range(6))
def test_the_whole_product(stage, part):
    wrong = []
    for url in list(everything())[part::6]:
        for method in METHODS:
            is_odd = method in ODD and method not in url.row.may
            for role in FEW if is_odd else ROLES:
                wrong += compared(stage, url, method, role)
                wrong += [] if is_odd else like_nowhere(stage, url, method, role)
    assert not wrong, "\n".join(["", *wrong])


def everything() -> Iterator[Url]:
    for urlconf, table in TABLES.items():
        yield from urls(urlconf, table)


def sides(url: Url, method: str) -> tuple[list[str], list[str]]:
    """Who is let in and who is not, from the least to the greatest."""
    let_in = url.row.may[method]
    own = [f"{method} {role}" in url.row.refused or role in url.row.refused for role in ROLES]
    turned_away = {role for role, is_own in zip(ROLES, own, strict=True) if is_own}
    inside = [role for role in ROLES if role in let_in and role not in turned_away]
    programs = url.face == "api"
    outside = [r for r in ROLES if r not in let_in and (r in PROGRAMS) == programs]
    return inside or [STRANGER], outside


def asked(stage: Stage, url: Url, method: str, role: str, things: dict):
    """One request, as if it had never been."""
    values = {**url.row.fixed, **{name: things[kind] for name, kind in url.row.of.items()}}
    host = "localhost" if url.urlconf == APEX else stage.host
    body = {"member": stage.own["api_member"], **QUOTED} if url.name == "api:quotes" else {}
    undone = transaction.atomic()
    undone._from_testcase = True  # what must be a transaction of its own may be one in here
    with undone:
        answer = stage.people[role].ask(host, method, url.path(values), body or url.row.body)
        told = bare(answer, values.values())
        transaction.set_rollback(True)
    return answer, told


ODD, FEW = ("PUT", "PATCH", "DELETE"), (STRANGER, OWNER, KEY)  # nobody is let in by these
QUOTED = {"amount": {"amount": "24.50", "currency": "AED"}}


def compared(stage: Stage, url: Url, method: str, role: str) -> list[str]:
    answer, _ = asked(stage, url, method, role, stage.own)
    became, allowed = outcome(answer, url.face), expected(url, method, role)
    if became in allowed:
        return []
    where = answer.headers.get("Location", "")
    return [f"{url.name} {method} {role}: {answer.status_code} {where}, not {sorted(allowed)}"]


def like_nowhere(stage: Stage, url: Url, method: str, role: str) -> list[str]:
    """What is wrong with the answers about a neighbour's thing and about none."""
    if not url.row.of:
        return []
    theirs, told_theirs = asked(stage, url, method, role, stage.foreign)
    _, told_none = asked(stage, url, method, role, stage.missing)
    wrong = []
    if told_theirs != told_none:
        wrong.append(f"{url.name} {method} {role}: foreign and missing differ")
    turned_away = {f"{method} {role}", role} & url.row.refused.keys()
    is_in = role in url.row.may.get(method, ()) and not turned_away
    allowed = set(url.row.gone) if is_in else expected(url, method, role)
    if (became := outcome(theirs, url.face)) not in allowed:
        wrong.append(f"{url.name} {method} {role}: foreign is {became}, not {sorted(allowed)}")
    return wrong
