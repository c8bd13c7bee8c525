"""`licet` with a guarded client that reaches a receiver of the test, as a process of its own: `python reaching.py worker`.

A test machine has no public address to talk to, so the parts of the client that are injected for tests lead to loopback, and it waits
for as long as the test holds it. Nothing else differs from the command that is installed.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import replace
from ipaddress import ip_address

from contracts.guarded import GuardedClient
from contracts.house import House
from portal import cli, jobs

TRUST = "REACHING_TRUST"


def main() -> None:
    """The command, for which every name leads to this machine and the authority in the file `REACHING_TRUST` is trusted."""
    trust, here = ssl.create_default_context(cafile=os.environ[TRUST]), ip_address("127.0.0.1")
    guarded = jobs.guarded

    def reaching(house: House) -> GuardedClient:
        to_us = {"resolve": lambda _host, _port: [str(here)], "permitted": lambda address: address == here}
        return replace(guarded(house), **to_us, ports=None, trust=trust, seconds=60.0)

    jobs.guarded = reaching
    cli.main()


if __name__ == "__main__":
    main()
