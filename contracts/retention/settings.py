"""The section `retention` of the settings: for how long the ledger keeps what. It is published as `/retention`."""

from __future__ import annotations

from pydantic import Field

from contracts.sections import Section

_VALUES = "Days after which personal values beside entries about {} are erased; 0 keeps them as long as the entries."


class Retention(Section):
    """For how long the ledger keeps personal values and entries. The periods are published, and each change is an entry of the ledger."""

    access_days: int = Field(default=730, ge=0, description=_VALUES.format("requests for data, tokens, sandboxes and the gate"))
    account_days: int = Field(default=365, ge=0, description=_VALUES.format("accounts, sign-ins and second factors"))
    audit_days: int = Field(
        default=1095, ge=0, description=_VALUES.format("the ledger itself: searches, views, exports, letters, visits, holds")
    )
    decision_days: int = Field(default=3650, ge=0, description=_VALUES.format("everything else: applications, contracts, roles, policies"))
    entry_years: int = Field(
        default=10,
        ge=0,
        description="Years after which entries are pruned, 256 together, and whatever is beside them; hashes and checkpoints stay. 0 keeps them for ever.",
    )
