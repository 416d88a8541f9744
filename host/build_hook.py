"""Put the firmware's packs into the wheel, ready-made: whoever installs it can flash without a compiler."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PacksHook(BuildHookInterface[Any]):
    """Compile the packs beside the build; an editable install compiles them when they are needed."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Have what `compiled_packs` makes taken into the wheel."""
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory(prefix="retrosole-packs-")
        for name, content in compiled_packs(Path(self.root) / "host").items():
            path = Path(self._folder.name) / name
            path.write_bytes(content)
            build_data["force_include"][str(path)] = f"retrosole/_firmware/packs/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was only on its way into the wheel."""
        if version != "editable":
            self._folder.cleanup()


def compiled_packs(host: Path) -> dict[str, bytes]:
    """Return the packs and the launcher by their file names, compiled by the checkout's own code, which needs no numpy.

    Raises what `retrosole.flashing.pack.built` raises.
    """
    sys.path.insert(0, str(host))
    try:
        from retrosole.flashing import pack

        packs = {f"{name}.zip": pack.built(name).content for name in pack.ARCHITECTURES}
        return packs | pack.launcher()
    finally:
        sys.path.remove(str(host))
