"""A name server on loopback, over UDP, that answers what a test says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.reversename
import dns.rrset

from tests.harness.gate import Gate


@dataclass
class NameServer:
    """`records` by name and type; a name without any does not exist. Names in `broken` get SERVFAIL. `gate` holds every question."""

    port: int
    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    gate: Gate = field(default_factory=Gate)

    @property
    def address(self) -> str:
        """The server as the setting `gate.resolver` takes it."""
        return f"127.0.0.1:{self.port}"

    def point(self, address: str, *names: str) -> str:
        """Let an address have these names, in the reverse zone alone."""
        reverse = dns.reversename.from_address(address).to_text()
        self.records[reverse, "PTR"] = [f"{each}." for each in names]
        return reverse

    def lead(self, name: str, *addresses: str) -> None:
        """Let a name lead to these addresses."""
        for kind, marked in (("A", False), ("AAAA", True)):
            self.records[f"{name}.", kind] = [each for each in addresses if (":" in each) is marked]

    def answer(self, packet: bytes) -> bytes:
        """The answer to one question."""
        query = dns.message.from_wire(packet)
        question = query.question[0]
        name, kind = question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{name} {kind}")
        self.gate.pass_through()
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        if name in self.broken:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif not any(known == name for known, _ in self.records):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        elif found := self.records.get((name, kind)):
            reply.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, found))
        return reply.to_wire()


@contextmanager
def name_server() -> Iterator[NameServer]:
    """The server for the block."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        server, ended = NameServer(door.getsockname()[1]), threading.Event()

        def answer(packet: bytes, whom: tuple[str, int]) -> None:
            reply = server.answer(packet)
            if not ended.is_set():
                door.sendto(reply, whom)

        def serve() -> None:
            while not ended.is_set():
                packet, whom = door.recvfrom(4096)
                if packet:
                    threading.Thread(target=answer, args=(packet, whom), daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            ended.set()
            server.gate.open()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waking:
                waking.sendto(b"", ("127.0.0.1", server.port))
            thread.join()
