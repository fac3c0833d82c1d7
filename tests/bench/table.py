#!/usr/bin/python3
"""Turns a folder of results into Markdown tables, which say the machine.

    table.py FOLDER     skew-N.json (skew-train-bench --benchmark_out), peer-N.json (lines of peer.py)

Files of the same N were measured one right after the other: ratios are taken pair by pair. Every figure is a median
over the pairs, and what stands in brackets is the smallest and the largest."""

import json
import pathlib
import platform
import statistics
import sys

PRECISIONS = ("fp32", "bf16")


def numbered(folder, prefix):
    return sorted(folder.glob(prefix + "-*.json"), key=lambda path: int(path.stem.split("-")[1]))


def read_skew(path):
    """{benchmark: {counter: value}} of one run."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return {line["name"].removesuffix("/real_time"): line for line in content["benchmarks"]}, content["context"]


def read_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("{")]


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def spread(values, form):
    low, middle, high = min(values), statistics.median(values), max(values)
    return form.format(middle) + (f" ({form.format(low)} to {form.format(high)})" if len(values) > 1 else "")


def row(*cells):
    print("| " + " | ".join(cells) + " |")


def header(*cells):
    row(*cells)
    row(*("---" for _ in cells))


def updates(runs, peers):
    header("update, batch 64", "Skew, ms", "plain PyTorch fp32, ms", "times faster", "GFLOP/s",
           "of the machine's matrix product")
    for model in ("dcgan", "vae"):
        for precision in PRECISIONS:
            ours = [run[f"update/{model}/{precision}"] for run in runs]
            theirs = [peer[model]["ms_per_update"] for peer in peers]
            rates = [run["gflops"] / base[f"gemm/{precision}"]["gflops"] for run, base in zip(ours, runs)]
            row(f"{model} {precision}", spread([run["median_ms"] for run in ours], "{:.1f}"), spread(theirs, "{:.1f}"),
                spread([b / a["median_ms"] for a, b in zip(ours, theirs)], "{:.2f}"),
                spread([run["gflops"] for run in ours], "{:.0f}"), spread([100 * rate for rate in rates], "{:.0f}%"))
    for precision in PRECISIONS:
        row(f"matrix product 1024 {precision}", spread([run[f"gemm/{precision}"]["median_ms"] for run in runs], "{:.1f}"),
            "", "", spread([run[f"gemm/{precision}"]["gflops"] for run in runs], "{:.0f}"), "100%")


def generation(runs, peers):
    print()
    header("images generated a second", "Skew", "plain PyTorch fp32", "times faster")
    for model in ("dcgan", "vae"):
        for precision in PRECISIONS:
            ours = [run[f"generate/{model}/{precision}"]["images_per_second"] for run in runs]
            theirs = [peer[model]["generated_images_per_second"] for peer in peers]
            row(f"{model} {precision}", spread(ours, "{:.0f}"), spread(theirs, "{:.0f}"),
                spread([a / b for a, b in zip(ours, theirs)], "{:.2f}"))


def parts(runs):
    print()
    header("part", "ms", "GFLOP/s")
    for name in (name for name in runs[0] if name.startswith("part/")):
        rates = [run[name]["gflops"] for run in runs if "gflops" in run[name]]
        row(name.removeprefix("part/").replace("_", " ").replace("/", ", "),
            spread([run[name]["median_ms"] for run in runs], "{:.2f}"), spread(rates, "{:.0f}") if rates else "")


def main():
    folder = pathlib.Path(sys.argv[1])
    measured = [read_skew(path) for path in numbered(folder, "skew")]
    runs = [run for run, _ in measured]
    peers = [{line["model"]: line for line in read_lines(path)} for path in numbered(folder, "peer")]
    context = measured[0][1]
    peer = next(iter(peers[0].values()))
    print(f"{processor()}, {context['num_cpus']} cores; one thread on one core. {context['engine']}; "
          f"the peer is {peer['engine']}. {len(runs)} pairs in turn.\n")
    updates(runs, peers)
    generation(runs, peers)
    parts(runs)


if __name__ == "__main__":
    main()
