"""The states of a Coordinator's reasoned request on one screen. `service` writes a state only through `next_state`.

Regulation (EU) 2022/2065, Art. 40(4) to (6): access is given as requested, or an amendment is asked for once, within 15 days of receipt
and on two grounds; then the Coordinator decides.
"""

from __future__ import annotations

from enum import StrEnum

from contracts.errors import Refusal


class State(StrEnum):
    """Where a request stands."""

    ENTERED = "entered"
    AMENDMENT_ASKED = "amendment_asked"
    ANSWERED = "answered"
    ADOPTED = "adopted"
    WITHDRAWN = "withdrawn"


class Command(StrEnum):
    """What may be done to it. There is none that declines it."""

    ADOPT = "adopt"
    ASK_AMENDMENT = "ask_amendment"
    ANSWER = "answer"
    WITHDRAW = "withdraw"


class Ground(StrEnum):
    """The two grounds on which an amendment may be asked for (Art. 40(5))."""

    NO_ACCESS = "no_access"
    VULNERABILITY = "vulnerability"


GROUNDS: dict[Ground, str] = {
    Ground.NO_ACCESS: "We do not have access to the data (Art. 40(5)(a)).",
    Ground.VULNERABILITY: (
        "Access would lead to significant vulnerabilities in the security of our service or the protection of confidential information, "
        "in particular trade secrets (Art. 40(5)(b))."
    ),
}

MEANING: dict[State, str] = {
    State.ENTERED: "It was entered as received. It is taken over as it stands, or an amendment is asked for within 15 days of receipt.",
    State.AMENDMENT_ASKED: "An amendment was asked for. The Coordinator answers within 15 days; until then nothing is given.",
    State.ANSWERED: "The Coordinator answered. The request is taken over as it stands now; no further amendment can be asked for.",
    State.ADOPTED: "It became the terms: the contract is drafted from it and holds what it says, no less and no more.",
    State.WITHDRAWN: "The Coordinator withdrew it.",
}

_S, _C = State, Command

# Total: every state names every command; None is "not possible".
TABLE: dict[State, dict[Command, State | None]] = {
    _S.ENTERED: {_C.ADOPT: _S.ADOPTED, _C.ASK_AMENDMENT: _S.AMENDMENT_ASKED, _C.ANSWER: None, _C.WITHDRAW: _S.WITHDRAWN},
    _S.AMENDMENT_ASKED: {_C.ADOPT: None, _C.ASK_AMENDMENT: None, _C.ANSWER: _S.ANSWERED, _C.WITHDRAW: _S.WITHDRAWN},
    _S.ANSWERED: {_C.ADOPT: _S.ADOPTED, _C.ASK_AMENDMENT: None, _C.ANSWER: None, _C.WITHDRAW: _S.WITHDRAWN},
    _S.ADOPTED: dict.fromkeys(Command),
    _S.WITHDRAWN: dict.fromkeys(Command),
}


def next_state(state: State, command: Command) -> State | Refusal:
    """The state after the command, or `command_not_possible`."""
    after = TABLE[state][command]
    if after is None:
        facts = {"state": state.value, "command": command.value}
        return Refusal("command_not_possible", f"This cannot be done now. {MEANING[state]}", facts)
    return after
