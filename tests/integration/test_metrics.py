"""/metrics of gunicorn's workers and of daphne: what is counted adds up, whatever becomes of a process or a server."""

import http.client
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from prometheus_client.core import Metric, Sample
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.parser import text_string_to_metric_families

from scripts.nginx import prepare_nginx
from scripts.programs import ROOT
from scripts.servers import HOST, find_free_port
from scripts.stack import Stack, create_server_starter, is_healthy, is_port_open, web_command, ws_command
from scripts.visitor import Visitor
from tests.testkit.websocket import SocketClosed, WebSocket

from .people import PASSWORD
from .promql import alerts, dashboard, documented, expressions, figures, is_balanced

TOKEN = "0123456789-figures-for-those-who-may"
PATIENCE = 30.0
# What the health checks allow a silent server, and what a busy machine adds.
SCRAPE_SECONDS = 5.0


class Scrape:
    """The metrics that one server returned."""

    def __init__(self, port: int, token: str = TOKEN) -> None:
        connection = http.client.HTTPConnection(HOST, port, timeout=SCRAPE_SECONDS)
        started = time.monotonic()
        try:
            # By an address that no ALLOWED_HOSTS names, and over plain HTTP, as Prometheus asks a pod.
            headers = {"Host": "10.1.2.3", "Authorization": f"Bearer {token}"}
            connection.request("GET", "/metrics", headers=headers)
            response = connection.getresponse()
            self.status, text = response.status, response.read().decode()
        finally:
            connection.close()
        self.seconds = time.monotonic() - started
        self.families: dict[str, Metric] = {}
        if self.status == http.HTTPStatus.OK:
            self.families = {family.name: family for family in text_string_to_metric_families(text)}

    def value(self, sample: str, **labels: str) -> float:
        """The sum of the values under the name `sample` with at least these labels."""
        return sum(
            found.value
            for family in self.families.values()
            for found in family.samples
            if found.name == sample and labels.items() <= found.labels.items()
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where gunicorn's workers count together; daphne counts by itself, as under systemd."""
    return tmp_path_factory.mktemp("figures") / "metrics"


@pytest.fixture(scope="module")
def servers(stack: Stack, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Servers of our own beside those of all tests, on the same PostgreSQL and Redis."""
    server_folder = tmp_path_factory.mktemp("servers")
    (server_folder / "nginx").mkdir()
    http_port, https, web, ws = (find_free_port() for _ in range(4))
    site = replace(
        stack.site,
        folder=server_folder / "nginx",
        http_port=http_port,
        https_port=https,
        web_port=web,
        ws_port=ws,
    )
    environment = {**stack.environment, "METRICS_TOKEN": TOKEN}
    shared = {**environment, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    with ExitStack() as exit_stack:
        serve = create_server_starter(exit_stack, server_folder, environment)
        serve_web = create_server_starter(exit_stack, server_folder, shared)
        yield replace(
            stack,
            origin=f"https://localhost:{site.https_port}",
            http_origin=f"http://localhost:{site.http_port}",
            site=site,
            environment=shared,
            web=serve_web("gunicorn", web_command(site.web_port), lambda: is_healthy(site.web_port)),
            ws=serve("daphne", ws_command(site.ws_port), lambda: is_healthy(site.ws_port)),
            nginx=serve("nginx", prepare_nginx(site), lambda: is_port_open(site.https_port)),
        )


def web(servers: Stack) -> Scrape:
    return Scrape(servers.site.web_port)


def ws(servers: Stack) -> Scrape:
    return Scrape(servers.site.ws_port)


def until(true: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


def open_page(servers: Stack, path: str = "/accounts/login/", cookies: str = "") -> int:
    """Ask gunicorn for a page on a separate connection, as nginx would."""
    connection = http.client.HTTPConnection(HOST, servers.site.web_port, timeout=15)
    try:
        headers = {"Host": "localhost", "X-Forwarded-Proto": "https", "Cookie": cookies}
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0  # its worker was killed
    finally:
        connection.close()


def pages(scrape: Scrape) -> float:
    return scrape.value("linkup_http_requests_total", view="account_login", status="200")


def counted_in(*paths: Path) -> Iterator[Sample]:
    """What stands in these files of the folder."""
    names = [str(path) for path in paths]
    for family in MultiProcessCollector.merge(names):  # type: ignore[no-untyped-call]
        yield from family.samples


def served_by_each(folder: Path) -> dict[str, float]:
    """How many sign-in pages each process has counted."""
    found = {}
    for path in folder.glob("counter_*.db"):
        samples = counted_in(path)
        found[path.name] = sum(s.value for s in samples if s.labels.get("view") == "account_login")
    return found


def serve_with_all(servers: Stack, folder: Path) -> int:
    """Ask until two processes have answered more than before; how many answers that took."""
    before, asked = served_by_each(folder), 0

    def both_have() -> bool:
        nonlocal asked
        threads = [threading.Thread(target=open_page, args=(servers,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        asked += 4
        return sum(now > before.get(name, 0) for name, now in served_by_each(folder).items()) >= 2

    until(both_have)
    return asked


def test_each_worker_reports_all_processes(servers: Stack, folder: Path) -> None:
    before = pages(web(servers))
    asked = serve_with_all(servers, folder)
    scrapes = [web(servers) for _ in range(6)]
    assert {pages(scrape) - before for scrape in scrapes} == {asked}
    assert {scrape.value("linkup_processes") for scrape in scrapes} == {2}
    count = "linkup_http_request_duration_seconds_count"
    assert scrapes[0].value(count, view="account_login") == before + asked


def test_metrics_need_the_token_and_are_not_reachable_from_outside(servers: Stack) -> None:
    for port in (servers.site.web_port, servers.site.ws_port):
        assert Scrape(port).status == 200
        assert Scrape(port, token="a-guess").status == 401
    with Visitor(servers) as visitor:
        assert visitor.get("/metrics", Authorization=f"Bearer {TOKEN}").status == 404


def test_a_reload_and_a_killed_worker_lose_no_count(servers: Stack, folder: Path) -> None:
    counted = pages(web(servers))
    old = set(servers.web.children())
    servers.reload_web()
    until(lambda: len(now := set(servers.web.children())) == 2 and not now & old)
    assert pages(web(servers)) == counted
    servers.kill_worker()
    until(lambda: len(servers.web.children()) == 2 and web(servers).value("linkup_processes") == 2)
    counted += serve_with_all(servers, folder)
    assert pages(web(servers)) == counted
    # Two old ones and two new ones lived beside each other; later ones took over a number.
    assert len(list(folder.glob("*.lock"))) <= 5
    assert len(list(folder.glob("counter_*.db"))) <= 5


def test_requests_that_a_killed_worker_had_begun_are_not_under_way_for_ever(
    servers: Stack, folder: Path
) -> None:
    name = "linkup_http_requests_in_progress"

    def begun() -> float:
        samples = counted_in(*folder.glob("gauge_live*.db"))
        return sum((sample.value for sample in samples if sample.name == name), 0.0)

    with Visitor(servers) as visitor, closing(psycopg2.connect(servers.postgres.url)) as other:
        visitor.sign_in("bob", PASSWORD)
        cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE")
        for _ in range(2):
            threading.Thread(target=open_page, args=(servers, "/", cookies)).start()
        until(lambda: begun() == 2)
        for pid in servers.web.children():
            os.kill(pid, signal.SIGKILL)
        other.rollback()
    until(lambda: is_healthy(servers.site.web_port) and len(servers.web.children()) == 2)
    # The question itself is one.
    assert web(servers).value(name) == 1


def hear(tab: WebSocket) -> int:
    """Hear a tab to its end; the code it was closed with."""
    try:
        while True:
            tab.receive()
    except SocketClosed as closed:
        return int(closed.args[0])


def test_tabs_are_counted_when_they_come_and_go(servers: Stack) -> None:
    assert ws(servers).value("linkup_websockets_open") == 0
    with Visitor(servers) as alice:
        alice.sign_in("alice", PASSWORD)
        one, two, three = (WebSocket.open_for(alice) for _ in range(3))
        with one, two, three:
            until(lambda: ws(servers).value("linkup_websockets_open") == 3)
            one.close(1001)
            two.send_text(b"no frame")
            until(lambda: ws(servers).value("linkup_websockets_open") == 2)
            servers.redis.stop()
            try:
                until(lambda: ws(servers).value("linkup_redis_up") == 0)
            finally:
                servers.redis.start()
            before = web(servers).value("linkup_hints_total")
            alice.submit_form("/accounts/logout/")
            assert {hear(two), hear(three)} == {4401}
    with WebSocket(servers) as nobody:
        assert nobody.status == 403
    until(lambda: ws(servers).value("linkup_websockets_open") == 0)
    found = ws(servers)
    closed = "linkup_websockets_closed_total"
    assert (found.value(closed, by="client", code="1001"), found.value(closed, by="server", code="4401")) == (
        1,
        2,
    )
    assert found.value("linkup_websocket_frames_refused_total", reason="malformed") == 1
    assert found.value("linkup_websockets_refused_total") == 1
    until(lambda: web(servers).value("linkup_hints_total") > before)


def test_a_database_that_is_away_is_reported_in_time(servers: Stack) -> None:
    assert {web(servers).value("linkup_database_up"), ws(servers).value("linkup_database_up")} == {1}
    before = web(servers)
    assert before.value("linkup_database_connections") > 0
    assert before.value("linkup_database_server_connections_max") > 100
    servers.postgres.pause()
    try:
        away = [web(servers), ws(servers)]
    finally:
        servers.postgres.resume()
    servers.postgres.stop()
    try:
        away += [web(servers), ws(servers)]
    finally:
        servers.postgres.start()
    assert [scrape.value("linkup_database_up") for scrape in away] == [0, 0, 0, 0]
    assert max(scrape.seconds for scrape in away) < SCRAPE_SECONDS
    assert pages(away[0]) == pages(before)
    assert "linkup_database_connections" not in away[0].families
    until(lambda: web(servers).value("linkup_database_up") == 1)


def names_in(*scrapes: Scrape) -> dict[str, set[str]]:
    """Each name that the servers tell, with its labels and those that Prometheus adds."""
    found: dict[str, set[str]] = {}
    for scrape in scrapes:
        for family in scrape.families.values():
            for sample in family.samples:
                found.setdefault(sample.name, {"job", "instance"}).update(sample.labels)
    return found


# After those above, in which what happens seldom has happened.
def test_dashboard_alerts_and_page_name_the_metrics_of_the_servers(servers: Stack) -> None:
    found = names_in(web(servers), ws(servers))
    asked = [(where, *figure) for where, expression in expressions() for figure in figures(expression)]
    # A fault of ours is what these servers have none of.
    seldom = {"linkup_http_exceptions_total"}
    unknown = [(where, name) for where, name, _ in asked if name not in found.keys() | seldom]
    assert unknown == []
    assert [(where, name) for where, name, labels in asked if not labels <= found.get(name, labels)] == []
    families = {name for scrape in (web(servers), ws(servers)) for name in scrape.families}
    named = {name.removesuffix("_total") for name in documented(ROOT / "docs" / "MONITORING.md")}
    assert named == families


def test_the_dashboard_and_the_alerts_are_whole() -> None:
    board = dashboard()
    assert board["schemaVersion"] >= 41
    assert [each["type"] for each in board["templating"]["list"]] == ["datasource", "query"]
    shown = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert {panel["datasource"]["uid"] for panel in shown} == {"${datasource}"}
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert all(panel["targets"] for panel in shown)
    assert [where for where, expression in expressions() if not is_balanced(expression)] == []
    page = (ROOT / "docs" / "MONITORING.md").read_text()
    for rule in alerts():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]
        assert f"### {rule['alert']}" in page, "what is to be done about it"


def test_a_start_of_gunicorn_begins_at_nothing(servers: Stack) -> None:
    assert pages(web(servers)) > 0
    servers.web.stop()
    servers.web.start()
    assert pages(web(servers)) == 0
