"""Entries as events of OCSF 1.7.0: Datastore Activity (6005) where a dataset was asked, API Activity (6003) for all else.

What OCSF has no place for (purpose, contract, fields, quota, commitments) stands under `unmapped.licet`, and our extension is
declared in `metadata.extensions`. Personal values are not in an entry, so people and networks appear as their commitments. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

VERSION = "1.7.0"
EXTENSION = {"name": "licet", "uid": "licet", "version": "1.0.0"}
READ, CREATE, UPDATE, DELETE = 2, 1, 3, 4
"""Activities of class 6003. Class 6005 has others: 1 reads, 4 queries."""
_ACTIVITY = {
    "viewed": READ,
    "searched": READ,
    "exported": READ,
    "downloaded": READ,
    "catalogue": READ,
    "signed_in": READ,
    "created": CREATE,
    "made": CREATE,
    "issued": CREATE,
    "drafted": CREATE,
    "registered": CREATE,
    "opened": CREATE,
    "added": CREATE,
    "revoked": DELETE,
    "removed": DELETE,
    "ended": DELETE,
    "withdrawn": DELETE,
    "closed": DELETE,
}
_DATASTORE = {"records": 1, "aggregate": 4, "estimate": 4}
_ACTION = {"allow": 1, "refuse": 2, "done": 3}
_UNMAPPED = (
    "organisation",
    "contract",
    "contract_version",
    "contract_hash",
    "credential_kind",
    "purpose",
    "dataset_version",
    "fields",
    "filter_shape",
    "rows",
    "bytes",
    "new_records",
    "records_hash",
    "quota_before",
    "quota_after",
    "node",
    "n",
    "commitments",
    "facts",
)


def event(index: int, facts: Mapping[str, Any], leaf_hash: str, origin: str, platform: str) -> dict[str, Any]:
    """One entry as an event; `facts` is the object that its leaf holds."""
    subject, _, verb = facts["event"].partition(".")
    datastore = subject in ("access", "sandbox") and verb in _DATASTORE and bool(facts.get("dataset"))
    class_uid, activity = (6005, _DATASTORE[verb]) if datastore else (6003, _ACTIVITY.get(verb, UPDATE))
    refused = facts["decision"] == "refuse"
    made: dict[str, Any] = {
        "category_uid": 6,
        "class_uid": class_uid,
        "activity_id": activity,
        "type_uid": class_uid * 100 + activity,
        "severity_id": 1,
        "time": int(datetime.fromisoformat(facts["at"]).timestamp() * 1000),
        "status_id": 2 if refused else 1,
        "action_id": _ACTION[facts["decision"]],
        "disposition_id": 2 if refused else 1,
        "message": facts["event"],
        "metadata": _metadata(index, facts, origin, platform),
        "actor": _actor(facts),
        "src_endpoint": _endpoint(facts),
        "unmapped": {"licet": {"leaf_hash": leaf_hash} | {name: facts[name] for name in _UNMAPPED if name in facts}},
    }
    if facts.get("rule"):
        made["status_code"] = facts["rule"]
    if facts.get("contract"):
        version = {"version": str(facts["contract_version"])} if "contract_version" in facts else {}
        made["authorizations"] = [{"decision": facts["decision"], "policy": {"uid": facts["contract"], "type": "contract"} | version}]
    return made | (_datastore(facts) if datastore else _api(facts))


def _metadata(index: int, facts: Mapping[str, Any], origin: str, platform: str) -> dict[str, Any]:
    return {
        "version": VERSION,
        "uid": facts["id"],
        "sequence": index,
        "log_name": origin,
        "product": {"name": "Licet", "vendor_name": platform},
        "profiles": ["security_control"],
        "extensions": [EXTENSION],
    }


def _actor(facts: Mapping[str, Any]) -> dict[str, Any]:
    committed = facts.get("commitments", {}).get("account")
    known = f"commitment:{committed}" if committed else facts.get("credential") or f"node:{facts['node']}"
    user: dict[str, Any] = {"uid": known}
    if facts.get("credential"):
        user["credential_uid"] = facts["credential"]
    if facts.get("organisation"):
        user["org"] = {"uid": facts["organisation"]}
    return {"user": user}


def _endpoint(facts: Mapping[str, Any]) -> dict[str, Any]:
    committed = facts.get("commitments", {}).get("network")
    return {"uid": f"commitment:{committed}"} if committed else {"name": "unknown"}


def _api(facts: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"api": {"operation": facts["event"], "service": {"name": "licet"}, "request": {"uid": facts["id"]}}}
    if facts.get("subject"):
        made["resources"] = [{"uid": facts["subject"], "type": facts["subject"].partition("_")[0]}]
    return made


def _datastore(facts: Mapping[str, Any]) -> dict[str, Any]:
    bucket = {"uid": facts["dataset"], "name": facts["dataset"], "type_id": 99, "type": "dataset"}
    if facts.get("dataset_version"):
        bucket["version"] = str(facts["dataset_version"])
    return {"databucket": bucket} | ({"count": facts["rows"]} if facts.get("rows") is not None else {})
