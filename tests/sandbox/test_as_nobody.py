"""The escapes again as a user without rights, where these tests themselves run as root."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import site
import sys
from pathlib import Path

import pytest

import bargein

NOBODY = "65534"
ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 120


def pythons() -> list[str]:
    """Give Pythons of this version that anybody may run."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = {shutil.which(name, path=folder) for folder in ("/usr/bin", "/usr/local/bin")}
    return [each for each in found if each]


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="these tests run without rights already")
@pytest.mark.skipif(not pythons(), reason="there is no Python that another user may run")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not here")
async def test_a_bot_without_rights_holds_its_tools_as_well(tmp_path: Path) -> None:
    path = os.pathsep.join(
        [str(ROOT), str(Path(bargein.__file__).parent.parent), *site.getsitepackages()]
    )
    running = await asyncio.create_subprocess_exec(
        *("setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"),
        *(pythons()[0], "-B", "-m", "tests.sandbox.as_user"),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "HOME": "/"},
        stdout=asyncio.subprocess.PIPE,
        cwd="/",
    )
    async with asyncio.timeout(WITHIN_S):
        told, _ = await running.communicate()
    assert json.loads(told) == {}
