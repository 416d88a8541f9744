"""Write what follows from the native kernels: their plain twins, and the maps of the detector's words where used.

A twin is the same text without native decorator and pointer types: one algorithm in one place, for interpreters with
native code and without. The words of the maps, and the wire's numbers in native code, are repeated as private constants
in every module that uses them, because MicroPython makes a number of a constant only within its own file; through the
module each would cost two look-ups. `--check` only looks.
"""

import re
import sys
from pathlib import Path

INSOLE = Path(__file__).parent / "insole"
NATIVE = ("sense", "tune", "verdict", "step", "stance")
HEAD = "# Written by firmware/make_plain.py from {name}.py, which explains it: change that one.\n"
BEGIN = "# WORDS of the maps, written by firmware/make_plain.py\n"
END = "# end of WORDS\n"


def plain(native: str, name: str) -> str:
    """Give the text for interpreters without native code: what is a pointer into an array is there an index of it."""
    code = native[native.index("import micropython") :].replace("import micropython\n", "")
    code = re.sub(r"# Native only\.\n.*?\n\n\n(?=\S)", "", code, flags=re.DOTALL)
    code = re.sub(r"# plain: (def .*)\n(@micropython\.viper\n)?.*\n", r"\1\n", code)
    code = code.replace("@micropython.viper\n", "")
    code = re.sub(r".*  # native\n|_(WORD|HALF) = .*\n|_(WORD|HALF) \* ", "", code).replace("# plain: ", "")
    code = re.sub(r"\nfrom \.(\w+) import", r"\nfrom .\1_plain import", code)
    code = re.sub(r"(\w+) = ptr32\((\w+)\)\n", r"\1 = \2\n", code)
    views = set(re.findall(r"\b(\w+) = ptr\d+\(int\((?!\1\b)(\w+)\) \+ ", code))
    for view, array in sorted(views):
        code = re.sub(rf"\b{view} = ptr\d+\(int\({view}\) \+ (.*)\)\n", rf"{view} += \1\n", code)
        code = re.sub(rf"\b{view}\[", f"{array}[{view} + ", code).replace(f"[{view} + 0]", f"[{view}]")
        code = re.sub(rf"ptr\d+\(int\({array}\) \+ (.*)\)\n", r"\1\n", code)
        code = code.replace(f"int({array}) + ", "").replace(f"int({view})", view)
    code = re.sub(r"\bint\((\w+\((?:[^()]|\([^()]*\))*\))\)", r"\1", code)
    return HEAD.format(name=name) + re.sub(r": (ptr8|ptr16|ptr32|int)(?=[,)])| -> int(?=:)", "", code)


def with_words(text: str, words: dict[str, str]) -> str:
    """Give a module with the constants of those words of the maps that it uses."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    used = [name for name in words if re.search(rf"\b_{name}\b", after)]
    if own := [name for name in used if re.search(rf"^_{name} =", after, re.MULTILINE)]:
        raise SystemExit(f"a module has constants of its own with the names of words: {', '.join(own)}")
    return before + BEGIN + "".join(f"_{name} = const({words[name]})\n" for name in used) + END + after


def maps() -> dict[str, str]:
    """Give the words of all maps, and the wire's numbers, by name."""
    texts = [(INSOLE / f"{name}.py").read_text(encoding="utf-8") for name in NATIVE]
    found = re.findall(r"^([A-Z][A-Z0-9_]*) = const\((-?\d+)\)", "".join(texts), re.MULTILINE)
    wire = (INSOLE / "wire.py").read_text(encoding="utf-8")
    found += re.findall(r"^((?:ORDER|DIRECTION|REASON|STRIDE|CONTACT|MISSING)_\w+) = (-?\d+)$", wire, re.MULTILINE)
    names = [name for name, _ in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SystemExit(f"two words have one name: {', '.join(twice)}")
    return dict(found)


def outputs() -> dict[Path, str]:
    """Give every file that this writes, or writes into."""
    words = maps()
    texts = {path: path.read_text(encoding="utf-8") for path in INSOLE.glob("*.py")}
    written = {f"{name}_plain" for name in NATIVE}
    users = {path: text for path, text in texts.items() if BEGIN in text and path.stem not in written}
    made = {path: with_words(text, words) for path, text in users.items()}
    for name in NATIVE:
        path = INSOLE / f"{name}.py"
        made[INSOLE / f"{name}_plain.py"] = plain(made.get(path, texts[path]), name)
    return made


def main(arguments: list[str]) -> int:
    """Write what is stale, or say so."""
    stale = {p: t for p, t in outputs().items() if not p.exists() or p.read_text(encoding="utf-8") != t}
    for path, text in stale.items():
        if "--check" in arguments:
            print(f"firmware/insole/{path.name} is not what the native files say: run make generate")
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote firmware/insole/{path.name}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
