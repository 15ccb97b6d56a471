"""The program in the owner's portal: read, edited as sentences, rehearsed, put in force."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from loyalty import drafts, purchases, tasks
from loyalty.models import Draft, EarnRule, Program
from tenants.context import inside
from tests.portal.conftest import PIECE

URL = "/manage/program/"


@pytest.fixture(autouse=True)
def _unlimited(settings):
    settings.RATE_LIMITS = False


def typed(page: str) -> dict[str, list[str]]:
    """What a browser would send of the form as it stands."""
    form = page[page.index('id="terms"') : page.index("<save-bar")]
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        told = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if told.get("type") == "checkbox" and "checked" not in tag:
            continue
        if "name" in told:
            found.setdefault(told["name"], []).append(told.get("value", ""))
    for name, body in re.findall(r'<select name="([^"]+)".*?>(.*?)</select>', form, re.DOTALL):
        options = re.findall(r'<option value="([^"]*)"( selected)?', body)
        found[name] = [next((value for value, chosen in options if chosen), options[0][0])]
    return found


def send(browser: Client, url: str = "draft/", told=None, **changes):
    told = told or typed(browser.get(URL).text)
    for name, value in changes.items():
        told[name.replace("__", "-")] = value if isinstance(value, list) else [value]
    return browser.post(f"{URL}{url}", told)


def shown(answer) -> str:
    return re.sub(r"\s+", " ", answer.text)


def draft_of(cafe):
    with inside(cafe.tenant):
        return Draft.objects.filter(applied_at=None).first()


def test_the_program_is_a_sentence_with_what_it_comes_to(owner):
    page = shown(owner.get(URL))
    for words in ("For every ", 'name="r0-per" value="1"', "In force", "how it began"):
        assert words in page
    assert "They never expire." in page


def test_what_is_typed_becomes_a_draft_and_then_the_rule(owner, cafe):
    answer = send(owner, r0__points="٢", p__pending_days="3")
    assert (answer.status_code, answer["Location"]) == (303, URL)
    page = owner.get(URL)
    assert "<ins>2 points</ins>" in page.text
    assert "2 changes, not in force." in shown(page)
    assert draft_of(cafe).rules == [{"kind": "spend", "points": 2, "per": 100}]
    seen = typed(page.text)["seen"]
    assert owner.post(f"{URL}start/", {"seen": seen}).status_code == 303
    with inside(cafe.tenant):
        assert EarnRule.objects.get().points == 2
        assert Program.objects.get().policy == {"pending_days": 3}
    assert "<ins>2 points</ins>" in owner.get(URL).text
    assert draft_of(cafe) is None


ADDED = {
    "visit": "For every visit",
    "item": "For each item",
    "bonus": "A sale gives",
    "multiplier": "Points count",
    "spend": 'name="r1-per" value="1"',
}


def test_rules_are_added_and_taken_out(owner, cafe):
    for added, words in ADDED.items():
        assert send(owner, add=added)["Location"] == f"{URL}#r1"
        assert words in shown(owner.get(URL))
        assert send(owner, remove="1").status_code == 303
    assert len(draft_of(cafe).rules) == 1


def test_a_rule_says_when_and_for_whom(owner, cafe):
    answer = send(
        owner,
        r0__days=["tue", "wed"],
        r0__begin="14:00",
        r0__end="17:00",
        r0__min_spend="12,50",
        r0__goods="tea, cakes،bread",
        r0__times="2",
        r0__limit_per="day",
        r0__is_smooth="1",
        r0__name="Happy hour",
    )
    assert answer.status_code == 303
    assert draft_of(cafe).rules == [
        {
            "kind": "spend",
            "name": "Happy hour",
            "points": 1,
            "per": 100,
            "is_smooth": True,
            "conditions": {
                "days": ["tue", "wed"],
                "hours": "14:00-17:00",
                "min_spend": 1250,
                "categories": ["bread", "cakes", "tea"],
                "limit": {"times": 2, "per": "day"},
            },
        }
    ]
    assert typed(owner.get(URL).text)["r0-goods"] == ["bread, cakes, tea"]
    assert send(owner, p__tax="excl").status_code == 303  # the rest is sent back as it was shown
    assert draft_of(cafe).rules[0]["name"] == "Happy hour"


WRONG = [
    ("r0-per", "0", "Type the amount."),
    ("r0-per", "1e3", "That is no amount."),
    ("r0-per", "-5", "That is no amount."),
    ("r0-points", "1.5", "Type a whole number."),
    ("r0-points", "", "Type a number."),
    ("r0-points", "9" * 11, "That is too much."),
    ("r0-points", "\x00" * 9 + "x", "Type a whole number."),
    ("r0-begin", "14:00", "Say from when to when."),
    ("r0-last", "2026-02-31", "Choose a day."),
    ("r0-days", "someday", "Choose among these."),
    ("r0-name", "x" * 10_000, "Keep it under 80 letters."),
    ("r0-goods", "x" * 10_000, "Keep it under 400 letters."),
    ("p-expiry", "lot", "Say after how many days or months points expire."),
    ("p-expiry", "never", "Choose one of these."),
    ("p-pending_days", "99999999", "Give a whole number from 0 to 36500."),
]


def test_what_cannot_be_is_told_at_its_field(owner, cafe):
    shown_first = typed(owner.get(URL).text)
    for field, value, sentence in WRONG:
        answer = send(owner, told={**shown_first, field: [value]})
        assert answer.status_code == 422, field
        assert sentence in answer.text, field
        assert 'aria-invalid="true"' in answer.text, field
    assert draft_of(cafe) is None


def test_who_was_faster_is_told_and_nothing_typed_is_lost(owner, cafe):
    told = typed(owner.get(URL).text)
    send(owner, r0__points="2")
    late = send(owner, told={**told, "r0-points": ["7"]})
    assert late.status_code == 409
    assert "changed this meanwhile" in late.text
    assert 'name="r0-points" value="7"' in late.text
    assert draft_of(cafe).rules[0]["points"] == 2
    assert send(owner, told=typed(late.text)).status_code == 303  # over the other, knowingly
    assert draft_of(cafe).rules[0]["points"] == 7


def test_a_day_can_be_chosen_and_taken_back_and_the_draft_thrown_away(owner, cafe):
    send(owner, r0__points="2")
    told = {"seen": typed(owner.get(URL).text)["seen"]}
    later = (timezone.now() + timedelta(days=9)).date().isoformat()
    for day in ("2020-01-01", "x", "9999-12-31", "\x00x"):
        assert owner.post(f"{URL}start/", {**told, "day": day}).status_code == 422
    assert owner.post(f"{URL}start/", {**told, "day": later}).status_code == 303
    assert "Comes into force on" in owner.get(URL).text
    assert owner.post(f"{URL}start/removal/", told).status_code == 303
    assert draft_of(cafe).starts_on is None
    assert owner.post(f"{URL}draft/removal/", {"seen": "x"}).status_code == 409
    assert owner.post(f"{URL}draft/removal/", told).status_code == 303
    assert draft_of(cafe) is None
    assert owner.post(f"{URL}draft/removal/", told).status_code == 422


def test_a_scheduled_draft_that_is_changed_waits_for_a_day_again_and_says_so(owner, cafe):
    with inside(cafe.tenant):
        purchases.record(cafe.member, 1000, at=timezone.now(), by=cafe.till, key="a")
    send(owner, r0__points="2")
    later = (timezone.now() + timedelta(days=9)).date().isoformat()
    told = {"seen": typed(owner.get(URL).text)["seen"], "unrehearsed": "1", "day": later}
    assert owner.post(f"{URL}start/", told).status_code == 303
    answer = send(owner, r0__points="9")
    assert (answer.status_code, answer["Location"]) == (303, f"{URL}?done=off")
    page = shown(owner.get(answer["Location"]))
    assert "The draft was changed, so it does not begin on its day any more." in page
    assert "1 change, not in force." in page
    assert "Comes into force on" not in page
    told["seen"] = typed(page)["seen"]
    assert owner.post(f"{URL}start/", {**told, "unrehearsed": ""}).status_code == 422
    assert owner.post(f"{URL}start/", told).status_code == 303
    assert "does not begin on its day" not in owner.get(f"{URL}?done=off").text, "it has one now"
    added = send(owner, add="bonus")["Location"]
    assert added == f"{URL}?done=off#r1"


def test_a_refused_rehearsal_can_be_asked_for_again(owner, cafe):
    with inside(cafe.tenant):
        purchases.record(cafe.member, 1000, at=timezone.now(), by=cafe.till, key="a")
    send(owner, r0__points="2")
    draft = draft_of(cafe)
    with inside(cafe.tenant):
        drafts.keep_rehearsal(draft, {"refused": "program_not_live"})
    page = shown(owner.get(URL))
    assert "so there is nothing to replay" in page
    assert "/rehearsals/" in page, "the button is there"
    assert 'name="unrehearsed"' in page


def test_the_preview_tells_what_the_sentence_would_come_to(owner, cafe):
    told = typed(owner.get(URL).text) | {"p-worth": ["5"]}
    answer = owner.post(f"{URL}preview/", told, headers=PIECE)
    assert answer.text.lstrip().startswith('<p class="comes-to" id="coming"')
    assert "That gives back <b>5%</b>." in shown(answer)
    assert owner.post(f"{URL}preview/", {"rule": "0"}, headers=PIECE).status_code == 200
    assert draft_of(cafe) is None


def test_a_draft_is_rehearsed_by_the_worker_before_it_begins(owner, cafe, monkeypatch):
    with inside(cafe.tenant):
        purchases.record(cafe.member, 1000, at=timezone.now(), by=cafe.till, key="a")
    send(owner, r0__points="2")
    told = {"seen": typed(owner.get(URL).text)["seen"]}
    refused = owner.post(f"{URL}start/", told)
    assert (refused.status_code, "Rehearse it first" in refused.text) == (422, True)
    asked = []
    monkeypatch.setattr(tasks.jobs, "enqueue", lambda task, **args: asked.append((task, args)))
    answer = owner.post(f"{URL}rehearsals/", told)
    assert (answer.status_code, answer["Location"]) == (303, f"{URL}rehearsal/")
    waiting = owner.get(f"{URL}rehearsal/", headers=PIECE).text
    assert 'hx-trigger="load delay:2s"' in waiting
    assert "<progress" in waiting
    (task, args), *_ = asked
    with inside(cafe.tenant):
        task(**args)
    page = owner.get(f"{URL}rehearsal/").text
    assert "1 gain, 0 lose" in page
    assert f"/manage/members/{cafe.member.pk}/" in page
    assert "hx-trigger" not in page[page.index('id="rehearsal"') :]
    send(owner, r0__points="3")
    assert "The draft was changed since." in owner.get(URL).text
    told = {"seen": typed(owner.get(URL).text)["seen"]}
    assert owner.post(f"{URL}start/", told).status_code == 422
    assert owner.post(f"{URL}start/", {**told, "unrehearsed": "1"}).status_code == 303
    assert owner.get(f"{URL}rehearsal/").status_code == 303  # there is no draft any more


def test_only_those_who_manage_come_here(stranger, till):
    for browser in (stranger, till):
        assert browser.get(URL).status_code == 303
        assert browser.post(f"{URL}draft/", {}).status_code == 303
