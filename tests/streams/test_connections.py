"""What clients are told, and what is said where a broker or a certificate is not there."""

import ssl
from pathlib import Path

import pytest
from pydantic import SecretStr

from streams.connections import admin, kafka_options
from streams.errors import ConfigurationError, KafkaUnavailable
from streams.settings import SecurityProtocol, load_settings


def test_clients_are_told_of_tls_and_login() -> None:
    settings = load_settings(
        kafka_bootstrap_servers="one:1, two:2",
        kafka_security_protocol=SecurityProtocol.SASL_SSL,
        kafka_sasl_username="user",
        kafka_sasl_password=SecretStr("sesame"),
    )

    options = kafka_options(settings)

    assert options["bootstrap_servers"] == ["one:1", "two:2"]
    assert (options["security_protocol"], options["sasl_mechanism"]) == ("SASL_SSL", "SCRAM-SHA-512")
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("user", "sesame")
    assert options["ssl_context"].check_hostname


def test_a_certificate_that_is_not_there_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigurationError, match=r"CANDOR_KAFKA_SSL_CAFILE: /nowhere/ca\.pem: No such file"):
        load_settings(kafka_security_protocol="SSL", kafka_ssl_cafile="/nowhere/ca.pem")


def test_a_certificate_that_is_taken_away_later_is_a_wrong_setting(tmp_path: Path) -> None:
    copied = tmp_path / "ca.pem"
    copied.write_text("".join(ssl.DER_cert_to_PEM_cert(der) for der in ssl.create_default_context().get_ca_certs(binary_form=True)))
    settings = load_settings(kafka_security_protocol="SSL", kafka_ssl_cafile=copied)
    copied.unlink()

    with pytest.raises(ConfigurationError, match="CANDOR_KAFKA_SSL_CAFILE"):
        kafka_options(settings)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere.invalid:9092", "127.0.0.1:1,127.0.0.1:2"])
def test_an_address_where_nobody_listens_is_told(address: str) -> None:
    with pytest.raises(KafkaUnavailable, match=address.partition(",")[0]), admin(load_settings(kafka_bootstrap_servers=address)):
        pass
