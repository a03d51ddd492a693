"""Settings: one frozen model, read from the environment, a file and a folder of secrets.

What is read first counts: ``CANDOR_*`` variables, then the file ``.env`` (another one by ``CANDOR_ENV_FILE``), then one file per setting in
the folder ``CANDOR_SECRETS_DIR`` (for example ``candor_clickhouse_url``), then the default.
"""

import os
import re
import ssl
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from sinks.address import parse, with_password
from sinks.base import SinkRefused
from streams.errors import ConfigurationError

PREFIX = "CANDOR_"
ENVIRONMENT_FILE = f"{PREFIX}ENV_FILE"
SECRETS_FOLDER = f"{PREFIX}SECRETS_DIR"
KAFKA_LIBS = f"{PREFIX}KAFKA_LIBS"
BESIDE_SETTINGS = frozenset({ENVIRONMENT_FILE, SECRETS_FOLDER, KAFKA_LIBS})
"""Variables of ours that are no settings: where settings are read from, and a folder of Kafka's jars for brokers of one's own."""
HIDDEN = "********"
_SERVER = re.compile(r"(?:[^\s:/@\[\]]+|\[[0-9A-Fa-f:.]+(?:%\w+)?\]):(?P<port>[0-9]{1,5})")
_LAST_PORT = 65_535


class SecurityProtocol(StrEnum):
    """How to talk to Kafka."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class SaslMechanism(StrEnum):
    """How to log in to Kafka."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class LogFormat(StrEnum):
    """How logs are written."""

    CONSOLE = "console"
    JSON = "json"


Days = Annotated[int, Field(ge=1, le=36_500)]


