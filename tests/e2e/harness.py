"""A real skewd in a temporary state directory, and the means to talk to it and to kill it."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import grpc

from skew.v1 import (analysis_service_pb2, analysis_service_pb2_grpc, job_pb2, job_service_pb2, job_service_pb2_grpc,
                     queue_pb2, reuse_service_pb2, reuse_service_pb2_grpc, run_pb2, run_service_pb2,
                     run_service_pb2_grpc, server_service_pb2, server_service_pb2_grpc)

BIN = pathlib.Path(os.environ["SKEW_BIN"])
SOURCE = pathlib.Path(os.environ["SKEW_SOURCE"])
DATA = pathlib.Path(os.environ.get("SKEW_TEST_DATA", SOURCE / "data"))
# The state directory of a server that has trained the judge of these tests (judge.py) and nothing else. Without it,
# every server trains its own, which takes most of a minute.
JUDGED = os.environ.get("SKEW_E2E_JUDGED")


def require_data(dataset="mnist"):
    """Without the dataset these tests would pass by saying nothing: they fail."""
    if not (DATA / dataset).is_dir():
        raise FileNotFoundError(f"{DATA} has no {dataset}: run deploy/fetch-datasets.sh {dataset}, or set SKEW_TEST_DATA")


class Server:
    """Owns the state directory; the daemon in it can be stopped, killed and started again."""

    def __init__(self, *flags, launcher=(), judged=True, base="/tmp"):
        """`launcher` is a command that executes what follows it; in its words, {state} is the state directory, which is
        then the launcher's to fill. `judged`: with the judge of these tests, where there is one already. `base` is the
        folder in which everything is."""
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skew-e2e-", dir=base))
        if judged and JUDGED and not launcher:
            shutil.copytree(JUDGED, self.folder / "state")
        self.flags = flags
        self.launcher = [word.format(state=self.folder / "state") for word in launcher]
        self.process = None
        self.start()

    def start(self, *more_flags):
        addresses = self.folder / "addresses"
        addresses.unlink(missing_ok=True)
        self.log = open(self.folder / "skewd.log", "a", encoding="utf-8")
        self.process = subprocess.Popen(
            [*self.launcher, BIN / "skewd", "--state-dir", self.folder / "state", "--datasets", DATA, "--listen", "127.0.0.1:0",
             "--address-file", addresses, *self.flags, *more_flags], stderr=self.log)
        while not addresses.exists():
            if self.process.poll() is not None:
                raise RuntimeError((self.folder / "skewd.log").read_text())
            time.sleep(0.02)
        self.address = addresses.read_text().split()[0]
        self.channel = grpc.insecure_channel(self.address)
        self.jobs = job_service_pb2_grpc.JobServiceStub(self.channel)
        self.runs = run_service_pb2_grpc.RunServiceStub(self.channel)
        self.artifacts = run_service_pb2_grpc.ArtifactServiceStub(self.channel)
        self.server = server_service_pb2_grpc.ServerServiceStub(self.channel)
        self.reuse = reuse_service_pb2_grpc.ReuseServiceStub(self.channel)
        self.analysis = analysis_service_pb2_grpc.AnalysisServiceStub(self.channel)

    def restore(self, backup):
        """Has skewd restore a backup into the state directory; returns what became of that program."""
        return subprocess.run([BIN / "skewd", "--state-dir", self.folder / "state", "--restore", backup],
                              capture_output=True, text=True, timeout=300, check=False)

    def stop(self):
        """Clean shutdown; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        self.channel.close()
        self.log.close()
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.channel.close()
        self.log.close()

    def restart(self, *more_flags):
        """Clean shutdown and start, with these flags beside the server's own."""
        self.stop()
        self.start(*more_flags)

    def close(self):
        if self.process.poll() is None:
            self.stop()
        for pid in self.workers():  # of a daemon that was killed: they would wait for the next one
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def workers(self):
        """Process ids of this daemon's workers."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"/skew-worker") and str(self.folder).encode() in b" ".join(words):
                found.append(int(entry.name))
        return found

    def submit(self, spec, reuse=False):
        """The id of a new job. It is trained even if the same was done before, unless `reuse`."""
        request = job_service_pb2.SubmitJobRequest(spec=spec, no_reuse=not reuse)
        return self.jobs.SubmitJob(request, wait_for_ready=True).job.id

    def watch(self, job, after_revision=0):
        """Every event after a revision, to the end of the job, whatever happens to the daemon meanwhile."""
        while True:
            try:
                request = job_service_pb2.WatchJobRequest(job_id=job, after_revision=after_revision)
                for response in self.jobs.WatchJob(request, wait_for_ready=True):
                    if response.HasField("event"):
                        after_revision = response.event.revision
                        yield response.event
                    elif response.end.cause == job_service_pb2.StreamEnd.JOB_FINISHED:
                        return
            except grpc.RpcError as error:
                if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                    raise
            except ValueError:  # the channel was closed by a restart in another thread
                pass

    def finish(self, job):
        """Waits for the end of a job and returns it."""
        for _ in self.watch(job):
            pass
        return self.jobs.GetJob(job_service_pb2.GetJobRequest(job_id=job))

    def all_runs(self, job):
        return list(self.runs.ListRuns(run_service_pb2.ListRunsRequest(job_id=job)).runs)

    def read_artifact(self, run, name):
        request = run_service_pb2.ReadArtifactRequest(run_id=run, name=name)
        return b"".join(response.data for response in self.artifacts.ReadArtifact(request))


def measured(server, job):
    """What came out of each run of a job, by its cell and iteration, without what depends on the job's number."""
    histograms = {}
    for run in server.all_runs(job):
        histogram = run_pb2.ClassHistogram()
        histogram.CopyFrom(run.histogram)
        histogram.run_id = ""
        if histogram.HasField("image_measures"):
            histogram.image_measures.ClearField("measuring_seconds")
        histograms[(run.model, tuple(sorted(run.bias_point.counts.items())), run.iteration)] = histogram
    return histograms


def spec(models, counts=(500,), steps=60, images=500, iterations=1, seed=7):
    """A study of MNIST with class 1 varied, judged by a classifier of one epoch."""
    study = job_pb2.JobSpec(dataset="mnist", iterations=iterations, seed=seed)
    study.bias.fixed[0] = 2000
    study.bias.fixed[2] = 2000
    setattr(study.bias.varied, "class", 1)
    study.bias.varied.counts.extend(counts)
    for model in models:
        study.models.add().CopyFrom(model)
    study.training.steps = steps
    study.generation.images = images
    study.evaluation.classifier.epochs = 1
    return study


def vae(width=8):
    return job_pb2.ModelSpec(vae=job_pb2.VaeSettings(width=width))


def dcgan(width=8):
    return job_pb2.ModelSpec(dcgan=job_pb2.DcganSettings(width=width))


def vae_mlp():
    return job_pb2.ModelSpec(vae_mlp=job_pb2.VaeMlpSettings())


def resample():
    return job_pb2.ModelSpec(resample=job_pb2.ResampleSettings())
