#!/usr/bin/python3
"""Submits a study to a running skewd from Python, follows it and prints its results.

Any gRPC client works like this one. It needs Debian's python3-grpcio and protobuf-compiler-grpc; the stubs are made from
the .proto files on the fly:

    deploy/examples/poll.py 127.0.0.1:7433

That is for a server on the same machine. For another one, with TLS, make the channel with grpc.secure_channel(address,
grpc.ssl_channel_credentials(open("ca.pem", "rb").read())), and give every call
metadata=[("authorization", "Bearer " + token)]; or take the package in client/python, which does both.
"""

import argparse
import importlib
import pathlib
import subprocess
import sys
import tempfile
import time
import uuid

import grpc

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"


def load_stubs(folder):
    """Generates Python modules from every public .proto file and makes them importable."""
    files = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("skew/v1/*.proto"))
    plugin = subprocess.run(["which", "grpc_python_plugin"], check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run(
        ["protoc", f"--proto_path={PROTO}", f"--python_out={folder}", f"--grpc_python_out={folder}",
         f"--plugin=protoc-gen-grpc_python={plugin}", *files],
        check=True, stderr=subprocess.DEVNULL)
    sys.path.insert(0, str(folder))


def study(job_pb2):
    """Class 1 with a quarter of the other classes' images."""
    spec = job_pb2.JobSpec(name="from-python", dataset="mnist", iterations=2, seed=7)
    spec.bias.fixed[0] = 2000
    spec.bias.fixed[2] = 2000
    setattr(spec.bias.varied, "class", 1)  # "class" is a word of Python's own
    spec.bias.varied.counts.append(500)
    spec.models.add().vae_mlp.SetInParent()
    spec.models.add().resample.SetInParent()
    spec.training.steps = 500
    spec.generation.images = 2000
    spec.evaluation.classifier.epochs = 1  # a judge within a minute; the default one is better, and takes some more
    return spec


def await_server(channel, timeout):
    """Returns once there is one; grpc.FutureTimeoutError after so many seconds without."""
    grpc.channel_ready_future(channel).result(timeout=timeout)


def follow(channel, timeout, jobs, job_service_pb2, job_id):
    """Yields every event once, in order, whatever happens to the connection."""
    revision = 0
    while True:
        try:
            request = job_service_pb2.WatchJobRequest(job_id=job_id, after_revision=revision)
            for response in jobs.WatchJob(request):
                if response.HasField("event"):
                    revision = response.event.revision
                    yield response.event
                elif response.end.cause == job_service_pb2.StreamEnd.JOB_FINISHED:
                    return
        except grpc.RpcError as error:
            # RESOURCE_EXHAUSTED: too many requests or watches, or read too slowly. CANCELLED: the server stops.
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED,
                                    grpc.StatusCode.CANCELLED):
                raise
            time.sleep(1)
            await_server(channel, timeout)


def run(address, timeout):
    with tempfile.TemporaryDirectory() as folder:
        load_stubs(folder)
        job_pb2 = importlib.import_module("skew.v1.job_pb2")
        job_service_pb2 = importlib.import_module("skew.v1.job_service_pb2")
        job_service_pb2_grpc = importlib.import_module("skew.v1.job_service_pb2_grpc")

        channel = grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)])
        await_server(channel, timeout)
        jobs = job_service_pb2_grpc.JobServiceStub(channel)
        submitted = jobs.SubmitJob(
            job_service_pb2.SubmitJobRequest(spec=study(job_pb2), request_id=str(uuid.uuid4())),
            timeout=timeout)
        print("submitted", submitted.job.id, *submitted.notes)
        for event in follow(channel, timeout, jobs, job_service_pb2, submitted.job.id):
            print(event.revision, event.WhichOneof("change"))
        results = jobs.GetResults(job_service_pb2.GetResultsRequest(job_id=submitted.job.id))
        for cell in results.cells:
            for one in cell.classes:
                label = getattr(one, "class")
                print(f"{cell.model:10} class {label}: trained {one.trained_share:.3f}, "
                      f"generated {one.generated.mean:.3f} +- {one.generated.sd:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", nargs="?", default="127.0.0.1:7433", help="host:port or unix:PATH; default: %(default)s")
    parser.add_argument("--timeout", type=float, default=30, metavar="SECONDS",
                        help="how long to wait for a server that is not there; default: %(default)s")
    arguments = parser.parse_args()
    try:
        run(arguments.address, arguments.timeout)
    except grpc.FutureTimeoutError:
        sys.exit(f"poll.py: no server at {arguments.address} within {arguments.timeout:g} s")
    except grpc.RpcError as error:
        sys.exit(f"poll.py: {error.details()}")


if __name__ == "__main__":
    main()
