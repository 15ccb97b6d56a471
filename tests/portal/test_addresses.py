"""One field reads e-mail addresses at every door: none takes what another refuses."""

from __future__ import annotations

import pytest
from django import forms
from hypothesis import given
from hypothesis import strategies as st

from portal.card.forms import Reached
from portal.doors.forms import Address, NewAddress
from portal.forms import AddressField
from portal.manage.forms_people import Invited
from portal.site.forms import Begin, Find

pytestmark = pytest.mark.django_db
FORMS = {
    "begin": lambda typed: Begin({"email": typed}),
    "find": lambda typed: Find({"email": typed}),
    "sign in": lambda typed: Address({"email": typed}),
    "another address": lambda typed: NewAddress({"email": typed}),
    "invite": lambda typed: Invited({"email": typed}),
    "card": lambda typed: Reached({"email": typed}, way="email"),
}
NONE = [
    "x@.",
    "x@localhost",
    "a,b@c.example",
    "a@b@c.example",
    "a..b@c..example",
    "<victim@y.example>",
    "(1)victim@y.example",
    "a b@c.example",
    "a\x00b@c.example",
    "@c.example",
    "a" * 190 + "@longer.example",
    "x" * 10_000 + "@c.example",
    "\ud800@c.example",
]
READ = [
    ("Layla@Aroma.Example", "layla@aroma.example"),
    ("  layla+shop@aroma.example ", "layla+shop@aroma.example"),
    ("layla@\u200baroma.example", None),
    ("o'hara@aroma.example", "o'hara@aroma.example"),
    ("layla@mu\u0308nchen.example", "layla@m\u00fcnchen.example"),
]


def read(door, typed):
    """What the form makes of it; None where it says that this is no address."""
    form = FORMS[door](typed)
    form.is_valid()
    if "email" in form.errors:
        assert "address" in form.errors["email"][0]
        return None
    return form.cleaned_data["email"]


@pytest.mark.parametrize("door", FORMS)
@pytest.mark.parametrize("typed", NONE)
def test_what_is_no_address_is_none_at_any_door(door, typed):
    assert read(door, typed) is None


@pytest.mark.parametrize("door", FORMS)
@pytest.mark.parametrize(("typed", "address"), READ)
def test_an_address_is_the_same_at_every_door(door, typed, address):
    assert read(door, typed) == address


@pytest.mark.parametrize("door", FORMS)
def test_nothing_typed_is_asked_for(door):
    form = FORMS[door]("  ")
    assert form.errors["email"][0].startswith("Type ")


def test_where_none_is_needed_nothing_is_nothing():
    assert AddressField(required=False).clean(" ") == ""


@given(st.text(max_size=40) | st.emails())
def test_what_was_read_reads_the_same_again(typed):
    field = AddressField(required=False)
    try:
        found = field.clean(typed)
    except forms.ValidationError:
        return
    assert field.clean(found) == found
