"""Where telemetry goes: read from the options, and tried before the run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from attrs import frozen

from planwise.api import PlanwiseError, SettingValue

EXTRA: Final = "pip install 'planwise[telemetry]'"
_NEEDED: Final = (
    "prometheus-client",
    "opentelemetry-sdk",
    "opentelemetry-exporter-otlp-proto-http",
)
_TRACES: Final = "/v1/traces"
_LOOK_BYTES: Final = 4096


class TelemetryError(PlanwiseError):
    """Telemetry was asked for in a way that cannot be; nothing has run."""

    exit_code = 2


@frozen
class Places:
    """Where to write and send.

    Attributes:
        prometheus_file: for the text format of Prometheus, or None.
        otel_file: for spans as JSON lines, or None.
        otlp_endpoint: the URL that spans are sent to, or None.
    """

    prometheus_file: Path | None
    otel_file: Path | None
    otlp_endpoint: str | None

    @classmethod
    def of(cls, options: Mapping[str, SettingValue | None]) -> Places:
        """The places that the options name.

        Args:
            options: the settled options of the plugin.

        Raises:
            TelemetryError: the extra is not installed, no place is named, or one is of no use.
        """
        for name in _NEEDED:
            try:
                version(name)
            except PackageNotFoundError:
                raise TelemetryError(
                    f"telemetry: {name} is not installed: {EXTRA}, or leave out --telemetry"
                ) from None
        if all(value is None for value in options.values()):
            raise TelemetryError(
                "telemetry: there is nowhere to write to: name --telemetry-prometheus-file, "
                "--telemetry-otel-file or --telemetry-otlp-endpoint, or leave out --telemetry"
            )
        places = cls(
            _file(options, "prometheus_file", b"# HELP planwise_"),
            _file(options, "otel_file", b'"trace_id"'),
            _endpoint(options.get("otlp_endpoint")),
        )
        if places.prometheus_file is not None and places.prometheus_file == places.otel_file:
            raise TelemetryError(
                f"plugins.telemetry: {places.otel_file} is named as prometheus_file and as "
                "otel_file; name two files"
            )
        return places


@contextlib.contextmanager
def libraries_refuse_plainly() -> Iterator[None]:
    """Turn what the libraries of the extra raise when they are set up into one line.

    Raises:
        TelemetryError: one of them is missing or broken, or refuses what the environment says.
    """
    try:
        yield
    except ImportError as error:
        raise TelemetryError(f"telemetry: {error}: {EXTRA}, or leave out --telemetry") from error
    except ValueError as error:
        raise TelemetryError(
            f"telemetry: OpenTelemetry refuses what the environment says: {error}; mend or unset "
            "the variable, whose name begins with OTEL_"
        ) from error


def _file(options: Mapping[str, SettingValue | None], name: str, mark: bytes) -> Path | None:
    """A file that can be written when the run is over, and that is nobody else's.

    Args:
        options: the settled options.
        name: the option.
        mark: what the beginning of such a file holds if it was written here.
    """
    value = options.get(name)
    if value is None:
        return None
    where = f"plugins.telemetry.{name}"
    try:
        path = Path(str(value)).expanduser().resolve()
        if not str(value):
            raise TelemetryError(f"{where}: the name is empty; name a file")
        if path.is_dir():
            raise TelemetryError(f"{where}: {str(value)!r} is a folder; name a file in it")
        if not path.parent.is_dir():
            raise TelemetryError(f"{where}: the folder {path.parent} does not exist; create it")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise TelemetryError(
                f"{where}: the folder {path.parent} may not be written by this user; name another"
            )
        if os.path.lexists(path):
            _refuse_another_file(path, where, mark)
    except (OSError, ValueError, RuntimeError) as error:  # a loop of links, a NUL, no such home
        raise TelemetryError(f"{where}: {str(value)!r}: {error}; name another file") from error
    return path


def _refuse_another_file(path: Path, where: str, mark: bytes) -> None:
    """A slip must not cost somebody a census, nor the machine its /dev/null."""
    if path.is_file():
        with path.open("rb") as file:
            begins = file.read(_LOOK_BYTES)
        if not begins or mark in begins:
            return
    raise TelemetryError(
        f"{where}: {path} is there already, and not as telemetry wrote it; name another file"
    )


def _endpoint(value: SettingValue | None) -> str | None:
    """The full URL that spans are sent to; a base gets the path that OTLP/HTTP has by default."""
    if value is None:
        return None
    where = "plugins.telemetry.otlp_endpoint"
    expected = f"{where}: expected a URL such as http://localhost:4318, got"
    text = str(value).strip()
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        usable = usable and text.isascii() and text.isprintable() and " " not in text
    except ValueError:
        usable = False
    if not usable:
        raise TelemetryError(f"{expected} {text!r}")
    if "@" in parts.netloc:
        raise TelemetryError(
            f"{where}: leave user and password out of the URL, which is shown in reports; give "
            "them in OTEL_EXPORTER_OTLP_HEADERS"
        )
    path = parts.path if parts.path.strip("/") else _TRACES
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
