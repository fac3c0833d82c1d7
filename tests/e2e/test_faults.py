"""Processes that are stopped, descriptors that run out: with the real programs."""

import os
import pathlib
import signal
import socket
import time
import unittest

import grpc

import harness
from harness import job_pb2, job_service_pb2, run_pb2

PATIENCE = 120  # seconds


def cpu_seconds(pid):
    """What a process has computed so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class FaultsTest(unittest.TestCase):
    """One server, whose judge is trained once; each test starts it in its own way."""

    @classmethod
    def setUpClass(cls):
        harness.require_data()
        cls.server = harness.Server("--checkpoint-every", "1", "--devices", "cpu:1x1", base="/var/tmp")
        cls.study = harness.spec([harness.vae()], steps=400)
        undisturbed = cls.server.submit(cls.study)
        assert cls.server.finish(undisturbed).state == job_pb2.JOB_SUCCEEDED
        cls.expected = harness.measured(cls.server, undisturbed)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def restart(self, *flags, launcher=()):
        self.server.stop()
        self.server.launcher = list(launcher)
        self.server.start(*flags)

    def await_progress(self, job, step):
        for event in self.server.watch(job):
            if event.progress.progress.step >= step:
                return
        self.fail("the job ended first")

    def await_that(self, condition, what):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.05)

    def check(self, job):
        finished = self.server.finish(job)
        self.assertEqual(finished.state, job_pb2.JOB_SUCCEEDED, finished.message)
        self.assertEqual(harness.measured(self.server, job), self.expected)
        events = list(self.server.watch(job))
        self.assertEqual([event.sequence for event in events], list(range(1, len(events) + 1)))
        [run] = self.server.all_runs(job)
        return run.attempts

    def test_a_stopped_worker_is_replaced_and_nothing_comes_out_differently(self):
        self.restart("--worker-silence", "4")
        job = self.server.submit(self.study)
        self.await_progress(job, 150)
        work = self.server.folder / "state" / "work"
        self.await_that(lambda: any(work.rglob("checkpoint-*.ckpt")), "no checkpoint")
        [worker] = self.server.workers()
        os.kill(worker, signal.SIGSTOP)
        attempts = self.check(job)
        self.assertNotIn(worker, self.server.workers())
        self.assertEqual(attempts[0].reason, run_pb2.WORKER_LOST)
        self.assertIn("fell silent", attempts[0].message)
        self.assertGreater(attempts[1].resumed_step, 0)

    def test_workers_train_on_while_the_daemon_is_stopped_and_watchers_resume(self):
        self.restart("--worker-silence", "4")
        job = self.server.submit(self.study)
        self.await_progress(job, 50)
        watcher = self.server.watch(job)
        seen = [next(watcher)]
        [worker] = self.server.workers()
        before = cpu_seconds(worker)
        self.server.process.send_signal(signal.SIGSTOP)
        try:
            self.await_that(lambda: cpu_seconds(worker) > before + 0.2, "the worker does not train on")
            time.sleep(5)  # longer than any silence of a worker is borne
        finally:
            self.server.process.send_signal(signal.SIGCONT)
        seen += watcher
        self.assertEqual([event.sequence for event in seen], list(range(1, len(seen) + 1)))
        self.assertEqual(len(self.check(job)), 1)

    def test_the_daemon_runs_out_of_descriptors_and_recovers(self):
        self.restart(launcher=["sh", "-c", "ulimit -n 128; exec \"$@\"", "sh"])
        running = self.server.submit(self.study)
        self.await_progress(running, 50)
        request = job_service_pb2.SubmitJobRequest(spec=self.study, request_id="once", no_reuse=True)
        host, port = self.server.address.rsplit(":", 1)
        strangers = []
        waiting = None
        try:
            strangers = [socket.create_connection((host, int(port)), timeout=10) for _ in range(300)]
            with grpc.insecure_channel(self.server.address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
                with self.assertRaises(grpc.RpcError) as refused:
                    harness.job_service_pb2_grpc.JobServiceStub(channel).ListJobs(
                        job_service_pb2.ListJobsRequest(), timeout=2)
                self.assertIn(refused.exception.code(),
                              (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED))
            # Who is connected is answered, or told to come again.
            try:
                waiting = self.server.jobs.SubmitJob(request, timeout=30).job.id
            except grpc.RpcError as error:
                self.assertIn(error.code(), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED))
            # The run under way ends; the next one may have to wait.
            self.assertEqual(len(self.check(running)), 1)
        finally:
            for stranger in strangers:
                stranger.close()
        if waiting is None:
            waiting = self.server.jobs.SubmitJob(request, timeout=60, wait_for_ready=True).job.id
        attempts = self.check(waiting)
        self.assertNotIn(run_pb2.WORKER_LOST, [attempt.reason for attempt in attempts], attempts)
        self.assertIsNone(self.server.process.poll())


if __name__ == "__main__":
    unittest.main()
