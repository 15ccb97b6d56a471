"""What is typed at the doors, and what browsers answer there for a passkey."""

from __future__ import annotations

import json
from typing import Any

from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn import forms as passkeys
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal import factors, waiting
from portal.forms import AddressField, LineField, OwnLanguageField
from tenants import guesses, secrets
from tenants.guesses import SECOND, TooManyGuesses
from tenants.models import User

LONGEST_CODE, LONGEST_NAME, LONGEST_CREDENTIAL = 40, 40, 20_000  # characters
REMEMBERED = (
    3  # codes of an authenticator that were just used: of this half minute and its neighbours
)
WRONG = _("That was not it.")


def posted(request: HttpRequest) -> QueryDict | None:
    """What was posted, also if it is nothing; None where the page was only asked for."""
    return request.POST if request.method == "POST" else None


class Address(forms.Form):
    """Who wants in."""

    email = AddressField(
        label=_("E-mail"),
        error_messages={"required": _("Type your address."), "invalid": _("That is no address.")},
        widget=forms.EmailInput(attrs={"autocomplete": "username webauthn", "maxlength": 254}),
    )


class NewAddress(Address):
    email = AddressField(
        label=_("New address"),
        error_messages={
            "required": _("Type the new address."),
            "invalid": _("That is no address."),
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email", "maxlength": 254}),
    )


class Code(forms.Form):
    """A code out of a letter. Any case, with or without its dash."""

    code = LineField(
        label=_("Code"),
        max_length=LONGEST_CODE,
        error_messages={"required": _("Type the code."), "max_length": WRONG},
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "maxlength": 9, "spellcheck": "false"}
        ),
    )


class Profile(forms.Form):
    name = LineField(
        label=_("Name"),
        max_length=80,
        error_messages={"required": _("Type your name.")},
        widget=forms.TextInput(attrs={"autocomplete": "name", "maxlength": 80}),
    )
    language = OwnLanguageField()


class KeyName(forms.Form):
    name = LineField(
        label=_("Name of this passkey"),
        max_length=LONGEST_NAME,
        error_messages={"required": _("Give it a name you know it by.")},
        widget=forms.TextInput(attrs={"maxlength": LONGEST_NAME}),
    )


# --- An authenticator app and its recovery codes -------------------------------------------------


class _Counted:
    """Six digits are guessed at: every try is counted, by the person, before it is made. A code of
    the app opens once, also where the cache that allauth remembers it in is lost.
    """

    user: User
    cleaned_data: dict[str, Any]

    def clean_code(self) -> str:
        subject = str(self.user.pk)
        try:
            guesses.take(SECOND, subject, at=timezone.now())
        except TooManyGuesses as many:
            raise ValidationError(waiting.sentence(many.wait), "wait") from None
        try:
            code = str(super().clean_code())  # type: ignore[misc]
        except ValidationError:
            raise ValidationError(WRONG, "incorrect_code") from None
        _use_up(self.authenticator, code)  # type: ignore[attr-defined]
        guesses.right(SECOND, subject)
        return code


def _use_up(authenticator: Authenticator, code: str) -> None:
    if authenticator.type != Authenticator.Type.TOTP:
        return
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
        print_ = secrets.fingerprint(f"{row.pk}:{''.join(c for c in code if c.isdigit())}")
        used = list(row.data.get("used", []))
        if print_ in used:
            raise ValidationError(WRONG, "incorrect_code")
        row.data["used"] = [*used, print_][-REMEMBERED:]
        row.save(update_fields=["data"])


def _code_field() -> LineField:
    return LineField(
        label=_("Code of your app, or a recovery code"),
        max_length=LONGEST_CODE,
        error_messages={"required": _("Type the code."), "max_length": WRONG},
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": 12}
        ),
    )


class SecondProof(_Counted, AuthenticateForm):  # type: ignore[misc]
    code = _code_field()


class AgainProof(_Counted, ReauthenticateForm):  # type: ignore[misc]
    code = _code_field()


class Activate(ActivateTOTPForm):  # type: ignore[misc]
    code = LineField(
        label=_("The code it shows now"),
        max_length=LONGEST_CODE,
        error_messages={"required": _("Type the code."), "max_length": WRONG},
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": 9}
        ),
    )

    def clean_code(self) -> str:
        try:
            return str(super().clean_code())
        except ValidationError:
            raise ValidationError(WRONG, "incorrect_code") from None


# --- Passkeys ------------------------------------------------------------------------------------

# What the parsers of CBOR and of keys raise for what is neither.
UNREADABLE = (
    AttributeError,
    IndexError,
    InvalidSignature,
    KeyError,
    RecursionError,
    TypeError,
    UnsupportedAlgorithm,
    ValueError,
)
NO_PASSKEY = _("This passkey opens nothing here. Take the code by mail.")


class CredentialField(forms.JSONField):
    """What a browser answers for a passkey: an object of a few hundred characters."""

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        text = str(value)
        try:
            found = json.loads(text) if len(text) <= LONGEST_CREDENTIAL else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ValidationError(NO_PASSKEY, "incorrect_code")
        return found


def _credential() -> CredentialField:
    return CredentialField(
        widget=forms.HiddenInput, error_messages={"required": NO_PASSKEY, "invalid": NO_PASSKEY}
    )


class _Readable:
    """Whatever a browser sends instead of a passkey is a wrong one."""

    def clean_credential(self) -> Authenticator:
        try:
            found: Authenticator = super().clean_credential()  # type: ignore[misc]
        except UNREADABLE:
            raise ValidationError(NO_PASSKEY, "incorrect_code") from None
        except ValidationError:
            raise ValidationError(NO_PASSKEY, "incorrect_code") from None
        return found


class PasskeyLogin(_Readable, passkeys.LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey of somebody who does not work here is answered like one that nobody knows."""

    credential = _credential()

    def clean_credential(self) -> Authenticator:
        found = super().clean_credential()
        if not factors.works_here(found.user):
            raise ValidationError(NO_PASSKEY, "incorrect_code")
        return found


class PasskeyProof(_Readable, passkeys.AuthenticateWebAuthnForm):  # type: ignore[misc]
    credential = _credential()


class PasskeyAgain(_Readable, passkeys.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    credential = _credential()


class NewPasskey(passkeys.AddWebAuthnForm):  # type: ignore[misc]
    """A passkey is one that knows its person and asks her for finger, face or PIN."""

    name = LineField(
        label=_("Name of this passkey"),
        required=False,
        max_length=LONGEST_NAME,
        widget=forms.TextInput(attrs={"maxlength": LONGEST_NAME}),
    )
    credential = _credential()
    passwordless = None

    def clean(self) -> dict[str, Any]:
        self.cleaned_data["passwordless"] = True
        try:
            cleaned: dict[str, Any] = super().clean()
        except (*UNREADABLE, ValidationError):
            raise ValidationError(_("That did not work. Try again."), "incorrect_code") from None
        return cleaned
