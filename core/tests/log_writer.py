"""Writes numbered lines into one log from several processes and threads: `python -m core.tests.log_writer …`.

Arguments: file, name of this master, children, threads of each, lines of each thread, bytes of a file, files kept.
As a server with preloading does, the master opens the log before it forks its children.
"""

import logging
import os
import sys
from threading import Thread

from core.observability.log_files import RotatingFile
from core.observability.log_lines import LineFormatter
from core.observability.request_id import RequestContext, RequestInfo, logging_request
from professional_network.settings.logs import LINE_FORMAT

LINE_END = "." * 40


def write(logger: logging.Logger, name: str, lines: int) -> None:
    with logging_request(RequestInfo(name, "-")):
        for number in range(lines):
            logger.info("%s %d %s", name, number, LINE_END)


def be_a_child(logger: logging.Logger, name: str, threads: int, lines: int) -> None:
    writers = [Thread(target=write, args=(logger, f"{name}-{n}", lines)) for n in range(threads)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()


def main(path: str, name: str, *numbers: str) -> int:
    children, threads, lines, size, kept = map(int, numbers)
    handler = RotatingFile(path, maxBytes=size, backupCount=kept)
    handler.setFormatter(LineFormatter(LINE_FORMAT))
    handler.addFilter(RequestContext())
    logger = logging.getLogger("writer")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    write(logger, f"{name}-master", 1)
    pids = []
    for child in range(children):
        pid = os.fork()
        if pid == 0:
            be_a_child(logger, f"{name}-{child}", threads, lines)
            os._exit(0)
        pids.append(pid)
    return max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
