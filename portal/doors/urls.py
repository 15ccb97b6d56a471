"""/accounts/. Of allauth's names only these exist; a test pins the list."""

from __future__ import annotations

from django.urls import path

from portal.doors import account, address, again, passkeys, second, signing_in

urlpatterns = [
    path("", account.account, name="account"),
    path("profile/", account.profile, name="account_profile"),
    path("sessions/others/", account.end_other_sessions, name="account_other_sessions"),
    path("sessions/<str:mark>/", account.end_session, name="account_session"),
    path("shops/<uuid:tenant>/", account.shop, name="account_shop"),
    path("leave/", account.leave, name="account_leave"),
    path("login/", signing_in.sign_in, name="account_login"),
    path("login/code/", signing_in.code, name="account_confirm_login_code"),
    path("logout/", signing_in.sign_out, name="account_logout"),
    path("link/<str:secret>/", signing_in.link, name="account_link"),
    path("arrive/<str:secret>/", signing_in.arrive, name="account_arrive"),
    path("join/<str:secret>/", signing_in.join, name="account_join"),
    path("reauthenticate/", again.reauthenticate, name="account_reauthenticate"),
    path("email/", address.change, name="account_email"),
    path("email/code/", address.confirm, name="account_email_code"),
    path("passkeys/login/", passkeys.login, name="mfa_login_webauthn"),
    path("passkeys/add/", passkeys.add, name="mfa_add_webauthn"),
    path("passkeys/<int:pk>/", passkeys.edit, name="mfa_edit_webauthn"),
    path("passkeys/<int:pk>/remove/", passkeys.remove, name="mfa_remove_webauthn"),
    path("authenticate/", second.authenticate, name="mfa_authenticate"),
    path("app/", second.activate, name="mfa_activate_totp"),
    path("app/remove/", second.deactivate, name="mfa_deactivate_totp"),
    path("recovery-codes/", second.recovery_codes, name="mfa_view_recovery_codes"),
    path("recovery-codes/new/", second.new_recovery_codes, name="mfa_generate_recovery_codes"),
]
