"""Which server to talk to, and as whom: the same sources as skewctl's, in the same order."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import pathlib
from typing import Any, Mapping, Optional

import grpc
import yaml

from .errors import InvalidArgument

DEFAULT_SERVER = "127.0.0.1:7433"


@dataclasses.dataclass(frozen=True)
class ServerAddress:
    """A server with the credentials for it. Paths name PEM files; an empty text means none."""

    #: "host:port" or "unix:PATH"
    target: str = DEFAULT_SERVER
    #: Where the target was read, for error messages.
    origin: str = "the default; SKEW_SERVER names another"
    token: str = dataclasses.field(default="", repr=False)
    #: Whose signature the server's certificate must have; empty: no TLS.
    ca: str = ""
    #: One's own certificate and its key; both or neither.
    cert: str = ""
    key: str = ""
    #: A token may be sent to another machine without TLS.
    insecure: bool = False

    def is_local(self) -> bool:
        """Whether the address is on this machine: nobody else can listen in."""
        if self.target.startswith("unix:"):
            return True
        host = self.target.rpartition(":")[0]
        try:
            return ipaddress.IPv4Address(host).is_loopback
        except ValueError:
            return host in ("localhost", "[::1]")

    def channel_credentials(self) -> Optional[grpc.ChannelCredentials]:
        """None without TLS."""
        if not self.ca:
            return None
        return grpc.ssl_channel_credentials(_read(self.ca), _read(self.key), _read(self.cert))


def default_config_path() -> Optional[pathlib.Path]:
    """~/.config/skew/config.yaml; None without a home."""
    home = os.environ.get("HOME")
    return pathlib.Path(home) / ".config" / "skew" / "config.yaml" if home else None


def resolve_server(server: Optional[str] = None, *, token: Optional[str] = None, ca: Optional[str] = None,
                   cert: Optional[str] = None, key: Optional[str] = None, insecure: bool = False,
                   context: Optional[str] = None,
                   config_path: Optional[os.PathLike[str]] = None) -> ServerAddress:
    """The first of: ``server``, ``context``, SKEW_SERVER, the configuration file's current context, the default.

    A token and TLS files come from the arguments, else from SKEW_TOKEN, SKEW_CA, SKEW_CERT and SKEW_KEY, else from the
    context, if the server does. Raises InvalidArgument for an address of another form, a configuration file that is
    broken, half a key pair, or a token that would travel to another machine without TLS.
    """
    address = _choose(server, context, pathlib.Path(config_path) if config_path else default_config_path())
    given: dict[str, Any] = {
        name: value for name, value in (("token", token or os.environ.get("SKEW_TOKEN")),
                                        ("ca", ca or os.environ.get("SKEW_CA"))) if value
    }
    pair = (cert or os.environ.get("SKEW_CERT", ""), key or os.environ.get("SKEW_KEY", ""))
    if any(pair):
        given["cert"], given["key"] = pair
    if insecure:
        given["insecure"] = True
    if address.target.startswith("unix:"):  # nobody to hide from, and no TLS
        given.update(ca="", cert="", key="")
    address = dataclasses.replace(address, **given)
    _check(address)
    return address


def _choose(server: Optional[str], context: Optional[str], config: Optional[pathlib.Path]) -> ServerAddress:
    if server:
        return ServerAddress(target=server, origin="given to the client")
    if not context and os.environ.get("SKEW_SERVER"):
        return ServerAddress(target=os.environ["SKEW_SERVER"], origin="from SKEW_SERVER")
    root = _load(config)
    if root is None:
        if context:
            raise InvalidArgument(f"there is no context {context!r}: {config} does not exist")
        return ServerAddress()
    return _context(root, context, config)


def _load(path: Optional[pathlib.Path]) -> Optional[Mapping[str, Any]]:
    """None when there is no such file. Every value comes as text."""
    if path is None or not path.exists():
        return None
    try:
        root = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidArgument(f"{path}: {error}") from error
    if not isinstance(root, dict):
        raise InvalidArgument(f"{path}: is not a map")
    return root


def _context(root: Mapping[str, Any], wanted: Optional[str], path: Optional[pathlib.Path]) -> ServerAddress:
    name = wanted or root.get("current-context")
    if not name:
        raise InvalidArgument(f"{path}: has no current-context")
    contexts = root.get("contexts")
    if not isinstance(contexts, dict):
        raise InvalidArgument(f"{path}: has no map 'contexts'")
    context = contexts.get(name)
    if not isinstance(context, dict):
        raise InvalidArgument(f"{path}: has no context {name!r}; known: {', '.join(sorted(contexts))}")
    if not context.get("server"):
        raise InvalidArgument(f"{path}: context {name!r} has no server")
    return ServerAddress(target=context["server"], origin=f"from context {name!r} in {path}",
                         token=context.get("token", ""), ca=context.get("ca", ""), cert=context.get("cert", ""),
                         key=context.get("key", ""), insecure=context.get("insecure") == "true")


def _check(address: ServerAddress) -> None:
    if not _is_address(address.target):
        raise InvalidArgument(f"server {address.target!r} ({address.origin}) is neither host:port nor unix:PATH")
    if bool(address.cert) != bool(address.key):
        raise InvalidArgument("a client certificate needs both cert and key")
    if address.cert and not address.ca:
        raise InvalidArgument("a client certificate needs TLS: ca names whose certificate the server has")
    if address.token and not address.ca and not address.insecure and not address.is_local():
        raise InvalidArgument(f"the token for {address.target!r} ({address.origin}) would be sent in the clear: "
                              "give ca, or say insecure=True")


def _is_address(target: str) -> bool:
    if target.startswith("unix:"):
        return len(target) > len("unix:")
    host, _, port = target.rpartition(":")
    return bool(host) and port.isascii() and port.isdigit() and 0 < int(port) < 65536


def _read(path: str) -> Optional[bytes]:
    if not path:
        return None
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as error:
        raise InvalidArgument(f"{path}: {error.strerror}") from error
