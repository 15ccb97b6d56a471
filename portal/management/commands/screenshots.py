"""manage.py screenshots FOLDER [--only till]: pictures of every screen, to look through."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = (
        "Take pictures of every screen (phone, tablet, desktop, light and dark, English, Arabic, "
        "Bengali) into a folder outside the project. Its database is its own, and thrown away."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--only", default="", help="screens whose name begins like this")

    def handle(self, *args: Any, **options: Any) -> None:
        if find_spec("playwright") is None:
            raise CommandError("Run `python3 manage.py test` once: it installs what this needs.")
        # A process of its own: it works on another database than this one was started with.
        command = [sys.executable, "-m", "bench.pictures", str(options["folder"].resolve())]
        named = ("DATABASE_", "REDIS_", "PORTAL_LOGIN")
        ours = {k: v for k, v in os.environ.items() if not k.startswith(named)}
        done = subprocess.run(
            [*command, "--only", options["only"]], cwd=settings.ROOT, env=ours, check=False
        )
        if done.returncode:
            raise CommandError("Not all pictures could be taken.")
