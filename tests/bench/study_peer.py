#!/usr/bin/python3
"""The runs of a study as a loop over plain PyTorch, judging included: what somebody would write without Skew.

    study_peer.py --data data/mnist --models dcgan vae --counts 100 500 --iterations 2 --steps 400 --images 2000

Threads are PyTorch's default. The judge has the architecture of Skew's; it is not trained, which costs nothing and takes
nothing from the time. Prints the seconds of the runs, without those that Python and PyTorch take to load."""

import argparse
import pathlib
import time

import numpy
import torch
from torch import nn

from peer import Dcgan, Vae

CLASSES = (0, 1, 2)
BATCH = 64
CHUNK = 500


def judge():
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, 2, 2), nn.BatchNorm2d(16), nn.ReLU(True),
        nn.Conv2d(16, 32, 3, 1, 1), nn.MaxPool2d(2), nn.BatchNorm2d(32), nn.ReLU(True),
        nn.Conv2d(32, 64, 3, 1, 1), nn.MaxPool2d(2), nn.BatchNorm2d(64), nn.ReLU(True),
        nn.Flatten(), nn.Linear(64 * 3 * 3, 128), nn.BatchNorm1d(128), nn.ReLU(True), nn.Linear(128, 10)).eval()


def read(folder):
    images = numpy.fromfile(folder / "train-images-idx3-ubyte", numpy.uint8, offset=16).reshape(-1, 1, 28, 28)
    labels = numpy.fromfile(folder / "train-labels-idx1-ubyte", numpy.uint8, offset=8)
    return torch.from_numpy(images).float() / 255, torch.from_numpy(labels)


def draw(images, labels, count):
    """The images of one bias point."""
    wanted = {0: 2000, 1: count, 2: 2000}
    chosen = [torch.nonzero(labels == c).view(-1) for c in CLASSES]
    return images[torch.cat([of_class[torch.randperm(len(of_class))[:wanted[c]]] for c, of_class in zip(CLASSES, chosen)])]


def batches(images, steps):
    order = torch.randperm(len(images))
    start = 0
    for _ in range(steps):
        if start + BATCH > len(images):
            order, start = torch.randperm(len(images)), 0
        yield images[order[start:start + BATCH]]
        start += BATCH


def run(model, images, steps, generated, classifier):
    for batch in batches(images, steps):
        model.step(batch)
    counts = torch.zeros(10, dtype=torch.long)
    with torch.no_grad():
        for done in range(0, generated, CHUNK):
            outputs = classifier(model.generate(min(CHUNK, generated - done)))
            counts += torch.bincount(outputs.argmax(1), minlength=10)
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--models", nargs="+", default=["dcgan", "vae"])
    parser.add_argument("--counts", nargs="+", type=int, default=[100, 500])
    parser.add_argument("--iterations", type=int, default=2)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--images", type=int, default=2000)
    options = parser.parse_args()
    start = time.monotonic()
    images, labels = read(options.data)
    classifier = judge()
    for iteration in range(options.iterations):
        torch.manual_seed(iteration)
        for count in options.counts:
            subset = draw(images, labels, count)
            for name in options.models:
                run({"dcgan": Dcgan, "vae": Vae}[name](), subset, options.steps, options.images, classifier)
    print(time.monotonic() - start)


if __name__ == "__main__":
    main()
