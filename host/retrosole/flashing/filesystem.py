"""LittleFS images, as MicroPython mounts them."""

from __future__ import annotations

from collections.abc import Mapping

from littlefs import LittleFS, LittleFSError

from retrosole.errors import DamagedDataError, UsageError

BLOCK_BYTES = 4096
# LittleFS 2.0 on disk: the oldest that every MicroPython since 1.12 mounts.
_VERSION = 0x00020000


def filesystem_image(files: Mapping[str, bytes], size: int, whose: str) -> bytes:
    """Return a LittleFS image of `size` bytes with the files; names are paths from '/', folders are made.

    Raises UsageError when they do not fit; `whose` goes into its text, such as "the insole's".
    """
    image = _littlefs(size)
    try:
        for name, content in files.items():
            path = name.strip("/")
            if "/" in path:
                image.makedirs(path.rpartition("/")[0], exist_ok=True)
            with image.open(path, "wb") as file:
                file.write(content)
    except (LittleFSError, OSError) as error:
        total = sum(len(content) for content in files.values())
        raise UsageError(f"{len(files)} files of {total} bytes do not fit {whose} {size} bytes: {error}") from error
    return bytes(image.context.buffer)


def read_filesystem(image: bytes) -> dict[str, bytes]:
    """Return the files of a LittleFS image by their path without the first '/'.

    Raises DamagedDataError when it cannot be mounted or read.
    """
    files: dict[str, bytes] = {}
    try:
        mounted = _littlefs(len(image), image)
        for folder, _, names in mounted.walk("/"):
            for name in names:
                path = f"{folder.rstrip('/')}/{name}"
                with mounted.open(path, "rb") as file:
                    files[path.lstrip("/")] = file.read()
    except (LittleFSError, OSError) as error:
        raise DamagedDataError(f"the file system cannot be read ({error}): flash it again") from error
    return files


def _littlefs(size: int, content: bytes | None = None) -> LittleFS:
    """Make an empty file system, or mount one of any version: MicroPython may have raised it when it wrote."""
    image = LittleFS(
        block_size=BLOCK_BYTES,
        block_count=size // BLOCK_BYTES,
        read_size=32,
        prog_size=32,
        disk_version=_VERSION if content is None else 0,  # 0: the newest
        mount=content is None,
    )
    if content is not None:
        image.context.buffer = bytearray(content)
        image.mount()
    return image
