"""The programs by others that tests run: locked by content, from whatever registry the machine uses, and really there."""

from __future__ import annotations

import json
import subprocess

from tests.harness import node


def test_every_locked_package_is_held_by_its_content_and_names_no_registry() -> None:
    lock = json.loads((node.FOLDER / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert [name for name, package in packages.items() if not package["integrity"].startswith("sha512-") or "resolved" in package] == []


def test_what_is_installed_is_what_is_locked() -> None:
    wanted = json.loads((node.FOLDER / "package.json").read_text())["dependencies"]
    script = "Promise.all(process.argv.slice(1).map((name) => import(name))).then((all) => console.log(all.length))"
    done = subprocess.run(
        [node.binary(), "--input-type=module", "-e", script, *wanted],
        cwd=node.packages(),
        env=node.environ(),
        capture_output=True,
        text=True,
        check=True,
    )
    there = {name: json.loads((node.FOLDER / "node_modules" / name / "package.json").read_text())["version"] for name in wanted}
    assert (there, done.stdout.strip()) == (wanted, str(len(wanted)))
