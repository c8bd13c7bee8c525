"""`licet keys`: what a key's way looks like at the terminal."""

from __future__ import annotations

from pathlib import Path

from tests.portal.commands.conftest import Licet


def test_a_key_is_made_followed_and_revoked(folder: Path, licet: Licet) -> None:
    (first,) = licet(folder, "keys", "list").stdout.splitlines()
    old = first.split()[0]
    assert first.startswith(f"{old}  signs      made ") and first.endswith(". Signs every new token.")
    rotated = licet(folder, "keys", "rotate")
    new = rotated.stdout.split()[2]
    assert rotated.stdout == f"The key {new} is published and signs in ten minutes. No request fails meanwhile.\n"
    again = licet(folder, "keys", "rotate")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == f"The key {new} is published and does not sign yet. Wait until it does.\n"
    assert [line.split()[:2] for line in licet(folder, "keys", "list").stdout.splitlines()] == [[new, "published"], [old, "signs"]]
    revoked = licet(folder, "keys", "revoke", old)
    assert revoked.stdout == f"The key {old} has ended, and every token that it signed with it. Clients get new tokens as before.\n"
    assert [line.split()[:2] for line in licet(folder, "keys", "list").stdout.splitlines()] == [[new, "signs"], [old, "ended"]]
    unknown = licet(folder, "keys", "revoke", "key_unknown")
    assert (unknown.returncode, unknown.stderr) == (1, "There is no such thing here.\n")
