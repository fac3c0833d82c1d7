#!/usr/bin/python3
"""Makes the Python modules of the public .proto files: OUT/skew/v1/*_pb2.py and *_pb2_grpc.py.

    generate_stubs.py OUT

Takes protoc and grpc_python_plugin (Debian: protobuf-compiler, protobuf-compiler-grpc), or else the module grpc_tools.
"""

import pathlib
import shutil
import subprocess
import sys

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"


def compiler():
    """The command that understands --python_out and --grpc_python_out."""
    plugin = shutil.which("grpc_python_plugin")
    if shutil.which("protoc") and plugin:
        return ["protoc", f"--plugin=protoc-gen-grpc_python={plugin}"]
    return [sys.executable, "-m", "grpc_tools.protoc"]


def generate(out):
    files = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("skew/v1/*.proto"))
    if not files:
        raise FileNotFoundError(f"{PROTO} has no skew/v1/*.proto: build from a checkout of the whole repository")
    package = pathlib.Path(out) / "skew" / "v1"
    package.mkdir(parents=True, exist_ok=True)
    subprocess.run([*compiler(), f"--proto_path={PROTO}", f"--python_out={out}", f"--grpc_python_out={out}", *files],
                   check=True)
    (package / "__init__.py").write_text('"""Messages and stubs of the API, generated from proto/skew/v1."""\n',
                                         encoding="utf-8")


if __name__ == "__main__":
    generate(sys.argv[1])
