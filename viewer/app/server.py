"""Starts the planner: loopback only, a random key per run, nothing leaves the machine."""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sizing.errors import UsageError
from sizing.volume import CtVolume
from viewer.app.planner import Planner, Services
from viewer.app.session import Session
from viewer.app.stage import Stage

TEMPLATES = Path(__file__).parent.parent / "templates"
HOST = "127.0.0.1"
FRAMES_PER_SECOND = 30
INSTALL = 'install it with: pip install "canalfit[app]"'


def run(
    session: Session,
    volume: CtVolume | None,
    services: Services,
    *,
    port: int = 0,
    ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve the planner until it is stopped (Ctrl+C).

    Parameters
    ----------
    session : Session
        Opened on a plan.
    volume : CtVolume or None
        The scan of that plan, if it is at hand.
    services : Services
        Saving, and what survives a crash.
    port : int
        0: any free port.
    ready : callable
        Told the address, key included, once the page can be opened.

    Raises
    ------
    UsageError
        trame is not installed, or the port is taken.
    """
    server = make_server(secrets.token_urlsafe(24))
    port = free_port(port)
    planner = build(server, session, volume, services)
    server.controller.on_server_ready.add(lambda **_: ready(address(server, port)))
    try:
        server.start(port=port, host=HOST, open_browser=False, show_connection_info=False, timeout=0,
                     disable_logging=True)  # fmt: skip
    finally:
        Path(server.key_file).unlink(missing_ok=True)
        if planner.screen.stage is not None:
            planner.screen.stage.close()


def make_server(key: str) -> Any:
    """Return a trame server that accepts only browsers with this key."""
    try:
        from trame.app import get_server
    except ImportError as error:
        raise UsageError(f"the planner needs trame, which is not installed; {INSTALL}") from error

    handle, key_file = tempfile.mkstemp(prefix="canalfit-key-")  # readable by this user only
    with os.fdopen(handle, "w") as file:
        file.write(key)
    os.environ["TRAME_ARGS"] = f"--authKeyFile {key_file}"  # trame would otherwise read our own command line
    server = get_server(name=f"canalfit-{secrets.token_hex(4)}", client_type="vue3")
    server.key_file, server.key = key_file, key
    return server


def address(server: Any, port: int) -> str:
    """Return the address to open; the page takes the key out of the address bar at once."""
    return f"http://{HOST}:{port}/index.html?secret={server.key}"


def free_port(port: int) -> int:
    """Return the port, or a free one for 0; raises UsageError if it is taken."""
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OverflowError as error:
            raise UsageError(f"{port} is no port: ports go from 0 to 65535; leave --port out for a free one") from error
        except OSError as error:
            raise UsageError(f"port {port} is taken; give another one with --port, or none") from error
        return int(probe.getsockname()[1])


def build(server: Any, session: Session, volume: CtVolume | None, services: Services) -> Planner:
    """Put the page together and draw everything for the first time."""
    from trame.ui.html import DivLayout
    from trame.widgets import client

    planner = Planner(server, session, volume, services)
    works, sentence = services.opengl()
    page = (TEMPLATES / "planner.html").read_text(encoding="utf-8")
    before, after = page.split("<!-- 3-D -->")
    with DivLayout(server) as layout:
        client.Style((TEMPLATES / "planner.css").read_text(encoding="utf-8"))
        client.Script((TEMPLATES / "planner.js").read_text(encoding="utf-8"))
        view: Any = _view(planner) if works else None
        # The page is written as one template; the 3-D view takes its place in the middle.
        layout.root.add_child(before + (view.html if works else "") + after)
        if works:
            layout.root._children.remove(view)
    server.state.has_3d, server.state.no_3d = works, "" if works else sentence
    planner.start()
    return planner


def _view(planner: Planner) -> Any:
    from trame_pyvista.rca_view import PyVistaRCAView

    planner.screen.stage = Stage()
    view = PyVistaRCAView(planner.screen.stage.plotter, display="image", target_fps=FRAMES_PER_SECOND)
    planner.screen.push_stage = view.render
    return view
