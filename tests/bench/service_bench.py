#!/usr/bin/python3
"""Measures the daemon: durable submissions per second, event latency, memory. Prints one JSON line each.

Run by deploy/bench.sh, which sets PYTHONPATH to the generated stubs and the harness of tests/e2e."""

import concurrent.futures
import json
import statistics
import time

import harness
from harness import job_service_pb2

CLIENTS = 8
JOBS_PER_CLIENT = 50
EVENTS = 40


def resident_megabytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1]) / 1024


def submit_many(server, count):
    for _ in range(count):
        server.submit(harness.spec([harness.resample()]))


def main():
    server = harness.Server("--devices", "cpu:1x1")
    try:
        print(json.dumps({"measure": "daemon memory at start", "value": resident_megabytes(server.process.pid),
                          "unit": "MB"}))
        server.submit(harness.spec([harness.resample()]))  # its classifier keeps the device busy meanwhile
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(lambda _: submit_many(server, JOBS_PER_CLIENT), range(CLIENTS)))
        rate = CLIENTS * JOBS_PER_CLIENT / (time.monotonic() - begin)
        print(json.dumps({"measure": f"durable submissions from {CLIENTS} clients", "value": rate, "unit": "1/s"}))

        latencies = []
        stream = server.jobs.WatchJob(job_service_pb2.WatchJobRequest(job_id="j1"))
        opened = time.time()
        for response in stream:
            if response.HasField("event") and response.event.time.ToNanoseconds() / 1e9 > opened:
                latencies.append(time.time() - response.event.time.ToNanoseconds() / 1e9)
            if len(latencies) == EVENTS or not response.HasField("event"):
                break
        stream.cancel()
        print(json.dumps({"measure": f"event latency, median of {len(latencies)}, beside a training",
                          "value": 1e3 * statistics.median(latencies), "unit": "ms"}))
        print(json.dumps({"measure": f"daemon memory with {CLIENTS * JOBS_PER_CLIENT} queued jobs",
                          "value": resident_megabytes(server.process.pid), "unit": "MB"}))
        server.kill()
    finally:
        server.close()


if __name__ == "__main__":
    main()
