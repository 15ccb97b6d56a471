"""What the owner's portal is asked for in its addresses."""

from __future__ import annotations

from django import forms

from portal.forms import SoughtField

LONGEST = 6  # digits of a page's number
SORTS = ("last", "name", "points", "joined")


class Listing(forms.Form):
    """A page of the list of members."""

    q = SoughtField()
    sort = forms.CharField(required=False)
    page = forms.CharField(required=False)

    def clean_sort(self) -> str:
        sort: str = self.cleaned_data["sort"]
        return sort if sort in SORTS else SORTS[0]

    def clean_page(self) -> int:
        page: str = self.cleaned_data["page"]
        return int(page) if page.isascii() and page.isdigit() and len(page) <= LONGEST else 1


class Before(forms.Form):
    """The part of a timeline before a moment."""

    before = forms.DateTimeField(
        required=False, input_formats=["%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z"]
    )
