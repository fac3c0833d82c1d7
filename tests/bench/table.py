#!/usr/bin/python3
"""Turns the JSON lines of deploy/bench.sh into one Markdown table: table.py SKEW PEER SERVICE."""

import json
import platform
import statistics
import sys

FIGURES = (("ms_per_update", "ms per training update, batch 64", False),
           ("generated_images_per_second", "generated images per second", True))


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip().startswith("{")]


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def main():
    skew, peer, service = (read(path) for path in sys.argv[1:4])
    print(f"Measured on {processor()}, one thread on one core; medians, and the ratios pair by pair (min to max).\n")
    print("| figure | model | Skew | plain PyTorch | times faster |")
    print("|---|---|---|---|---|")
    for key, name, more_is_better in FIGURES:
        for model in ("dcgan", "vae"):
            ours = [line[key] for line in skew if line["model"] == model]
            theirs = [line[key] for line in peer if line["model"] == model]
            ratios = [a / b if more_is_better else b / a for a, b in zip(ours, theirs)]
            print(f"| {name} | {model} | {statistics.median(ours):.1f} | {statistics.median(theirs):.1f} "
                  f"| {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |")
    print("\n| figure | value |")
    print("|---|---|")
    for line in service:
        print(f"| {line['measure']} | {line['value']:.1f} {line['unit']} |")


if __name__ == "__main__":
    main()
