"""From a bare python3 to the portal's own environment, `.venv`, as this machine allows.

Standard library only, and written so that a Python too old to run the portal still reads far
enough to say so. A second run finds everything there and costs a few milliseconds.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
MINIMUM = (3, 11)


def ensure_environment(dev: bool = False) -> None:
    """Return inside an environment with everything installed, after making it if need be.

    Where that takes another interpreter, this process becomes that interpreter, with the same
    arguments. `dev` adds what tests and linters need. PORTAL_NO_BOOTSTRAP leaves the environment
    to whoever runs us: a container image, or a virtual environment of their own.
    """
    if sys.version_info < MINIMUM:
        sys.exit("The portal needs Python 3.11 or newer; this is %s." % sys.version.split()[0])
    if os.environ.get("PORTAL_NO_BOOTSTRAP"):
        return
    os.environ.setdefault(
        "PORTAL_BEGAN", str(time.time())
    )  # `up` says how long it took, all in all
    names = ["requirements.txt", "requirements-dev.txt"] if dev else ["requirements.txt"]
    try:
        if not all(map(_is_installed, names)):
            _install_once(names)
    except OSError as error:
        sys.exit("The environment %s cannot be made: %s" % (VENV, error))
    if Path(sys.prefix).resolve() != VENV.resolve():
        # Somebody's choice for other programs: compiled anew in every process, Django alone takes a
        # second more to start, and `up` starts it five times.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.execv(str(PYTHON), [str(PYTHON), *sys.argv])


def _is_installed(name: str) -> bool:
    # PYTHON is a link to the machine's python3, which an upgrade may have taken away.
    return PYTHON.exists() and _stamp(name).exists() and _stamp(name).read_text() == _wanted(name)


def _stamp(name: str) -> Path:
    return VENV / (name + ".installed")


def _wanted(name: str) -> str:
    # Programs in an environment carry its path in their first line: moved, it is of no use.
    return "%s\n%s\n" % (VENV, hashlib.sha256((ROOT / name).read_bytes()).hexdigest())


def _install_once(names: "list[str]") -> None:
    """Install, while other commands that were started at the same moment wait for us."""
    folder = os.open(str(ROOT), os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if all(map(_is_installed, names)):
            return
        began = time.monotonic()
        _say("Installing packages into %s ..." % VENV)
        _install(names[-1])  # the development set holds the other one
        for name in names:
            _stamp(name).write_text(_wanted(name))
        _say("Installed in %.1f s." % (time.monotonic() - began))
    finally:
        os.close(folder)


def _install(name: str) -> None:
    packages = ["--require-hashes", "-r", str(ROOT / name)]
    uv = shutil.which("uv")
    if uv and _uv_makes_venv(uv) and _uv_installs(uv, packages):
        return
    _make_venv()
    pip = [str(PYTHON), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    # pip could install all of it too, in three times the time.
    own_uv = str(VENV / "bin" / "uv")
    got_uv = _succeeds(*pip, "--require-hashes", "-r", str(ROOT / "requirements-uv.txt"))
    if got_uv and _uv_installs(own_uv, packages):
        return
    _say("uv could not install the packages; trying pip, which knows your pip settings.")
    if not _succeeds(*pip, *packages):
        sys.exit(
            "\nThe packages could not be installed; what pip said is above. They come from a "
            "package registry: is it reachable from here (PIP_INDEX_URL names another), and is "
            "there room on the disk? Nothing has to be cleaned up: run the same command again."
        )


def _uv_makes_venv(uv: str) -> bool:
    make = [uv, "venv", "-q", "--clear", "--python", _base_python(), str(VENV)]
    return _environment_is_whole() or _succeeds(*make)


def _uv_installs(uv: str, packages: "list[str]") -> bool:
    return _succeeds(uv, "pip", "install", "-q", "--python", str(PYTHON), *packages)


def _environment_is_whole() -> bool:
    """Something was installed at this path before: a first run that was killed left no stamp."""
    stamps = VENV.glob("*.installed")
    return PYTHON.exists() and any(s.read_text().startswith("%s\n" % VENV) for s in stamps)


def _make_venv() -> None:
    if importlib.util.find_spec("ensurepip") is None:  # Debian and Ubuntu ship it apart
        package = "python3.%d-venv" % sys.version_info[1]
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            sys.exit(
                "This Python has no ensurepip. Install it once, then run this again:\n\n"
                "    sudo apt install %s\n" % package
            )
        env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        subprocess.call(["apt-get", "update", "-qq"], env=env)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
        if subprocess.call(install, env=env, stdout=subprocess.DEVNULL):
            sys.exit("\nThis Python has no ensurepip, and apt-get could not install %s." % package)
    if not _succeeds(_base_python(), "-m", "venv", "--clear", str(VENV)):
        sys.exit("\nPython could not make the environment %s; what it said is above." % VENV)


def _base_python() -> str:
    # An environment that is cleared away cannot be the one that makes it again.
    return getattr(sys, "_base_executable", None) or sys.executable


def _succeeds(*command: str) -> bool:
    return subprocess.call(command) == 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
