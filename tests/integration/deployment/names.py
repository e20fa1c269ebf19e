"""A name server like the one that Docker gives to containers: it tells addresses, which may change at any moment."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from scripts.servers import HOST

# A record of the internet, as questions and answers name it (RFC 1035 3.2).
A, INTERNET = 1, 1
FOREVER = 86_400


@contextmanager
def name_server(addresses: dict[str, str]) -> Iterator[int]:
    """Answers with what `addresses` holds just then, and says that it holds for a day; yields its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.bind((HOST, 0))
        thread = threading.Thread(target=_answer, args=(asked, addresses))
        thread.start()
        port = int(asked.getsockname()[1])
        try:
            yield port
        finally:
            # An empty question ends it.
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", (HOST, port))
            thread.join()


def _answer(asked: socket.socket, addresses: dict[str, str]) -> None:
    while True:
        question, asker = asked.recvfrom(512)
        if not question:
            return
        asked.sendto(_build_response(question, addresses), asker)


def _build_response(question: bytes, addresses: dict[str, str]) -> bytes:
    """The answer to a question for one name: its address, or that there is none."""
    labels, installation = [], 12
    while question[installation]:
        labels.append(question[installation + 1 : installation + 1 + question[installation]].decode())
        installation += 1 + question[installation]
    address = addresses.get(".".join(labels))
    # An answer, by one who may ask others (0x8180); 3: there is no such name.
    head = question[:2] + struct.pack(">HHHHH", 0x8180 if address else 0x8183, 1, 1 if address else 0, 0, 0)
    record = b""
    if address:
        # The name begins at byte 12 of the message.
        record = struct.pack(">HHHIH", 0xC00C, A, INTERNET, FOREVER, 4) + socket.inet_aton(address)
    return head + question[12 : installation + 5] + record