class Settings(BaseSettings):
    """Everything that can be set; see ``describe`` for printing it without its secrets."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    kafka_bootstrap_servers: str = Field("127.0.0.1:9092", min_length=1, description="Broker addresses, host:port, separated by commas.")
    kafka_security_protocol: SecurityProtocol = Field(SecurityProtocol.PLAINTEXT, description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.")
    kafka_sasl_mechanism: SaslMechanism = Field(SaslMechanism.SCRAM_SHA_512, description="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.")
    kafka_sasl_username: str | None = Field(None, description="User of the SASL login.")
    kafka_sasl_password: SecretStr | None = Field(None, description="Password of the SASL login.")
    kafka_ssl_cafile: Path | None = Field(None, description="Certificates to trust, PEM; default: those of the system.")
    kafka_ssl_certfile: Path | None = Field(None, description="Client certificate, PEM.")
    kafka_ssl_keyfile: Path | None = Field(None, description="Key of the client certificate, PEM.")

    clickhouse_url: SecretStr = Field(
        SecretStr("http://default@127.0.0.1:8123/candor"),
        description="http(s)://user:password@host:port/database, or chdb:///path/to/folder?database=name.",
    )
    clickhouse_password: SecretStr | None = Field(
        None,
        description="Password of the user in CANDOR_CLICKHOUSE_URL, as it is; stands above the one in the URL, where it must be percent-encoded.",
    )
    clickhouse_cluster: str | None = Field(
        None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="Cluster on which `candor migrate` makes tables (ON CLUSTER); default: one server."
    )
    clickhouse_replicated: bool = Field(False, description="Whether tables get replicated engines.")
    clickhouse_sharded: bool = Field(False, description="Whether tables are spread over the shards of the cluster.")

    clickhouse_reader_password: SecretStr | None = Field(
        None, description="Password of the user that `candor migrate --reader NAME` makes, who may only read."
    )

    clickhouse_server_password: SecretStr | None = Field(
        None, description="Password that `candor clickhouse` asks of the user default; default: none."
    )
    clickhouse_server_reader_password: SecretStr | None = Field(None, description="The same of the user reader, who may only read.")

    topic_prefix: str = Field("candor.", pattern=r"^[A-Za-z0-9._-]*$", max_length=200, description="Stands before the name of every topic.")
    catalog: Path | None = Field(None, description="Path of the catalog file (YAML); default: an empty catalog.")
    partitions: int = Field(4, ge=1, le=10_000, description="Partitions of every topic, when `candor topics` creates them.")
    replication_factor: int = Field(1, ge=1, le=15, description="Replicas of every partition, when `candor topics` creates them.")
    retention_days: int | None = Field(
        None, ge=1, le=36_500, description="Days that input topics keep records, by their timestamps; default: for ever."
    )
    min_insync_replicas: int = Field(1, ge=1, le=15, description="Replicas that must have a record before it is acknowledged.")

    group: str = Field("candor", pattern=r"^[A-Za-z0-9._-]+$", description="Consumer group of the workers; also in their transactional ids.")
    session_timeout_seconds: float = Field(
        10.0, ge=1, le=300, description="A worker that is not heard of for so long loses its partitions to others."
    )
    rebalance_timeout_seconds: float = Field(30.0, ge=3, le=600, description="Longest time that a change of workers waits for each of them.")
    flush_interval_seconds: float = Field(1.0, gt=0, le=60, description="Longest time between two flushes of a partition.")
    flush_max_records: int = Field(50_000, ge=1, le=5_000_000, description="A partition is flushed once it has applied so many records.")
    idle_seconds: float = Field(
        10.0,
        gt=0,
        le=86_400,
        description="A partition of the inputs that got nothing for three or four times so long holds up no other in judging units.",
    )
    dedupe_horizon_days: Days = Field(35, description="Event time for which an identity is remembered, so that a copy counts once.")
    revision_horizon_days: Days = Field(400, description="Event time for which revisions and withdrawals of a response are accepted.")
    join_horizon_days: Days = Field(3650, description="Event time for which purchases are remembered, to be joined with responses and refunds.")
    pause_reject_ratio: float = Field(0.5, gt=0, le=1, description="The worker pauses when more than this share of a stretch is refused; 1: never.")
    pause_reject_minimum: int = Field(1_000, ge=1, description="Records that a stretch must have before the worker pauses.")

    metrics_host: str = Field("127.0.0.1", min_length=1, description="Address at which metrics and health are served; all of them: 0.0.0.0.")
    metrics_port: int | None = Field(
        None, ge=0, le=_LAST_PORT, description="Port of /metrics, /live and /ready, for example 9464; 0 takes a free one; default: not served."
    )

    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="debug, info, warning or error.")
    log_format: LogFormat = Field(LogFormat.CONSOLE, description="console or json.")

    @field_validator("kafka_bootstrap_servers")
    @classmethod
    def _is_a_list_of_servers(cls, value: str) -> str:
        servers = value.split(",")
        for number, server in enumerate(servers, start=1):
            found = _SERVER.fullmatch(server.strip())
            if found is None or not 1 <= int(found["port"]) <= _LAST_PORT:
                of = f", but number {number} of {len(servers)} is not" if len(servers) > 1 else ""
                raise ValueError(f"must be host:port, several separated by commas{of}; an IPv6 address stands in brackets, as in [::1]:9092")
        return value

    @field_validator("clickhouse_url")
    @classmethod
    def _can_be_used(cls, value: SecretStr) -> SecretStr:
        try:
            parse(value.get_secret_value())
        except SinkRefused as error:
            raise ValueError(str(error)) from None
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> "Settings":
        if self.kafka_security_protocol in {SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL} and not (
            self.kafka_sasl_username and self.kafka_sasl_password
        ):
            raise ValueError(f"{PREFIX}KAFKA_SECURITY_PROTOCOL={self.kafka_security_protocol} needs {PREFIX}KAFKA_SASL_USERNAME and _PASSWORD")
        if self.clickhouse_sharded and not self.clickhouse_cluster:
            raise ValueError(f"{PREFIX}CLICKHOUSE_SHARDED needs {PREFIX}CLICKHOUSE_CLUSTER")
        if self.min_insync_replicas > self.replication_factor:
            raise ValueError(f"{PREFIX}MIN_INSYNC_REPLICAS must not be above {PREFIX}REPLICATION_FACTOR")
        if self.kafka_security_protocol in {SecurityProtocol.SSL, SecurityProtocol.SASL_SSL}:
            _check_certificates(self.kafka_ssl_cafile, self.kafka_ssl_certfile, self.kafka_ssl_keyfile)
        return self

    @model_validator(mode="after")
    def _has_one_password(self) -> "Settings":
        if self.clickhouse_password is not None:
            url = with_password(self.clickhouse_url.get_secret_value(), self.clickhouse_password.get_secret_value())
            # Everybody connects by the URL; frozen is what comes out of here.
            self.__dict__["clickhouse_url"] = SecretStr(url)
        return self


def _check_certificates(authorities: Path | None, certificate: Path | None, key: Path | None) -> None:
    """Raise ``ValueError`` with the setting and the path where a file cannot be read or used, since clients would name neither."""
    for name, path in (("cafile", authorities), ("certfile", certificate), ("keyfile", key)):
        if path is not None:
            try:
                path.read_bytes()
            except OSError as error:
                raise ValueError(f"{variable(f'kafka_ssl_{name}')}: {path}: {error.strerror}") from None
    context = ssl.create_default_context()
    try:
        if authorities is not None:
            context.load_verify_locations(authorities)
    except ssl.SSLError as error:
        raise ValueError(f"{variable('kafka_ssl_cafile')}: {authorities} holds no certificates in PEM: {error.reason}") from None
    try:
        if certificate is not None:
            # Without a password of ours, OpenSSL would ask on the terminal.
            context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        names = f"{variable('kafka_ssl_certfile')}, {variable('kafka_ssl_keyfile')}"
        raise ValueError(f"{names}: {certificate}, {key or certificate}: no certificate and key without password in PEM: {error.reason}") from None


def load_settings(**overrides: object) -> Settings:
    """The settings of this process; ``overrides`` stand above all sources, those that are None are left out.

    Raises ``ConfigurationError`` that names each wrong setting and never its value.
    """
    environment_file = os.environ.get(ENVIRONMENT_FILE, ".env")
    secrets_folder = os.environ.get(SECRETS_FOLDER)
    given = {name: value for name, value in overrides.items() if value is not None}
    if secrets_folder and not Path(secrets_folder).is_dir():
        raise ConfigurationError(f"{SECRETS_FOLDER}: there is no folder {secrets_folder}")
    try:
        return Settings(_env_file=environment_file, _secrets_dir=secrets_folder, **given)  # type: ignore[arg-type]  # checked by the model
    except ValidationError as error:
        raise ConfigurationError("\n".join(_problems(error))) from None


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_input=False, include_url=False):
        name = PREFIX + ".".join(str(part) for part in problem["loc"]).upper() if problem["loc"] else "settings"
        yield f"{name}: {problem['msg'].removeprefix('Value error, ')}"


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def redact_url(url: str) -> str:
    """The URL without its password."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user = f"{parts.username}:{HIDDEN}@"
    return urlunsplit(parts._replace(netloc=user + parts.netloc.rpartition("@")[2]))


def describe(settings: Settings) -> dict[str, str]:
    """Every setting by its variable, secrets hidden; an unset one is empty."""
    described = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if name == "clickhouse_url":
            value = redact_url(settings.clickhouse_url.get_secret_value())
        elif isinstance(value, SecretStr):
            value = HIDDEN
        described[variable(name)] = "" if value is None else str(value)
    return described


def default_of(field: FieldInfo) -> str:
    """The default of a setting as a variable would say it; empty where it has none."""
    default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    return "" if default is None else str(default)


def environment_example() -> str:
    """The text of ``.env.example``: every setting, what it means and its default."""
    lines = ["# Every setting with its default. Copy to .env, or set in the environment. Generated by: candor contracts", ""]
    for name, field in Settings.model_fields.items():
        lines += [f"# {field.description}", f"# {variable(name)}={default_of(field)}", ""]
    return "\n".join(lines)
