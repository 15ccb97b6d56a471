#!/usr/bin/env python3
"""The portal's command line. `up` runs it, `test` tests it, and every Django command works too.

Nothing has to be there but python3: the first command makes the environment, and what needs a
database while none is named gets the portal's own, for as long as the command lasts.
"""

import os
import signal
import sys

# Every process has one login. The default is the web's, which sees one tenant at a time.
LOGINS = {
    "owner": "migrate makemigrations backup restore distribute sqlmigrate dbshell showmigrations",
    "worker": "procrastinate metrics usage verify_ledger verify_audit purge",
}
WITHOUT_DATABASE = "collectstatic compilemessages doctor findstatic help makemessages roles version"
SERVING = "metrics procrastinate"  # they speak to a log


def main() -> None:
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    from portal.bootstrap import ensure_environment

    ensure_environment(dev=command == "test")
    if command == "up":
        from portal.up import main as up

        sys.exit(up(sys.argv[2:]))
    if command == "reload":
        from portal.reload import main as reload

        sys.exit(reload())
    if command == "test":
        from portal.suite import main as test

        sys.exit(test(sys.argv[2:]))
    django(command)


def django(command: str) -> None:
    """Run one of Django's commands, or of ours."""
    from portal.embedded import EmbeddedError, Services

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    login = os.environ.setdefault("PORTAL_LOGIN", login_of(command))
    if command in SERVING.split():
        from portal import outcry

        outcry.listen()
    services = Services()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))  # by way of `finally`
    try:
        if command not in WITHOUT_DATABASE.split() and not command.startswith("-"):
            services.start_needed(login)
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line

        try:
            execute_from_command_line(sys.argv)
        except ImproperlyConfigured as error:
            if command in SERVING.split():
                raise
            sys.exit(str(error))
    except EmbeddedError as error:
        sys.exit(str(error))
    finally:
        services.release()


def login_of(command: str) -> str:
    return next((login for login, of in LOGINS.items() if command in of.split()), "app")


if __name__ == "__main__":
    main()
