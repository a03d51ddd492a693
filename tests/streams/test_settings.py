"""Settings come from where they should, fit together, and never show a secret."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from sinks.address import parse
from streams.errors import ConfigurationError
from streams.settings import BESIDE_SETTINGS, PREFIX, Settings, describe, environment_example, load_settings, redact_url, variable

ROOT = Path(__file__).parents[2]


def test_the_defaults_are_valid() -> None:
    assert load_settings().topic_prefix == "candor."


def test_the_environment_stands_above_the_file_and_the_file_above_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "settings.env").write_text("CANDOR_GROUP=file\nCANDOR_TOPIC_PREFIX=file.\n")
    for name in ("group", "topic_prefix", "log_format"):
        (tmp_path / f"candor_{name}").write_text("json")
    monkeypatch.setenv("CANDOR_ENV_FILE", str(tmp_path / "settings.env"))
    monkeypatch.setenv("CANDOR_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("CANDOR_GROUP", "environment")

    settings = load_settings()

    assert (settings.group, settings.topic_prefix, settings.log_format) == ("environment", "file.", "json")


def test_an_override_stands_above_all_and_none_leaves_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_GROUP", "environment")

    assert load_settings(group="given").group == "given"
    assert load_settings(group=None).group == "environment"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLICKHOUSE_URL", "ftp://user:sesame@host/"),
        ("CLICKHOUSE_URL", "http://user:ses/ame@host/sesame"),
        ("CLICKHOUSE_URL", "http://user:sesame℀@host/"),
        ("KAFKA_BOOTSTRAP_SERVERS", "sesame"),
        ("PARTITIONS", "0"),
        ("PAUSE_REJECT_RATIO", "sesame"),
        ("KAFKA_SECURITY_PROTOCOL", "sesame"),
        ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
        ("MIN_INSYNC_REPLICAS", "2"),
        ("CLICKHOUSE_SHARDED", "true"),
        ("TOPIC_PREFIX", "sesame!"),
        ("SECRETS_DIR", "/nowhere/to/be/found"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(PREFIX + name, value)

    with pytest.raises(ConfigurationError) as raised:
        load_settings()

    assert PREFIX + name in str(raised.value)
    assert "sesame" not in str(raised.value)


@pytest.mark.parametrize("servers", ["one:1", "one:1, two.example_3-4:65535", "127.0.0.1:9092", "[::1]:9092,[fe80::1%eth0]:1"])
def test_brokers_are_hosts_with_ports(servers: str) -> None:
    assert load_settings(kafka_bootstrap_servers=servers).kafka_bootstrap_servers == servers


@pytest.mark.parametrize(
    "servers", ["localhost", "localhost:", ":9092", "localhost:http", "localhost:0", "localhost:65536", "::1:9092", "kafka://one:1", "one:1 two:2"]
)
def test_brokers_that_are_none_are_told_what_is_expected(servers: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^CANDOR_KAFKA_BOOTSTRAP_SERVERS: must be host:port, several separated by commas; .* \[::1\]:9092$"
    ):
        load_settings(kafka_bootstrap_servers=servers)


@pytest.mark.parametrize(("servers", "number"), [("one:1,two", "2 of 2"), (",two:2", "1 of 2"), ("one:1,two:2,", "3 of 3")])
def test_of_several_brokers_the_wrong_one_is_counted(servers: str, number: str) -> None:
    with pytest.raises(ConfigurationError, match=f"number {number} is not"):
        load_settings(kafka_bootstrap_servers=servers)


@pytest.mark.parametrize("name", ["cafile", "certfile", "keyfile"])
@pytest.mark.parametrize("protocol", ["SSL", "SASL_SSL"])
def test_a_file_that_tls_needs_and_cannot_be_used_is_named(tmp_path: Path, name: str, protocol: str) -> None:
    given = {"kafka_security_protocol": protocol, "kafka_sasl_username": "user", "kafka_sasl_password": "sesame"}
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")

    with pytest.raises(ConfigurationError, match=f"CANDOR_KAFKA_SSL_{name.upper()}: /nowhere/x.pem: No such file"):
        load_settings(**given, **{f"kafka_ssl_{name}": "/nowhere/x.pem"})
    if name != "keyfile":
        with pytest.raises(ConfigurationError, match=f"CANDOR_KAFKA_SSL_{name.upper()}.*{broken}"):
            load_settings(**given, **{f"kafka_ssl_{name}": broken})


def test_files_of_tls_matter_only_with_tls() -> None:
    assert load_settings(kafka_ssl_cafile="/nowhere/x.pem").kafka_ssl_cafile == Path("/nowhere/x.pem")


def test_the_password_of_clickhouse_may_stand_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", "http://user:other@host:8123/db")
    monkeypatch.setenv("CANDOR_CLICKHOUSE_PASSWORD", "s@s/me:#?%")

    settings = load_settings()

    assert parse(settings.clickhouse_url.get_secret_value()).password == "s@s/me:#?%"
    assert describe(settings)["CANDOR_CLICKHOUSE_URL"] == "http://user:********@host:8123/db"
    assert describe(settings)["CANDOR_CLICKHOUSE_PASSWORD"] == "********"
    assert "s@s" not in repr(settings)
    assert "s%40s" not in repr(settings)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        load_settings().group = "other"  # type: ignore[misc]  # that is the point


def test_describing_and_printing_settings_shows_no_secret() -> None:
    settings = load_settings(clickhouse_url=SecretStr("http://user:sesame@host:8123/db"), kafka_sasl_password=SecretStr("sesame"))

    described = describe(settings)

    assert described["CANDOR_CLICKHOUSE_URL"] == "http://user:********@host:8123/db"
    assert "sesame" not in str(described)
    assert "sesame" not in repr(settings)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://host:8123/db", "http://host:8123/db"),
        ("http://user@host/db", "http://user@host/db"),
        ("https://user:p%40ss@host:1/db?verify=false", "https://user:********@host:1/db?verify=false"),
        ("chdb:///folder?database=x", "chdb:///folder?database=x"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert redact_url(url) == shown


def test_the_example_names_every_setting_and_is_up_to_date() -> None:
    assert (ROOT / ".env.example").read_text() == environment_example()
    assert all(f"# {variable(name)}=" in environment_example() for name in Settings.model_fields)


def test_the_example_is_what_the_defaults_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lines = [line.removeprefix("# ") for line in environment_example().splitlines() if line.startswith(f"# {PREFIX}")]
    (tmp_path / "all.env").write_text("\n".join(lines))
    monkeypatch.setenv("CANDOR_ENV_FILE", str(tmp_path / "all.env"))

    assert load_settings() == Settings(_env_file=None)


def test_every_setting_says_what_it_means() -> None:
    assert all(field.description and field.description.endswith(".") for field in Settings.model_fields.values())
    assert not {variable(name) for name in Settings.model_fields} & BESIDE_SETTINGS
