"""Where a running portal keeps its files, and as whom the servers in there run.

Everything that a run leaves behind is in home(): deleting that folder is a new beginning.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).resolve().parent.parent
SOCKET_PATH_MAX = 90  # the kernel takes 104 bytes on macOS, 108 on Linux, "/.s.PGSQL.5432" included
SERVICE_USER = "nobody"  # PostgreSQL refuses to run as root: as root we lend it an account


class EmbeddedError(RuntimeError):
    """A server of ours cannot run here; the message says what to do about it."""


class Account(TypedDict, total=False):
    """Arguments of subprocess.run that change who the process is; none if that is us."""

    user: int
    group: int
    extra_groups: list[int]


def home() -> Path:
    """PORTAL_HOME, else `var` in the checkout; as root a folder of /var/lib.

    A checkout in root's own home cannot be entered by SERVICE_USER, and we loosen nobody's
    permissions to change that.
    """
    if named := os.environ.get("PORTAL_HOME"):
        return Path(named).absolute()
    if os.geteuid() != 0:
        return ROOT / "var"
    return Path("/var/lib") / f"portal-{_tag(ROOT)}"


def service_account() -> Account:
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(SERVICE_USER)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def my_name() -> str:
    """The system's name for us; the environment's USER may say anything."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise EmbeddedError(
            f"The user id {os.geteuid()} has no name on this system, and PostgreSQL wants one: "
            "add it to /etc/passwd, or set DATABASE_URL and REDIS_URL."
        ) from None


def account_name() -> str:
    """The system's name for whoever runs the servers."""
    return SERVICE_USER if service_account() else my_name()


class Place:
    """A home, with the folder for sockets that belongs to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        run = path / "run"
        if len(os.fsencode(run)) > SOCKET_PATH_MAX:
            run = Path(tempfile.gettempdir()) / f"portal-{os.geteuid()}-{_tag(path)}"
        self.run = run

    def make(self) -> None:
        """Make both folders. Only the account that runs the servers enters the one for sockets."""
        account = service_account()
        self.path.mkdir(parents=True, exist_ok=True)
        if account:
            self.path.chmod(0o711)
            self._must_be_entered_by(account)
        owner = account.get("user", os.geteuid())
        with contextlib.suppress(FileExistsError):
            self.run.mkdir(mode=0o700)
            os.chown(self.run, owner, account.get("group", -1))
        found = self.run.lstat()  # in a temporary directory anybody could have come before us
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
            raise EmbeddedError(f"{self.run} belongs to somebody else. Remove it, or set TMPDIR.")
        self.run.chmod(0o700)

    def _must_be_entered_by(self, account: Account) -> None:
        if subprocess.run(["test", "-x", self.path], check=False, **account).returncode:
            raise EmbeddedError(
                f"As root, the databases run as the user {SERVICE_USER}, who cannot enter "
                f"{self.path}. Set PORTAL_HOME to a folder below one that everybody may enter."
            )

    def new_folder(self, name: str) -> Path:
        """An empty folder that belongs to the account of the servers."""
        path = self.path / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
        account = service_account()
        os.chown(path, account.get("user", -1), account.get("group", -1))
        return path

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Let no other process start or stop a server of this place meanwhile."""
        with (self.path / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def program(self, package: str, program: str) -> Path:
        """The file `program` of an installed package, where the account of the servers reaches it.

        Where root's checkout is closed to others we copy the package into the place, together with
        the libraries that its programs find by a path relative to their own.
        """
        folder = _package_folder(package)
        path = folder / program
        account = service_account()
        if (
            not account
            or not subprocess.run(["test", "-x", path], check=False, **account).returncode
        ):
            return path
        state = f"{folder} {path.stat().st_mtime_ns}"
        copy = self.path / f"{package}-{hashlib.sha256(state.encode()).hexdigest()[:8]}"
        if not (copy / "complete").exists():
            _copy_for_all(folder, copy)
        return copy / package / program


def _package_folder(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            f"The package {name} is not installed. Install requirements.txt, or set DATABASE_URL, "
            "DATABASE_OWNER_URL, DATABASE_WORKER_URL and REDIS_URL to use servers of your own."
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _copy_for_all(folder: Path, copy: Path) -> None:
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy / folder.name, symlinks=True)
    libraries = folder.with_name(f"{folder.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, copy / libraries.name, symlinks=True)
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            open_to_all = 0o055 if path.is_dir() or os.access(path, os.X_OK) else 0o044
            path.chmod(path.stat().st_mode | open_to_all)
    (copy / "complete").touch()


def _tag(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
