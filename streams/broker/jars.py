"""Apache Kafka from Maven Central, fetched once and kept in the user's cache."""

import os
import shutil
import subprocess
import tempfile
from importlib import resources
from pathlib import Path

from streams.errors import BrokerUnavailable
from streams.settings import KAFKA_LIBS

KAFKA_VERSION = "4.1.1"
"""The version that ``pom.xml`` names."""
MINIMUM_JAVA = 17
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.0:copy-dependencies"
_FETCH_SECONDS = 600


def kafka_jars() -> Path:
    """The folder of Kafka's jars: ``CANDOR_KAFKA_LIBS`` where it is set, else the cache, filled by Maven where it is empty.

    Raises ``BrokerUnavailable`` where there is no Maven or it cannot fetch them.
    """
    given = os.environ.get(KAFKA_LIBS)
    if given:
        if not any(Path(given).glob("kafka_2.13-*.jar")):
            raise BrokerUnavailable(f"{KAFKA_LIBS}: there is no kafka_2.13-*.jar in {given}")
        return Path(given)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "candor"
    libs = cache / f"kafka-{KAFKA_VERSION}"
    if not libs.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        _fetch(libs)
    return libs


def java() -> str:
    """The path of a Java that Kafka runs on; raises ``BrokerUnavailable``."""
    found = shutil.which("java", path=_search_path())
    if found is None:
        raise BrokerUnavailable(f"there is no java; Kafka needs version {MINIMUM_JAVA} or newer")
    answer = subprocess.run([found, "-version"], capture_output=True, text=True, check=False)
    version = answer.stderr.partition('"')[2].partition('"')[0].partition(".")[0]
    if not version.isdigit() or int(version) < MINIMUM_JAVA:
        raise BrokerUnavailable(f"{found} is version {version or 'unknown'}; Kafka needs {MINIMUM_JAVA} or newer")
    return found


def _search_path() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return f"{home}/bin{os.pathsep}{os.environ.get('PATH', '')}" if home else None


def _fetch(libs: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise BrokerUnavailable("there is no mvn; Kafka's jars are fetched with Maven")
    with tempfile.TemporaryDirectory(dir=libs.parent) as scratch:
        pom = Path(scratch) / "pom.xml"
        pom.write_bytes(resources.files("streams.broker").joinpath("pom.xml").read_bytes())
        arriving = Path(scratch) / "libs"
        command = [maven, "-q", "-B", "-f", str(pom), _COPY, "-DincludeScope=runtime", f"-DoutputDirectory={arriving}"]
        try:
            fetched = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_FETCH_SECONDS)
        except subprocess.TimeoutExpired:
            raise BrokerUnavailable(f"Maven did not fetch Kafka within {_FETCH_SECONDS} seconds") from None
        if fetched.returncode:
            raise BrokerUnavailable(f"Maven cannot fetch Kafka:\n{fetched.stdout[-2000:]}{fetched.stderr[-2000:]}")
        _publish(arriving, libs)


def _publish(arriving: Path, libs: Path) -> None:
    """Give the folder its name in one step, so that nobody ever sees half of it; another process may have been faster."""
    try:
        arriving.rename(libs)
    except OSError:
        if not libs.is_dir():
            raise
