"""Pipecat's prebuilt page at `/prebuilt/`, where its package is installed; it is served as it is.

One file is put in the place of one of its own: the page reaches the microphone through
Daily's call machine, which it fetches from Daily's servers, errors being reported there
too. Ours (`devices.js`) asks the browser itself, so that nothing leaves this machine.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

PACKAGE = "pipecat_ai_prebuilt"
PAGE_PATH = "/prebuilt"
DEVICES = Path(__file__).with_name("devices.js")


def page_folder() -> Path | None:
    """Where the page's files are; None if its package is not installed.

    The package is not imported: importing it prints.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "client" / "dist"
    return folder if folder.is_dir() else None


def serve_page(app: FastAPI) -> None:
    """Serve the page if it is there."""
    folder = page_folder()
    if folder is None:
        return
    for replaced in folder.glob("assets/daily-esm-*.js"):
        app.get(f"{PAGE_PATH}/assets/{replaced.name}", include_in_schema=False)(_devices)
    app.mount(PAGE_PATH, StaticFiles(directory=folder, html=True), name="prebuilt")


async def _devices() -> FileResponse:
    return FileResponse(DEVICES, media_type="text/javascript")
