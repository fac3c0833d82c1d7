"""SIGKILL of anything, at random, hundreds of times, while three users' jobs go through the queue.

SKEW_KILLS is how many (default 200), SKEW_KILL_SEED the seed of the schedule (default: a new one; it is printed)."""

import collections
import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

import grpc
from google.protobuf import json_format

import harness
from harness import job_pb2, job_service_pb2, run_pb2, run_service_pb2, server_service_pb2
from skew.v1 import access_service_pb2, access_service_pb2_grpc, event_pb2

KILLS = int(os.environ.get("SKEW_KILLS", "200"))
SEED = int(os.environ.get("SKEW_KILL_SEED", random.SystemRandom().randrange(1 << 32)))
USERS = ("ada", "bob", "cyd")
MEAN_PAUSE = 1.2  # seconds between two kills
WATCHERS_A_JOB = 2
TARGETS = ("daemon", "worker", "worker", "worker", "client")
# Long enough to be resumed where there are kills enough to see it.
STEPS = 150 if KILLS >= 100 else 40
FINAL = (run_pb2.SUCCEEDED, run_pb2.FAILED, run_pb2.CANCELLED)


def spec_of(user):
    """Short runs, other ones for every user."""
    spec = harness.spec([harness.vae(), harness.dcgan()], counts=(100, 500), steps=STEPS, images=200, iterations=2,
                        seed=USERS.index(user))
    spec.name = user
    spec.max_attempts = 20  # a run may be the victim again and again
    return spec


def digests(server, job):
    """Of what each run has made, by its cell and iteration: weights and losses to the last bit, and every histogram."""
    made = {}
    histograms = server.runs.ListHistograms(run_service_pb2.ListHistogramsRequest(job_id=job)).histograms
    for run in server.all_runs(job):
        artifacts = server.artifacts.ListArtifacts(run_service_pb2.ListArtifactsRequest(run_id=run.id)).artifacts
        made[(run.model, tuple(sorted(run.bias_point.counts.items())), run.iteration)] = {
            artifact.name: artifact.digest for artifact in artifacts}
        made[(run.model, tuple(sorted(run.bias_point.counts.items())), run.iteration)]["histograms"] = [
            (one.step, one.final, sorted(one.counts.items()), one.rejected) for one in histograms if one.run_id == run.id]
    return made


class Submitter:
    """A user who submits with a request id until the server has acknowledged, whatever happens to it meanwhile."""

    def __init__(self, server, user):
        self.server, self.user, self.jobs, self.retries = server, user, [], 0
        access = access_service_pb2_grpc.AccessServiceStub(server.channel)
        access.CreateUser(access_service_pb2.CreateUserRequest(name=user, role=access_service_pb2.MEMBER))
        request = access_service_pb2.CreateTokenRequest(user=user)
        request.lifetime.FromSeconds(3600)
        self.credential = (("authorization", f"Bearer {access.CreateToken(request).secret}"),)

    def submit(self):
        job = self.call("SubmitJob", job_service_pb2.SubmitJobRequest(
            spec=spec_of(self.user), request_id=f"{self.user}-{len(self.jobs)}", no_reuse=True)).job.id
        self.jobs.append(job)
        return job

    def call(self, method, request):
        """The answer of the server that is there, or of the one after it."""
        while True:
            try:
                return getattr(self.server.jobs, method)(request, metadata=self.credential, timeout=10)
            except (grpc.RpcError, ValueError) as error:
                if isinstance(error, grpc.RpcError) and error.code() not in (
                        grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED):
                    raise
                self.retries += 1
                time.sleep(0.1)


