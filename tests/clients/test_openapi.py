"""Whatever is sent to the addresses that the description names: no fault, no status that it does not have, no other kind of body.

`FUZZ_EXAMPLES` and `FUZZ_SEED` ask for more, or for something else, than every run sends; `make fuzz` sets them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.clients.platform import Platform
from tests.harness import several

CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance", "unsupported_method")


@pytest.mark.timeout(1_800)
def test_every_address_answers_as_described(served: Platform, tmp_path: Path) -> None:
    words = ["run", f"{served.base_url}/v1/openapi.json", "--phases", "examples,coverage,fuzzing", "--checks", ",".join(CHECKS)]
    words += ["--max-examples", os.environ.get("FUZZ_EXAMPLES", "5"), "--seed", os.environ.get("FUZZ_SEED", "1"), "--no-shrink"]
    words += ["--request-timeout", "30", "--suppress-health-check", "all", "--warnings", "off", "--max-redirects", "0"]
    # Each method of every path of the site is asked there; a process of its own has the gate where there are several.
    words += ["--exclude-path-regex", "^/gate/" if several.WORKERS > 1 else "^/gate/envoy/"]
    environ = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.clients.fuzz_hooks", "PYTHONPATH": str(Path.cwd())}
    environ["FUZZ_CREDENTIALS"] = json.dumps(_credentials(served))
    command = [Path(sys.executable).with_name("schemathesis"), *words]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    (tmp_path / "output").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-15_000:] + done.stderr[-3_000:]


def _credentials(served: Platform) -> dict[str, str]:
    """A client and a token of it."""
    client = served.client("client_secret_basic")
    answer = httpx.post(
        f"{served.base_url}/oauth/token", data={"grant_type": "client_credentials"}, auth=(client["id"], client["secret"]), trust_env=False
    )
    return {
        "client_id": client["id"],
        "client_secret": client["secret"],
        "token": answer.json()["access_token"],
        "registration": served.registration_token(served.made.others["broken"].contract.id),
    }
