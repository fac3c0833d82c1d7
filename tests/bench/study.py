#!/usr/bin/python3
"""Whole studies through a real daemon beside the same runs as a loop over plain PyTorch, in turn; prints Markdown.

    study.py [--pairs 3] [--steps 400] [--images 2000] [--busy] [--no-peer] [--setup NAME]...

A study is 8 runs: DCGAN and VAE, two bias points, two iterations, judged. --busy measures everything a second time beside
a foreign process that never sleeps. --setup takes one of the ways to use the cores instead of all. Run by deploy/bench.sh,
which sets the environment."""

import argparse
import contextlib
import multiprocessing
import os
import pathlib
import statistics
import subprocess
import sys
import time

import harness
from harness import job_pb2

HERE = pathlib.Path(__file__).parent
COUNTS = (100, 500)
MODELS = ("dcgan", "vae")
CORES = os.cpu_count()
SLOT_A_CORE, ONE_SLOT = f"cpu:{CORES}x1", f"cpu:1x{CORES}"
SETUPS = {  # --setup -> label, devices, precision
    "slots-fp32": (f"{CORES} slots of 1 core, fp32", SLOT_A_CORE, job_pb2.FP32),
    "slots-auto": (f"{CORES} slots of 1 core, auto", SLOT_A_CORE, job_pb2.AUTO),
    "whole-fp32": (f"1 slot of {CORES} cores, fp32", ONE_SLOT, job_pb2.FP32),
    "whole-auto": (f"1 slot of {CORES} cores, auto", ONE_SLOT, job_pb2.AUTO),
}


def runs(options):
    return len(MODELS) * len(COUNTS) * options.iterations


def spec(precision, steps, images, iterations):
    models = [job_pb2.ModelSpec(dcgan=job_pb2.DcganSettings(precision=precision)),
              job_pb2.ModelSpec(vae=job_pb2.VaeSettings(precision=precision))]
    study = harness.spec(models, counts=COUNTS, steps=steps, images=images, iterations=iterations)
    study.evaluation.every_steps = steps
    study.evaluation.images = 1
    return study


def finish(server, study):
    """The seconds from submission to the end, and the job."""
    start = time.monotonic()
    job = server.submit(study)
    finished = server.finish(job)
    if finished.runs.succeeded != finished.runs.total:
        raise RuntimeError(f"{finished.runs.failed} runs failed: {finished.message}")
    return time.monotonic() - start, job


@contextlib.contextmanager
def server_on(devices):
    """A daemon that has its classifier."""
    server = harness.Server("--devices", devices)
    try:
        finish(server, harness.spec([harness.resample()], images=1))
        yield server
    finally:
        server.close()


def run_skew(setup, options):
    _, devices, precision = SETUPS[setup]
    with server_on(devices) as server:
        return finish(server, spec(precision, options.steps, options.images, options.iterations))[0]


def run_peer(options):
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    command = ["/usr/bin/python3", HERE / "study_peer.py", "--data", harness.DATA / "mnist", "--steps", str(options.steps),
               "--images", str(options.images), "--iterations", str(options.iterations), "--counts", *map(str, COUNTS)]
    return float(subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout)


def spin():
    while True:
        pass


@contextlib.contextmanager
def busy_neighbour(wanted):
    if not wanted:
        yield
        return
    process = multiprocessing.Process(target=spin, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def spread(values, form):
    return f"{form.format(statistics.median(values))} ({form.format(min(values))} to {form.format(max(values))})"


def studies(options, busy):
    seconds = {setup: [] for setup in options.setup or SETUPS}
    peer = []
    with busy_neighbour(busy):
        for _ in range(options.pairs):
            for setup in seconds:
                seconds[setup].append(run_skew(setup, options))
                print(f"{setup}: {seconds[setup][-1]:.1f} s", file=sys.stderr)
            if not options.no_peer:
                peer.append(run_peer(options))
                print(f"PyTorch loop: {peer[-1]:.1f} s", file=sys.stderr)
    print(f"\n| {'beside a busy process' if busy else 'alone'} | runs an hour | times the PyTorch loop |")
    print("|---|---|---|")
    for setup, own in seconds.items():
        ratio = spread([b / a for a, b in zip(own, peer)], "{:.2f}") if peer else ""
        print(f"| {SETUPS[setup][0]} | {spread([3600 * runs(options) / value for value in own], '{:.0f}')} | {ratio} |")
    if peer:
        print(f"| PyTorch loop, {CORES} threads | {spread([3600 * runs(options) / value for value in peer], '{:.0f}')} | 1 |")


def seconds_between(earlier, later):
    return (later.ToNanoseconds() - earlier.ToNanoseconds()) / 1e9


def fixed_costs(server, options):
    """Seconds of a slot that a run takes which hardly trains: the process, the libraries, the data and the judge."""
    seconds, _ = finish(server, spec(job_pb2.AUTO, 1, 1, options.iterations))
    return seconds * CORES / runs(options)


def judging_shares(server, options):
    """By run: the part of its time, from start to end, after the last update."""
    study = spec(job_pb2.AUTO, 0, options.judged, 1)
    study.training.ClearField("steps")
    study.training.epochs = options.epochs
    study.evaluation.ClearField("every_steps")
    study.evaluation.every_epochs = options.epochs
    del study.bias.varied.counts[1:]
    _, job = finish(server, study)
    last_update, shares = {}, {}
    for event in server.watch(job):
        if event.HasField("progress"):
            last_update[event.progress.run_id] = event.time
    for run in server.all_runs(job):
        judging = seconds_between(last_update[run.id], run.end_time)
        shares[run.model] = judging / seconds_between(run.start_time, run.end_time)
    return shares


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--iterations", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=30, help="of the runs whose judging is set against their training")
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--setup", action="append", choices=SETUPS, default=[])
    parser.add_argument("--judged", type=int, default=10000, help="images of the runs whose judging is timed")
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    print(f"Studies of {runs(options)} runs of {options.steps} updates and {options.images} judged images on {CORES} cores; "
          f"{options.pairs} in turn.")
    studies(options, busy=False)
    if options.busy:
        studies(options, busy=True)
    with server_on(SLOT_A_CORE) as server:
        print(f"\nA run of one update and one image takes {fixed_costs(server, options):.2f} s of a slot.")
        for model, share in judging_shares(server, options).items():
            print(f"Of a run of {options.epochs} epochs of {model}, generating and judging {options.judged:,} images takes "
                  f"{share:.1%}.")


if __name__ == "__main__":
    main()
