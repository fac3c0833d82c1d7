#!/usr/bin/python3
"""Proves that the training benchmarks run and that their table comes out: smoke.py SKEW_TRAIN_BENCH. Asserts no time."""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def run(*command):
    return subprocess.run(command, check=True, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True).stdout


def main():
    with tempfile.TemporaryDirectory() as folder:
        run(sys.argv[1], "--benchmark_min_time=0.001", f"--benchmark_out={folder}/skew-1.json")
        peer = run("/usr/bin/python3", str(HERE / "peer.py"), "--updates", "1", "--warm-up", "1")
        pathlib.Path(folder, "peer-1.json").write_text(peer, encoding="utf-8")
        table = run("/usr/bin/python3", str(HERE / "table.py"), folder)
    print(table)
    for text in ("dcgan fp32", "dcgan bf16", "vae fp32", "vae bf16", "convolution weight gradient, bf16", "adam"):
        assert text in table, f"'{text}' is not in the table"


if __name__ == "__main__":
    main()
