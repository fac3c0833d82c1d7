#!/usr/bin/python3
"""Includes point one way, and the programs link only what they may. Run by ctest with the build folder as argument."""

import pathlib
import re
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(sys.argv.pop()) if len(sys.argv) > 1 else None

# Layer -> layers it may include. The first prefix that fits a path is its layer.
LAYERS = {
    "common": set(),
    "server/store": {"common"},
    "server/jobs": {"common", "server/store"},
    "server/workers": {"common", "server/store", "server/jobs"},
    "server/api": {"common", "server/store", "server/jobs", "server/workers"},
    "server/train": {"common"},
    "server": {"common", "server/store", "server/jobs", "server/workers", "server/api"},
    "client": {"common"},
}
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)


def layer_of(path):
    return next((layer for layer in LAYERS if path.startswith(layer + "/")), None)


class LayersTest(unittest.TestCase):
    def test_includes_point_one_way(self):
        checked = 0
        for layer, allowed in LAYERS.items():
            for file in sorted((SOURCE / layer).rglob("*")):
                path = str(file.relative_to(SOURCE))
                if file.suffix not in (".cc", ".h") or layer_of(path) != layer:
                    continue
                checked += 1
                for included in INCLUDE.findall(file.read_text(encoding="utf-8")):
                    other = layer_of(included)
                    if other is not None and other != layer:
                        self.assertIn(other, allowed, f"{path} includes {included}")
        self.assertGreater(checked, 100)

    def test_sqlite_has_one_user(self):
        users = [str(file.relative_to(SOURCE)) for folder in ("common", "server", "client")
                 for file in (SOURCE / folder).rglob("*.cc") if "<sqlite3.h>" in file.read_text(encoding="utf-8")]
        self.assertEqual(users, ["server/store/sqlite.cc"])

    def test_programs_link_only_what_they_may(self):
        for program, forbidden in {"skewd": ["libtorch", "libc10"], "skewctl": ["libtorch", "libc10", "libsqlite3"],
                                   "skew-worker": ["libsqlite3"]}.items():
            binary = BUILD / "bin" / program
            if not binary.exists():
                continue  # skew-worker is not part of every build
            # What the program itself asks for: Debian's LibTorch brings half the system along, SQLite included.
            dynamic = subprocess.run(["readelf", "-d", binary], check=True, capture_output=True, text=True).stdout
            libraries = re.findall(r"NEEDED.*\[(.*)\]", dynamic)
            self.assertTrue(any(library.startswith("libgrpc++") for library in libraries))
            for library in libraries:
                self.assertFalse(library.startswith(tuple(forbidden)), f"{program} links {library}")


if __name__ == "__main__":
    unittest.main()
