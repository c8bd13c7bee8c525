"""The section `anchors` of the settings: who outside the house holds checkpoints of the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator, model_validator

from contracts.ledger.cosignature import parse_witness
from contracts.ledger.note import Verifier
from contracts.sections import Section


class WitnessAt(Section):
    """One witness (C2SP tlog-witness)."""

    key: str = Field(description="The witness's public key, as <name>+<key id>+<key>; have it from whoever runs the witness.")
    address: Annotated[str, StringConstraints(pattern=r"^https://[^\s?#]+$")] = Field(
        description="Its submission prefix: checkpoints are sent to add-checkpoint below it."
    )
    private: bool = Field(default=False, description="Whether the witness may be at a private address, as in an operator's own network.")
    trust: Path | None = Field(
        default=None, description="File with certificates of authorities trusted for the witness; the system's by default."
    )

    @field_validator("key")
    @classmethod
    def _is_a_witness(cls, key: str) -> str:
        return parse_witness(key).vkey()

    @property
    def verifier(self) -> Verifier:
        """The witness's public key."""
        return parse_witness(self.key)

    @property
    def url(self) -> str:
        """Where checkpoints are sent."""
        return f"{self.address.rstrip('/')}/add-checkpoint"


class Anchors(Section):
    """Who outside the house holds checkpoints of the ledger. Without any, the ledger is unanchored, and every page about it says so."""

    witnesses: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")], WitnessAt] = Field(
        default_factory=dict, description="Witnesses that cosign checkpoints, by a short name."
    )
    seconds: int = Field(default=30, ge=1, le=60, description="Pause between two checkpoints that witnesses are asked to cosign.")
    timestamp_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s#]+$")] | None = Field(
        default=None, description="Address of an authority for time-stamps (RFC 3161) of checkpoints; none are asked for if empty."
    )
    timestamp_certificate: Path | None = Field(
        default=None, description="PEM file with the certificate that the authority's time-stamps lead to; needed with timestamp_url."
    )
    timestamp_minutes: int = Field(default=60, ge=1, le=1440, description="Pause between two time-stamps.")

    @model_validator(mode="after")
    def _stamps_can_be_checked(self) -> Anchors:
        if (self.timestamp_url is None) != (self.timestamp_certificate is None):
            raise ValueError("timestamp_url and timestamp_certificate are given together, so that time-stamps can be checked")
        if len({each.key for each in self.witnesses.values()}) != len(self.witnesses):
            raise ValueError("each witness has a key of its own")
        return self

    @property
    def verifiers(self) -> list[Verifier]:
        """The public keys of all witnesses."""
        return [each.verifier for each in self.witnesses.values()]
