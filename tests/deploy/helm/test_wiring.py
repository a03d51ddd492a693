"""Objects find each other: selectors, ports, accounts, and what must be there before what."""

from urllib.parse import urlsplit

import pytest

from sinks.address import parse
from tests.deploy.helm.chart import CASES, NAMESPACE, Manifest, Pod, of_kind, one, pods, rendered, selects

BY_CASE = pytest.mark.parametrize("case", CASES)
HOOK, WEIGHT, POLICY = "helm.sh/hook", "helm.sh/hook-weight", "helm.sh/hook-delete-policy"


def _annotation(manifest: Manifest, name: str) -> str:
    return str(manifest["metadata"].get("annotations", {}).get(name, ""))


def _selected(case: str, selector: Manifest) -> set[str]:
    return {pod.component for pod in pods(case) if selects(selector, pod.labels)}


@BY_CASE
def test_every_object_says_whose_it_is(case: str) -> None:
    for manifest in rendered(case):
        labels = manifest["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == "candor"
        assert labels["app.kubernetes.io/name"] == ("feedback" if case == "everything" else "candor")
        assert all(len(value) <= 63 for value in labels.values())


@BY_CASE
def test_deployments_select_their_own_pods_alone(case: str) -> None:
    for manifest in of_kind(case, "Deployment"):
        (component,) = _selected(case, manifest["spec"]["selector"])
        assert manifest["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"] == component
        assert manifest["metadata"]["name"].endswith(f"-{component}")


@BY_CASE
def test_the_budget_is_that_of_workers_and_lets_nodes_be_drained(case: str) -> None:
    budgets = of_kind(case, "PodDisruptionBudget")

    assert len(budgets) == (0 if case == "off" else 1)
    for budget in budgets:
        assert _selected(case, budget["spec"]["selector"]) == {"worker"}
        assert budget["spec"]["maxUnavailable"] == 1
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


@BY_CASE
def test_workers_are_spread_by_their_own_labels(case: str) -> None:
    for constraint in one(case, "Deployment", "-worker")["spec"]["template"]["spec"]["topologySpreadConstraints"]:
        assert _selected(case, constraint["labelSelector"]) == {"worker"}


@BY_CASE
def test_services_lead_to_the_port_of_metrics_also_of_pods_that_wait(case: str) -> None:
    by_component = {pod.component: pod for pod in pods(case)}

    assert {manifest["metadata"]["name"].rsplit("-", 1)[1] for manifest in of_kind(case, "Service")} == {"worker", "lag"} & by_component.keys()
    for manifest in of_kind(case, "Service"):
        spec = manifest["spec"]
        (component,) = _selected(case, {"matchLabels": spec["selector"]})
        (port,) = spec["ports"]
        (there,) = by_component[component].container["ports"]
        assert port["targetPort"] == there["name"]
        assert port["port"] == there["containerPort"]
        assert spec["publishNotReadyAddresses"] is True
        assert spec["clusterIP"] == "None"


@BY_CASE
def test_there_is_one_probe_at_a_time(case: str) -> None:
    for manifest in of_kind(case, "Deployment"):
        if manifest["metadata"]["name"].endswith("-lag"):
            assert manifest["spec"]["replicas"] == 1
            assert manifest["spec"]["strategy"] == {"type": "Recreate"}


def _ports(rules: list[Manifest]) -> set[int]:
    return {port["port"] for rule in rules for port in rule["ports"]}


@BY_CASE
def test_traffic_is_limited_to_what_pods_are_told_to_use(case: str) -> None:
    policies = of_kind(case, "NetworkPolicy")
    for pod in pods(case) if policies else ():
        of_pod = [policy for policy in policies if selects(policy["spec"]["podSelector"], pod.labels)]
        out = [rule for policy in of_pod for rule in policy["spec"].get("egress", [])]
        # On the first install nothing but hooks is there yet.
        early = [policy for policy in of_pod if HOOK in policy["metadata"].get("annotations", {})]
        assert {kind for policy in of_pod for kind in policy["spec"]["policyTypes"]} == {"Ingress", "Egress"}
        assert len(early) == (1 if pod.component == "setup" else 0)
        for rules in [out] + [policy["spec"]["egress"] for policy in early]:
            assert _ports(rules) == {53} | _used(pod) | ({9095} if case == "everything" else set())
        into = [rule for policy in of_pod for rule in policy["spec"].get("ingress", [])]
        assert [rule["from"] for rule in into] == [[_namespace(case)]] * (pod.component in {"worker", "lag"})
        assert _ports(into) == {port["containerPort"] for port in pod.container.get("ports", [])}


def _namespace(case: str) -> Manifest:
    name = "observability" if case == "everything" else "monitoring"
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def _used(pod: Pod) -> set[int]:
    """What the settings name, read by others than the templates."""
    url = urlsplit(pod.environment["CANDOR_CLICKHOUSE_URL"])
    servers = pod.environment["CANDOR_KAFKA_BOOTSTRAP_SERVERS"].split(",")
    return {int(server.rsplit(":", 1)[1]) for server in servers} | {url.port or {"http": 8123, "https": 8443}[url.scheme]}


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://candor@clickhouse/candor", 8123),
        ("https://candor@clickhouse/candor?compress=lz4", 8443),
        ("https://candor@[fd00::8124]/candor", 8443),
        ("https://candor@[fd00::8124]:9440/candor", 9440),
    ],
)
def test_the_port_of_clickhouse_is_the_one_that_the_product_uses(url: str, port: int) -> None:
    (policy,) = [
        one for one in rendered("minimal", "--set", f"clickhouse.url={url}") if one["kind"] == "NetworkPolicy" and one["metadata"]["name"] == "candor"
    ]

    assert _ports(policy["spec"]["egress"]) == {53, 9092, port}
    assert parse(url).port == port


