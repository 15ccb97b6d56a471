"""What the worker does for each shop by itself."""

from __future__ import annotations

import datetime as dt
import logging

from django.db import transaction

from loyalty import (
    birthdays,
    books,
    claims,
    currencies,
    drafts,
    leaving,
    operations,
    rehearsal,
    rollups,
    sweeping,
)
from loyalty.models import Draft, Program
from loyalty.refusals import BadSetting, Refusal
from tenants import jobs, relocating
from tenants.actors import Actor
from tenants.context import tenant_id
from tenants.models import Currency, Tenant

log = logging.getLogger("portal.books")
# Local hours. By four, the day that points were good through is over, and no clock is put forward
# or back any more. Birthdays begin in the morning, and are looked for again in case nobody did.
SWEEPING, LOOKING_BACK, CELEBRATING = {4}, {5}, {6, 12, 18}
# A draft begins with its day: looked for again at one, where the clock skips midnight, and later in
# case nobody did.
STARTING = {0, 1, 6, 12, 18}
REHEARSED_DAYS = 90


@jobs.periodic("53 2 * * *", name="loyalty.forget_operations_of_all")
def forget_operations_of_all(at: dt.datetime) -> None:
    """Each night, one job a shop."""
    jobs.enqueue_for_all(forget_operations, at=at.isoformat())


@jobs.task(name="loyalty.forget_operations")
def forget_operations(at: str) -> None:
    """Forget the keys of commands that nobody will send again."""
    operations.forget_old(dt.datetime.fromisoformat(at))


@jobs.periodic("29 * * * *", name="loyalty.look_back_where_it_is_night")
def look_back_where_it_is_night(at: dt.datetime) -> None:
    """Each hour, two jobs for each shop in whose night it is, after the sweep."""
    jobs.enqueue_where_it_is(LOOKING_BACK, check_books, at=at)
    jobs.enqueue_where_it_is(LOOKING_BACK, sum_up_days, at=at)


@jobs.task(name="loyalty.check_books")
def check_books(at: str) -> None:
    """Walk the books. The owner reads what was found on her home, whoever looks after the portal in
    the log.
    """
    found = books.check(dt.datetime.fromisoformat(at))
    if found.wrong:
        kinds = sorted({str(fault["kind"]) for fault in found.faults})
        log.error("books wrong", extra={"facts": {"count": found.wrong, "kinds": kinds}})


@jobs.task(name="loyalty.sum_up_days")
def sum_up_days(at: str) -> None:
    """Make the figures of the days that are over, and of those that something reached late."""
    rollups.build(dt.datetime.fromisoformat(at))


@jobs.periodic("7 * * * *", name="loyalty.sweep_where_it_is_night")
def sweep_where_it_is_night(at: dt.datetime) -> None:
    """Each hour, one job for each shop in whose night it is."""
    jobs.enqueue_where_it_is(SWEEPING, sweep, at=at)


@jobs.task(name="loyalty.sweep")
def sweep(at: str) -> None:
    """Write down which points have expired and which can be spent from now on."""
    sweeping.sweep(dt.datetime.fromisoformat(at))


@jobs.periodic("13 * * * *", name="loyalty.celebrate_where_it_is_day")
def celebrate_where_it_is_day(at: dt.datetime) -> None:
    """Each hour, one job for each shop where it is time."""
    jobs.enqueue_where_it_is(CELEBRATING, celebrate, at=at)


@jobs.task(name="loyalty.celebrate")
def celebrate(at: str) -> None:
    """Give everybody whose birthday it is the program's present."""
    birthdays.award(dt.datetime.fromisoformat(at))


@jobs.periodic("2 * * * *", name="loyalty.start_drafts_where_it_is_time")
def start_drafts_where_it_is_time(at: dt.datetime) -> None:
    """Each hour, one job for each shop whose day has begun."""
    jobs.enqueue_where_it_is(STARTING, start_draft, at=at)


@jobs.task(name="loyalty.start_draft")
def start_draft(at: str) -> None:
    """Put in force the draft whose day has come."""
    try:
        drafts.start_due(dt.datetime.fromisoformat(at), by=Actor.command("drafts"))
    except BadSetting as refusal:  # it waits for its owner, who reads why
        log.warning("draft refused", extra={"facts": {"field": refusal.field}})


def rehearse_soon(program: Program, *, seen_as: str, at: dt.datetime) -> Draft:
    """Let the worker replay the last sales by the program's draft. Raises NoDraft, Overtaken."""
    with transaction.atomic():
        draft = drafts.begin_rehearsal(program, seen_as=seen_as, at=at)
        jobs.enqueue(rehearse_draft, draft=str(draft.pk), version=draft.version, at=at.isoformat())
    return draft


@jobs.task(name="loyalty.rehearse_draft")
def rehearse_draft(draft: str, version: int, at: str) -> None:
    """Replay the last sales by this version of the draft, if there still is one, and keep what that
    gave with it.
    """
    found = Draft.objects.filter(pk=draft, version=version, applied_at=None)
    row = found.select_related("program").first()
    if row is None:
        return
    try:
        terms = rehearsal.draft_of(row.program, row.rules, **row.policy)
        told = rehearsal.rehearse(terms, days=REHEARSED_DAYS, at=dt.datetime.fromisoformat(at))
    except Refusal as refusal:
        drafts.keep_rehearsal(row, {"refused": refusal.code})
    else:
        drafts.keep_rehearsal(row, {"at": at, **rehearsal.as_data(told)})


@jobs.periodic("17 * * * *", name="loyalty.end_unbound_where_it_is_night")
def end_unbound_where_it_is_night(at: dt.datetime) -> None:
    """Each hour, one job for each shop in whose night it is."""
    jobs.enqueue_where_it_is(SWEEPING, end_unbound, at=at)


@jobs.task(name="loyalty.end_unbound")
def end_unbound(at: str) -> None:
    """End the cards whose holders never proved a number."""
    claims.end_unbound(dt.datetime.fromisoformat(at))


@jobs.periodic("19 * * * *", name="loyalty.erase_leaving_where_it_is_night")
def erase_leaving_where_it_is_night(at: dt.datetime) -> None:
    """Each hour, one job for each shop in whose night it is."""
    jobs.enqueue_where_it_is(SWEEPING, erase_leaving, at=at)


@jobs.task(name="loyalty.erase_leaving")
def erase_leaving(at: str) -> None:
    """Erase those who asked for it, and have not changed their mind since."""
    leaving.erase_due(dt.datetime.fromisoformat(at))


@jobs.task(name="loyalty.relocate")
def relocate(currency: str, zone: str, digits: int, by: str, at: str) -> None:
    """Give the shop another clock, and another currency if it has not sold yet. `digits` are those
    of the amounts that were set up when it was asked for.
    """
    tenant = Tenant.objects.get(pk=tenant_id())
    wanted = tenant.currency_id if currencies.is_fixed() else currency
    asked = dt.datetime.fromisoformat(at)
    relocating.relocate(currency=wanted, zone=zone, at=asked, by=by)
    if wanted == currency:
        places = Currency.objects.get(pk=wanted).digits
        currencies.rescale(digits, places, at=asked, by=by)
    relocating.forget()
