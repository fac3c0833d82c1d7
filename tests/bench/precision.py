#!/usr/bin/python3
"""Is bf16 harmless? Trains one cell in fp32 and in bf16 through a real daemon and compares what is generated.

    precision.py [--iterations 10] [--steps 6000] [--images 10000] [--count 500] [--classifier-epochs 4]

Classes 0 and 2 have 2000 images, class 1 has --count. Every figure is a mean over the iterations, with its standard
deviation: that of the seeds. The last column is the share of random regroupings of the runs (two-sided permutation
test) whose means differ at least as much as the precisions' do: small only where they differ beyond seed noise.
Prints a Markdown table. Run by deploy/precision.sh, which sets the environment."""

import argparse
import collections
import os
import pathlib
import random
import statistics
import subprocess
import tempfile

import harness
from google.protobuf import text_format
from harness import job_pb2, run_service_pb2

CLASSES = (0, 1, 2)
REGROUPINGS = 20000


def models():
    for precision in (job_pb2.FP32, job_pb2.BF16):
        yield job_pb2.ModelSpec(dcgan=job_pb2.DcganSettings(precision=precision))
        yield job_pb2.ModelSpec(vae=job_pb2.VaeSettings(precision=precision))


def classifier_file(server, job, folder):
    """The judge's weights, out of the run of the job that trained it."""
    run = server.all_runs(job)[0]
    path = folder / "classifier.pt"
    path.write_bytes(server.read_artifact(run.id, "classifier.pt"))
    return path


def frechet(server, run, model, judge, folder, images):
    checkpoint = folder / "checkpoint.pt"
    checkpoint.write_bytes(server.read_artifact(run.id, "checkpoint.pt"))
    command = [harness.BIN / "skew-frechet", "--dataset", harness.DATA / "mnist", "--classifier", judge,
               "--checkpoint", checkpoint, "--model", text_format.MessageToString(model, as_one_line=True),
               "--classes", ",".join(map(str, CLASSES)), "--images", str(images)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def figures(run, distance):
    accepted = sum(run.histogram.counts.values())
    shares = {f"share of class {c}, %": 100 * run.histogram.counts[c] / max(1, accepted) for c in CLASSES}
    return {**shares, "rejected, %": 100 * run.histogram.rejected / run.histogram.images,
            "Fréchet distance": distance}


def regrouping(a, b):
    """Two-sided permutation test of a difference of means."""
    observed = abs(statistics.fmean(a) - statistics.fmean(b))
    both, rng = a + b, random.Random(1)
    extreme = 0
    for _ in range(REGROUPINGS):
        rng.shuffle(both)
        extreme += abs(statistics.fmean(both[:len(a)]) - statistics.fmean(both[len(a):])) >= observed - 1e-12
    return (extreme + 1) / (REGROUPINGS + 1)


def text(values):
    return f"{statistics.fmean(values):.2f} ({statistics.stdev(values):.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--images", type=int, default=10000)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--classifier-epochs", type=int, default=4)
    options = parser.parse_args()
    spec = harness.spec(list(models()), counts=(options.count,), steps=options.steps, images=options.images,
                        iterations=options.iterations)
    spec.evaluation.classifier.epochs = options.classifier_epochs
    spec.evaluation.every_steps = options.steps
    server = harness.Server()
    results = collections.defaultdict(lambda: collections.defaultdict(list))
    try:
        job = server.submit(spec)
        finished = server.finish(job)
        if finished.runs.succeeded != finished.runs.total:
            raise RuntimeError(f"{finished.runs.failed} runs failed: {finished.message}")
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            judge = classifier_file(server, "j1", folder)
            for run in server.all_runs(job):
                run = server.runs.GetRun(run_service_pb2.GetRunRequest(run_id=run.id))
                model = finished.spec.models[run.model_index]
                distance = frechet(server, run, model, judge, folder, options.images)
                family = model.WhichOneof("family")
                for figure, value in figures(run, distance).items():
                    results[family, figure][run.precision].append(value)
    finally:
        server.close()
    print(f"{options.iterations} runs a cell of {options.steps} updates, {options.images} images each; class 1 is "
          f"{options.count} of {options.count + 4000} training images. Means, in brackets standard deviations.\n")
    print("| model | figure | fp32 | bf16 | difference | permutation p |")
    print("|---|---|---|---|---|---|")
    for (family, figure), values in results.items():
        a, b = values[job_pb2.FP32], values[job_pb2.BF16]
        print(f"| {family} | {figure} | {text(a)} | {text(b)} | {statistics.fmean(b) - statistics.fmean(a):+.2f} "
              f"| {regrouping(a, b):.2f} |")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
