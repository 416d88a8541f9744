"""What each MicroPython runtime is made of: the pinned source, make's variables, keys, folders.

A key is a hash over everything that goes into a result. It is stored beside the result, so a
changed overlay or flag is noticed and rebuilt, and nothing else is.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import platformdirs

SOURCE_VERSION = "1.25.0+ds-1"
UPSTREAM_VERSION = SOURCE_VERSION.split("+")[0]

# What an ESP32 running this firmware has: 64 kB at start, growing to about 160 kB.
HEAP_32BIT_KB = 160
# What lies in the emulated machine's heap and outside an ESP32's: the firmware's native code, and the stand-ins for
# what is part of the chip's own MicroPython.
NATIVE_CODE_KB = 32
STAND_INS_KB = 16
# Pointers, object headers and small buffers are twice as large on 64 bits; the same objects then
# fit.
HEAP_64BIT_KB = 2 * HEAP_32BIT_KB

BUILT = ("unix32", "unix64", "rv32")
RESULT_FILE = {
    "unix32": "micropython",
    "unix64": "micropython",
    "rv32": "firmware.elf",
    "unpacked": "usr/bin/micropython",
}

# Debian's float is double on 32 bits too; an ESP32 has single precision, and its results allocate
# alike.
UNIX32_CONFIG = """#include "mpconfigport.h"
#undef MICROPY_FLOAT_IMPL
#define MICROPY_FLOAT_IMPL (MICROPY_FLOAT_IMPL_FLOAT)
"""

# Debian's source carries no submodule, so what needs one is off; nothing is frozen, so no mpy-cross
# is needed.
_UNIX_VARIABLES = (
    "FROZEN_MANIFEST=",
    "MICROPY_PY_FFI=0",
    "MICROPY_PY_BTREE=0",
    "MICROPY_PY_SSL=0",
    "MICROPY_SSL_AXTLS=0",
    "MICROPY_SSL_MBEDTLS=0",
    "MICROPY_PY_JNI=0",
)

# The port's default architecture name matches no library of Debian's compiler; the older
# instruction set specification counts the CSR instructions as part of plain rv32imac. Frozen text
# needs no mpy-cross either, but the port wants a file of that name to exist.
_RV32_VARIABLES = (
    "BOARD=VIRT_RV32",
    "RV32_ARCH=rv32imac -misa-spec=2.2",
    "FROZEN_MANIFEST={overlay}/manifest.py",
    "USER_C_MODULES={overlay}/modules",
    'CFLAGS_EXTRA=-DMP_CONFIGFILE="<{overlay}/mpconfig_rv32.h>"',
    "MICROPY_VFS_LFS2=1",
    f"MICROPY_HEAP_SIZE={(HEAP_32BIT_KB + NATIVE_CODE_KB + STAND_INS_KB) * 1024}",
    "MICROPY_MPYCROSS=/bin/true",
    "MICROPY_MPYCROSS_DEPENDENCY=",
)

MAKE_VARIABLES: dict[str, tuple[str, ...]] = {
    "unix64": _UNIX_VARIABLES,
    "unix32": (
        *_UNIX_VARIABLES,
        "MICROPY_FORCE_32BIT=1",
        'CFLAGS_EXTRA=-DMP_CONFIGFILE="<{overlay}/mpconfig_unix32.h>"',
    ),
    "rv32": _RV32_VARIABLES,
}


def checkout() -> Path | None:
    """Return the folder of the project's checkout; None when the package was installed without."""
    root = Path(__file__).resolve().parents[3]
    return root if (root / "firmware" / "rv32" / "manifest.py").is_file() else None


def cache_dir() -> Path:
    """Return the folder that holds obtained runtimes; it need not exist yet.

    `$RETROSOLE_CACHE` if set, else `.cache/micropython` in the checkout, else the user's cache
    folder.
    """
    given = os.environ.get("RETROSOLE_CACHE")
    if given:
        return Path(given).expanduser().resolve()
    root = checkout()
    if root:
        return root / ".cache" / "micropython"
    return Path(platformdirs.user_cache_dir("retrosole")) / "micropython"


def result_path(kind: str) -> Path:
    """Return where the program (or, for "rv32", the machine's firmware) of a kind is kept."""
    return cache_dir() / kind / RESULT_FILE[kind]


def overlay_files(kind: str) -> dict[str, bytes] | None:
    """Return the project's own sources of a kind by relative name; None without a checkout."""
    if kind == "unix32":
        return {"mpconfig_unix32.h": UNIX32_CONFIG.encode()}
    if kind != "rv32":
        return {}
    root = checkout()
    if root is None:
        return None
    overlay = root / "firmware" / "rv32"
    names = (path for path in overlay.rglob("*") if path.is_file() and path.suffix in {".h", ".c", ".mk", ".py"})
    return {path.relative_to(overlay).as_posix(): path.read_bytes() for path in sorted(names)}


def key(kind: str) -> str | None:
    """Return the key of what would be built now; None when the sources for it are not here."""
    files = overlay_files(kind)
    if files is None:
        return None
    digest = hashlib.sha256(SOURCE_VERSION.encode())
    for variable in MAKE_VARIABLES.get(kind, ()):
        digest.update(b"\0v" + variable.encode())
    for name in sorted(files):
        digest.update(b"\0f" + name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return digest.hexdigest()[:16]


def stamp(kind: str) -> dict[str, str]:
    """Return what the cache says about a kind ("key", "version"); empty when not readable."""
    try:
        text = (cache_dir() / kind / "stamp.json").read_text(encoding="utf-8")
        found = json.loads(text)
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def is_current(kind: str) -> bool:
    """Tell whether the cache holds this kind, made from the sources as they are now."""
    if not result_path(kind).is_file():
        return False
    wanted = key(kind)
    return wanted is None or stamp(kind).get("key") == wanted
