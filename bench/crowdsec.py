"""CrowdSec's local API, as a bouncer asks it about one address: what `bench/gate.py` sets beside the gate, for comparison.

Its program is Debian's own package, unpacked into the bench's folder and never installed; agent and central API are off, SQLite in WAL.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.gate_mix import REQUESTS, visitor
from bench.harness import Peer
from tests.harness.server import free_port

_CONFIG = """\
common: {{daemonize: false, log_media: stdout, log_level: error, working_dir: .}}
config_paths:
  config_dir: {folder}/
  data_dir: {folder}/data/
  notification_dir: {folder}/none/
  plugin_dir: {folder}/none/
  hub_dir: {folder}/hub/
  index_path: {folder}/hub/.index.json
  simulation_path: {folder}/simulation.yaml
db_config: {{type: sqlite, db_path: {folder}/data/crowdsec.db, use_wal: true, log_level: error}}
api:
  client: {{insecure_skip_verify: false, credentials_path: {folder}/credentials.yaml}}
  server: {{log_level: error, listen_uri: "127.0.0.1:{port}", profiles_path: {folder}/profiles.yaml}}
prometheus: {{enabled: false}}
"""


def lookup(folder: Path, decisions: int, visitors: int) -> Peer | None:
    """Its local API with so many decisions, asked about the addresses of the visitors; None where Debian's package cannot be had."""
    folder.mkdir()
    package = _unpacked(folder)
    if package is None:
        return None
    port, key = free_port(), secrets.token_hex(16)
    for name in ("data", "none", "hub"):
        (folder / name).mkdir()
    shutil.copy(package / "usr/share/crowdsec/hub/.index.json", folder / "hub")
    for name in ("profiles.yaml", "simulation.yaml"):
        shutil.copy(package / "etc/crowdsec" / name, folder)
    (folder / "credentials.yaml").touch()
    config = folder / "config.yaml"
    config.write_text(_CONFIG.format(folder=folder, port=port))
    control = [str(package / "usr/bin/cscli"), "-c", str(config)]
    _done([*control, "machines", "add", "bench", "--password", secrets.token_hex(16), "--force", "-f", str(folder / "credentials.yaml")])
    _done([*control, "bouncers", "add", "bench", "-k", key])
    (folder / "decisions.csv").write_text("duration,scope,value\n" + "".join(f"24h,ip,{_banned(n)}\n" for n in range(decisions)))

    def requests() -> list[bytes]:
        _done([*control, "decisions", "import", "-i", str(folder / "decisions.csv")])
        heads = (f"GET /v1/decisions?ip={visitor(number * 7919 % visitors)[0]} HTTP/1.1" for number in range(REQUESTS))
        return [f"{head}\r\nhost: 127.0.0.1\r\nx-api-key: {key}\r\n\r\n".encode() for head in heads]

    command = [str(package / "usr/bin/crowdsec"), "-c", str(config), "-no-cs", "-no-capi"]
    return Peer("crowdsec look-up", command, port, f"http://127.0.0.1:{port}/v1/decisions", requests)


def _unpacked(folder: Path) -> Path | None:
    if shutil.which("apt-get") is None:
        return None
    fetched = subprocess.run(["apt-get", "download", "-qq", "crowdsec"], cwd=folder, capture_output=True, check=False)
    found = list(folder.glob("crowdsec_*.deb"))
    if fetched.returncode or not found:
        return None
    _done(["dpkg", "-x", str(found[0]), str(folder / "package")])
    return folder / "package"


def _done(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def _banned(number: int) -> str:
    return f"100.{64 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
