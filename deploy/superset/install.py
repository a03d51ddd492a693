#!/usr/bin/env python3
"""Zip Candor's bundle for Superset with the address of your ClickHouse, and import it, or write it to a file for the page's own import.

    export SUPERSET_PASSWORD=... CANDOR_CLICKHOUSE_READER_PASSWORD=...
    python3 install.py --clickhouse clickhousedb://bi@localhost:8123/candor --superset http://localhost:8088
    python3 install.py --clickhouse clickhousedb://bi@localhost:8123/candor --zip candor.zip

Needs Python alone. What an older bundle brought is replaced, changes that were made to it included; your own charts stay.
"""

import argparse
import io
import json
import os
import secrets
import sys
import urllib.error
import urllib.request
import zipfile
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

BUNDLE = Path(__file__).parent / "candor"
DATABASE = "databases/Candor.yaml"
MASK = "XXXXXXXXXX"
"""Superset asks for a password where it finds this one."""


def bundle(address: str, password: str = "") -> bytes:
    """The zip, with the database at this address; its password is masked, and where one is given it stands beside."""
    parts = urlsplit(address)
    if parts.password or not parts.username or not parts.hostname:
        raise SystemExit("expected clickhousedb://USER@HOST:PORT/DATABASE, without a password")
    masked = urlunsplit(parts._replace(netloc=parts.netloc.replace("@", f":{MASK}@", 1)))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(BUNDLE.rglob("*.yaml")):
            name, text = path.relative_to(BUNDLE).as_posix(), path.read_text(encoding="utf-8")
            if name == DATABASE:
                known = f"sqlalchemy_uri: {masked}\n" + (f"password: {json.dumps(password)}\n" if password else "")
                text = "".join(known if line.startswith("sqlalchemy_uri:") else f"{line}\n" for line in text.splitlines())
            archive.writestr(f"candor/{name}", text)
    return packed.getvalue()


class Superset:
    """Its API, as an administrator."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url.rstrip("/")
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self._headers: dict[str, str] = {}
        login = {"username": user, "password": password, "provider": "db", "refresh": False}
        token = self.ask("security/login", json.dumps(login).encode(), {"Content-Type": "application/json"})["access_token"]
        self._headers["Authorization"] = f"Bearer {token}"
        # What changes something needs a token of the session beside.
        self._headers |= {"X-CSRFToken": self.ask("security/csrf_token/")["result"], "Referer": self._url}

    def ask(self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> dict:
        """What is answered; ends the program where that is a refusal."""
        request = urllib.request.Request(f"{self._url}/api/v1/{path}", body, {**self._headers, **(headers or {})})
        try:
            with self._opener.open(request, timeout=600) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"Superset refused {path}: {error.code} {error.read().decode(errors='replace')[:2000]}") from None
        except urllib.error.URLError as error:
            raise SystemExit(f"Superset does not answer at {self._url}: {error.reason}") from None

    def take(self, packed: bytes) -> None:
        """Import the bundle."""
        boundary = secrets.token_hex(16)
        file = 'Content-Disposition: form-data; name="bundle"; filename="candor.zip"\r\nContent-Type: application/zip\r\n\r\n'
        body = f"--{boundary}\r\n{file}".encode() + packed + f"\r\n--{boundary}--\r\n".encode()
        self.ask("assets/import/", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})


def main() -> None:
    """Zip, then write or import."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clickhouse", required=True, help="clickhousedb://USER@HOST:PORT/DATABASE, as Superset reaches it")
    parser.add_argument("--superset", help="where Superset is, for example http://localhost:8088")
    parser.add_argument("--user", default="admin", help="an administrator of Superset; default: admin")
    parser.add_argument("--zip", type=Path, help="write the bundle to this file instead")
    options = parser.parse_args()
    if options.zip:
        options.zip.write_bytes(bundle(options.clickhouse))
    elif options.superset:
        try:
            own, readers = os.environ["SUPERSET_PASSWORD"], os.environ["CANDOR_CLICKHOUSE_READER_PASSWORD"]
        except KeyError as missing:
            raise SystemExit(f"give {missing.args[0]} in the environment") from None
        # Within the file, which is never written: what is sent in a form beside it, Superset keeps readable in its log of actions.
        packed = bundle(options.clickhouse, readers)
        Superset(options.superset, options.user, own).take(packed)
    else:
        parser.error("give --superset or --zip")
    sys.stdout.write(f"{options.zip or options.superset}: {len(list(BUNDLE.rglob('*.yaml')))} files\n")


if __name__ == "__main__":
    main()