class Fickle(threading.Thread):
    """A user who submits without a pause, so that servers die with her calls under way, and cancels what she has."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.submitter = Submitter(server, "dee")
        self.stopping = threading.Event()
        self.problem = None
        self.start()

    def run(self):
        try:
            while not self.stopping.wait(0.05):
                self.change_her_mind()
        except Exception as error:  # pylint: disable=broad-except  # shown by the test's own thread
            self.problem = error

    def change_her_mind(self):
        request = job_service_pb2.SubmitJobRequest(
            spec=harness.spec([harness.resample()]), request_id=f"dee-{len(self.submitter.jobs)}", paused=True)
        job = self.submitter.call("SubmitJob", request).job.id
        assert self.submitter.call("SubmitJob", request).job.id == job, "a request id has two jobs"
        self.submitter.jobs.append(job)
        try:
            self.submitter.call("CancelJob", job_service_pb2.CancelJobRequest(job_id=job))
        except grpc.RpcError as error:  # the server died when it had done so
            if error.code() != grpc.StatusCode.FAILED_PRECONDITION:
                raise


class Watcher(threading.Thread):
    """`skewctl watch` as a script uses it: started again after the newest complete line, until the job has ended."""

    def __init__(self, address, job):
        super().__init__(daemon=True)
        self.address, self.job = address, job
        self.process, self.lines, self.starts, self.exit_code = None, [], 0, None
        self.start()

    def run(self):
        revision = 0
        while True:
            command = [harness.BIN / "skewctl", "--server", self.address, "--output", "json", "watch", self.job,
                       "--from-revision", str(revision)]
            self.starts += 1
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as self.process:
                for line in self.process.stdout:
                    if not line.endswith(b"\n"):
                        break  # torn by a kill: it comes again
                    event = json_format.Parse(line, event_pb2.Event())
                    revision = event.revision
                    self.lines.append(event)
            self.exit_code = self.process.returncode
            if self.exit_code in (0, 1, 4):
                return
            time.sleep(0.2)

    def kill(self):
        process = self.process
        if process is not None and process.poll() is None:
            process.kill()


class KillTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.require_data()
        print(f"SKEW_KILLS={KILLS} SKEW_KILL_SEED={SEED}", flush=True)
        cls.folder = tempfile.TemporaryDirectory(prefix="skew-kill-", dir="/tmp")
        cls.socket = f"unix:{cls.folder.name}/skewd.sock"  # the port is another one after every start
        cls.server = harness.Server("--devices", "cpu:2x1", "--checkpoint-every", "1", "--listen", cls.socket)
        cls.expected = {}
        for user in USERS:
            job = cls.server.submit(spec_of(user))
            assert cls.server.finish(job).state == job_pb2.JOB_SUCCEEDED
            cls.expected[user] = (harness.measured(cls.server, job), digests(cls.server, job))

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        cls.folder.cleanup()

    def test_nothing_is_lost(self):
        self.users = [Submitter(self.server, user) for user in USERS]
        self.watchers = []
        self.killed = collections.Counter()
        self.fickle = Fickle(self.server)
        self.kill_at_random(random.Random(SEED))
        self.fickle.stopping.set()
        self.fickle.join(timeout=60)
        print("killed:", dict(self.killed), "jobs:", sum(len(user.jobs) for user in self.users), "and cancelled ones:",
              len(self.fickle.submitter.jobs), "calls made again:", self.fickle.submitter.retries, flush=True)
        for user in self.users:
            self.check_jobs(user)
        self.check_cancelled()
        self.check_resumed()
        self.check_watchers()
        self.check_devices()
        self.assertEqual(self.server.workers(), [])
        self.assertEqual(self.server.stop(), 0)
        self.check_store()
        self.server.start()

    def kill_at_random(self, schedule):
        while sum(self.killed.values()) < KILLS:
            self.keep_the_queue_busy()
            time.sleep(schedule.expovariate(1 / MEAN_PAUSE))
            target = schedule.choice(TARGETS)
            if getattr(self, f"kill_{target}")(schedule):
                self.killed[target] += 1

    def keep_the_queue_busy(self):
        for user in self.users:
            if not user.jobs or self.server.jobs.GetJob(
                    job_service_pb2.GetJobRequest(job_id=user.jobs[-1]), wait_for_ready=True).runs.queued == 0:
                job = user.submit()
                self.watchers += [Watcher(self.socket, job) for _ in range(WATCHERS_A_JOB)]

    def kill_daemon(self, _):
        self.server.kill()
        self.server.start()
        return True

    def kill_worker(self, schedule):
        workers = self.server.workers()
        if not workers:
            return False
        try:
            os.kill(schedule.choice(sorted(workers)), signal.SIGKILL)
        except ProcessLookupError:  # it has just ended by itself
            return False
        return True

    def kill_client(self, schedule):
        alive = [watcher for watcher in self.watchers if watcher.is_alive()]
        if not alive:
            return False
        schedule.choice(alive).kill()
        return True

    def check_jobs(self, user):
        for job in user.jobs:
            finished = self.server.finish(job)
            self.assertEqual(finished.state, job_pb2.JOB_SUCCEEDED, f"{job}: {finished.message}")
            self.assertEqual(finished.owner, user.user)
            self.assertEqual((harness.measured(self.server, job), digests(self.server, job)), self.expected[user.user],
                             job)
        self.check_list(user)

    def check_list(self, user):
        """The user's jobs are those that were acknowledged."""
        listed, token = [], ""
        while True:
            page = self.server.jobs.ListJobs(job_service_pb2.ListJobsRequest(
                filter=job_service_pb2.JobFilter(owner=user.user), page_token=token))
            listed += page.jobs
            token = page.next_page_token
            if not token:
                break
        self.assertEqual(sorted(job.id for job in listed), sorted(user.jobs), "an unacknowledged job, or a lost one")
        return listed

    def check_cancelled(self):
        self.assertIsNone(self.fickle.problem)
        self.assertFalse(self.fickle.is_alive())
        self.assertEqual({job.state for job in self.check_list(self.fickle.submitter)}, {job_pb2.JOB_CANCELLED})
        for job in self.fickle.submitter.jobs[::10]:
            ends = [event for event in self.server.watch(job) if event.run_state.state in FINAL]
            self.assertEqual([event.run_state.state for event in ends], [run_pb2.CANCELLED], job)

    def check_resumed(self):
        attempts = [attempt for user in self.users for job in user.jobs for run in self.server.all_runs(job)
                    for attempt in run.attempts]
        resumed = sum(attempt.resumed_step > 0 for attempt in attempts)
        print("attempts:", len(attempts), "resumed from a checkpoint:", resumed, flush=True)
        if KILLS >= 100:
            self.assertGreater(resumed, 0)

    def check_watchers(self):
        for watcher in self.watchers:
            watcher.join(timeout=60)
            self.assertFalse(watcher.is_alive(), f"skewctl watch {watcher.job} does not end")
            self.assertEqual(watcher.exit_code, 0)
            sequence = [event.sequence for event in watcher.lines]
            self.assertEqual(sequence, list(range(1, len(sequence) + 1)), watcher.job)
            self.assertEqual([event.sequence for event in self.server.watch(watcher.job)], sequence)
            ends = [event.run_state.run_id for event in watcher.lines if event.run_state.state in FINAL]
            self.assertEqual(len(ends), len(set(ends)), "a run ended twice")

    def check_devices(self):
        deadline = time.monotonic() + 10
        while True:
            devices = self.server.server.ListDevices(server_service_pb2.ListDevicesRequest()).devices
            if not any(device.run_id for device in devices):
                return
            self.assertLess(time.monotonic(), deadline, f"a lease is left: {devices}")
            time.sleep(0.1)

    def check_store(self):
        state = self.server.folder / "state"
        with sqlite3.connect(state / "skew.db") as store:
            self.assertEqual(store.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            self.assertEqual(store.execute("PRAGMA foreign_key_check").fetchall(), [])
            named = {row[0] for row in store.execute("SELECT digest FROM artifacts")}
            self.assertEqual(store.execute("SELECT COUNT(*) FROM attempts WHERE end_time IS NULL").fetchone(), (0,))
        stored = [path for path in (state / "artifacts").rglob("*") if path.is_file()]
        self.assertEqual({path.name for path in stored}, named)
        for path in stored:
            self.assertEqual(hashlib.sha256(path.read_bytes()).hexdigest(), path.name)
        for folder in ("work", "backups", "quarantine"):
            self.assertEqual(list((state / folder).iterdir()), [], folder)
        strays = {path.name for path in state.iterdir()} - {
            "artifacts", "backups", "datasets", "lock", "logs", "quarantine", "skew.db", "skew.db-shm", "skew.db-wal", "work",
            "worker.sock"}
        self.assertEqual(strays, set())


if __name__ == "__main__":
    unittest.main()
