"""Who may speak to whom, in deploy/kubernetes and in compose.yaml."""

from ipaddress import ip_address, ip_network
from typing import Any

from .test_compose import compose
from .test_containers import resources

OURS = "linkup"
CONTROLLER = {"namespace": "ingress-nginx", "app.kubernetes.io/name": "ingress-nginx"}
PROMETHEUS = {"namespace": "monitoring", "app.kubernetes.io/name": "prometheus"}
STRANGER = {"namespace": "default", "app.kubernetes.io/name": "blog"}
PRETENDER = {"namespace": "default", "app.kubernetes.io/name": "ingress-nginx"}
NEIGHBOUR = {"namespace": OURS, "app.kubernetes.io/name": "something"}


def part(name: str) -> dict[str, str]:
    return {"namespace": OURS, "app.kubernetes.io/name": "linkup", "app.kubernetes.io/component": name}


WEB, WORKER, MAIL, MIGRATE = part("web"), part("worker"), part("mail"), part("migrate")
POSTGRESQL = {"namespace": OURS, "app.kubernetes.io/name": "postgresql"}
REDIS = {"namespace": OURS, "app.kubernetes.io/name": "redis"}


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    assert set(selector) <= {"matchLabels"}, "this test knows no other selectors"
    return all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items())


def is_one_of(peer: dict[str, Any], pod: dict[str, str]) -> bool:
    """Whether a `from` of a policy of ours means this pod."""
    namespace = peer.get("namespaceSelector", {"matchLabels": {"kubernetes.io/metadata.name": OURS}})
    return selects(namespace, {"kubernetes.io/metadata.name": pod["namespace"]}) and selects(
        peer["podSelector"], pod
    )


def may_come(asker: dict[str, str], pod: dict[str, str], port: int) -> bool:
    """As Kubernetes decides: with no policy everybody, with some whomever one of them lets in."""
    policies = [each["spec"] for each in resources("NetworkPolicy").values()]
    mine = [
        each for each in policies if selects(each["podSelector"], pod) and "Ingress" in each["policyTypes"]
    ]
    rules = [rule for policy in mine for rule in policy.get("ingress", [])]
    return not mine or any(
        any(is_one_of(peer, asker) for peer in rule["from"])
        and any(each["port"] == port for each in rule["ports"])
        for rule in rules
    )


def test_only_the_ingress_controller_and_prometheus_reach_the_pods() -> None:
    askers = (CONTROLLER, PROMETHEUS, STRANGER, PRETENDER, NEIGHBOUR, WEB, WORKER, MAIL)
    welcome = {
        (asker["namespace"], asker["app.kubernetes.io/name"], pod["app.kubernetes.io/component"], port)
        for asker in askers
        for pod in (WEB, WORKER, MAIL, MIGRATE)
        for port in (8000, 8001, 22)
        if may_come(asker, pod, port)
    }
    assert welcome == {
        (asker["namespace"], asker["app.kubernetes.io/name"], name, port)
        for asker in (CONTROLLER, PROMETHEUS)
        for name, port in (("web", 8000), ("worker", 8001))
    }


def test_only_linkup_reaches_its_database_and_its_redis() -> None:
    for pod, port in ((POSTGRESQL, 5432), (REDIS, 6379)):
        for asker in (WEB, WORKER, MAIL, MIGRATE):
            assert may_come(asker, pod, port)
        for asker in (CONTROLLER, PROMETHEUS, STRANGER, NEIGHBOUR):
            assert not may_come(asker, pod, port)


def test_the_pods_of_every_workload_are_under_the_policies() -> None:
    begun = {**resources("Deployment"), **resources("Job")}
    begun |= {name: each["spec"]["jobTemplate"] for name, each in resources("CronJob").items()}
    bounded = [each["spec"] for each in resources("NetworkPolicy").values()]
    for name, each in begun.items():
        labels = each["spec"]["template"]["metadata"]["labels"]
        kinds = {
            kind
            for policy in bounded
            if selects(policy["podSelector"], labels)
            for kind in policy["policyTypes"]
        }
        assert kinds == {"Ingress", "Egress"}, name


def test_what_goes_out_is_named_and_the_keys_of_machines_are_not_reached() -> None:
    (policy,) = (each["spec"] for each in resources("NetworkPolicy").values() if "egress" in each["spec"])
    ports = {each["port"] for rule in policy["egress"] for each in rule["ports"]}
    assert ports == {53, 5432, 6379, 587, 465, 443}
    for rule in policy["egress"]:
        for peer in rule["to"]:
            if "ipBlock" in peer:
                block = peer["ipBlock"]
                assert any(ip_address("169.254.169.254") in ip_network(each) for each in block["except"])


def backend(path: str) -> str:
    """The service to which the ingress brings this path: Exact first, then the longest Prefix."""
    found: list[tuple[bool, int, str]] = []
    for ingress in resources("Ingress").values():
        for rule in ingress["spec"]["rules"]:
            for each in rule["http"]["paths"]:
                name = each["backend"]["service"]["name"]
                if each["pathType"] == "Exact" and each["path"] == path:
                    found.append((True, 0, name))
                if each["pathType"] == "Prefix" and f"{path}/".startswith(each["path"].rstrip("/") + "/"):
                    found.append((False, len(each["path"]), name))
    return max(found)[2]


def test_the_figures_are_not_reached_through_the_ingress() -> None:
    reached = {path: backend(path) for path in ("/", "/metrics", "/metrics/", "/ws/", "/posts/1/")}
    assert reached == {
        "/": "linkup-web",
        "/metrics": "linkup-nobody",
        # Which LinkUp does not know.
        "/metrics/": "linkup-web",
        "/ws/": "linkup-worker",
        "/posts/1/": "linkup-web",
    }
    assert "selector" not in resources("Service")["linkup-nobody"]["spec"]


def test_no_wide_network_is_believed_about_visitors() -> None:
    named = resources("ConfigMap")["linkup"]["data"]["TRUSTED_PROXIES"].split(",")
    assert [each for each in named if ip_network(each).prefixlen < 24] == []


def test_in_compose_nginx_alone_is_believed() -> None:
    """The gateway is who visitors seem to be whom Docker's own proxy has brought."""
    loaded = compose()
    (config,) = loaded["networks"]["inside"]["ipam"]["config"]
    network, others = ip_network(config["subnet"]), ip_network(config["ip_range"])
    (nginx,) = (each["ipv4_address"] for each in [loaded["services"]["nginx"]["networks"]["inside"]])
    for name in ("web", "worker", "work", "migrate"):
        assert loaded["services"][name]["environment"]["TRUSTED_PROXIES"] == nginx
    gateway = next(network.hosts())
    assert ip_address(nginx) in network
    assert ip_address(nginx) != gateway
    assert others.subnet_of(network)  # type: ignore[arg-type]
    assert ip_address(nginx) not in others