@BY_CASE
def test_names_are_asked_of_dns_alone_and_over_both_protocols(case: str) -> None:
    for policy in of_kind(case, "NetworkPolicy"):
        for rule in policy["spec"].get("egress", [])[:1]:
            assert {(port["protocol"], port["port"]) for port in rule["ports"]} == {("UDP", 53), ("TCP", 53)}
            assert len(rule["to"]) == 1


@BY_CASE
def test_what_runs_before_an_install_needs_nothing_that_the_release_brings(case: str) -> None:
    hooks = [manifest for manifest in rendered(case) if _annotation(manifest, HOOK) == "pre-install,pre-upgrade"]
    jobs = {int(_annotation(manifest, WEIGHT)): manifest for manifest in hooks if manifest["kind"] == "Job"}

    if case == "off":
        assert not hooks
        return
    assert [jobs[weight]["metadata"]["name"].rsplit("-", 1)[1] for weight in sorted(jobs)] == ["topics", "migrate"]
    assert {manifest["kind"] for manifest in hooks} == {"Job", "ServiceAccount", "NetworkPolicy"}
    for manifest in hooks:
        assert _annotation(manifest, POLICY).startswith("before-hook-creation")
        if manifest["kind"] != "Job":
            assert int(_annotation(manifest, WEIGHT)) < min(jobs)
            assert _annotation(manifest, POLICY).endswith("hook-succeeded")
    early = {manifest["metadata"]["name"] for manifest in hooks if manifest["kind"] == "ServiceAccount"}
    for job in jobs.values():
        spec = job["spec"]["template"]["spec"]
        assert spec["serviceAccountName"] in early
        assert not [volume for volume in spec["volumes"] if "configMap" in volume]


@BY_CASE
def test_every_account_is_made_or_everybodys(case: str) -> None:
    accounts = {manifest["metadata"]["name"]: manifest for manifest in of_kind(case, "ServiceAccount")}

    assert all(account["automountServiceAccountToken"] is False for account in accounts.values())
    assert {pod.spec["serviceAccountName"] for pod in pods(case)} == (accounts.keys() or {"default"})


@BY_CASE
def test_a_config_map_that_is_mounted_is_made(case: str) -> None:
    made = {manifest["metadata"]["name"] for manifest in of_kind(case, "ConfigMap")}

    assert {volume["configMap"]["name"] for pod in pods(case) for volume in pod.spec["volumes"] if "configMap" in volume} == made


@BY_CASE
def test_all_goes_into_the_namespace_of_the_release(case: str) -> None:
    assert not [manifest for manifest in rendered(case) if manifest["metadata"].get("namespace", NAMESPACE) != NAMESPACE]


@BY_CASE
def test_only_the_doctor_is_a_test(case: str) -> None:
    assert [manifest["spec"]["containers"][0]["args"] for manifest in rendered(case) if _annotation(manifest, HOOK) == "test"] == [["doctor"]]
