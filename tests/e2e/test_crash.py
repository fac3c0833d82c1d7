"""kill -9 of workers and of the daemon in mid-training: nothing is lost and nothing comes out differently."""

import os
import signal
import time
import unittest

import harness
from harness import job_pb2, job_service_pb2, run_pb2


class CrashTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.require_data()
        cls.server = harness.Server("--checkpoint-every", "1")
        cls.spec = harness.spec([harness.vae(), harness.dcgan()], steps=500)
        undisturbed = cls.server.submit(cls.spec)
        assert cls.server.finish(undisturbed).state == job_pb2.JOB_SUCCEEDED
        cls.expected = harness.measured(cls.server, undisturbed)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def check(self, job):
        finished = self.server.finish(job)
        self.assertEqual(finished.state, job_pb2.JOB_SUCCEEDED, finished.message)
        self.assertEqual(harness.measured(self.server, job), self.expected)
        events = list(self.server.watch(job))
        self.assertEqual([event.sequence for event in events], list(range(1, len(events) + 1)))
        self.assertEqual(len({event.revision for event in events}), len(events))
        ends = [event.run_state.run_id for event in events
                if event.run_state.state in (run_pb2.SUCCEEDED, run_pb2.FAILED, run_pb2.CANCELLED)]
        self.assertEqual(len(ends), len(set(ends)))

    def await_progress(self, job, step):
        """Until a run of the job has trained so far."""
        for event in self.server.watch(job):
            if event.progress.progress.step >= step:
                return
        self.fail("the job ended first")

    def test_killed_workers(self):
        job = self.server.submit(self.spec)
        self.await_progress(job, 200)
        for pid in self.server.workers():
            os.kill(pid, signal.SIGKILL)
        self.check(job)
        attempts = [len(run.attempts) for run in self.server.all_runs(job)]
        self.assertGreater(max(attempts), 1)

    def check_not_interrupted(self, job):
        self.check(job)
        for run in self.server.all_runs(job):
            self.assertEqual(len(run.attempts), 1, run.attempts)

    def test_killed_daemon_costs_no_training(self):
        job = self.server.submit(self.spec)
        self.await_progress(job, 200)
        before = list(self.take(job, 5))
        workers = self.server.workers()
        self.assertTrue(workers)
        self.server.kill()
        self.assertEqual(self.server.workers(), workers)
        self.server.start()
        self.check_not_interrupted(job)
        self.assertEqual(before, list(self.take(job, 5)))

    def test_daemon_killed_again_and_again(self):
        job = self.server.submit(self.spec)
        for step in (50, 150, 250, 350):
            self.await_progress(job, step)
            self.server.kill()
            self.server.start()
        self.check_not_interrupted(job)

    def test_upgrade_under_a_running_queue(self):
        self.server.restart("--on-stop", "detach")
        job = self.server.submit(self.spec)
        self.await_progress(job, 50)  # early: nothing may be done before the daemon has stopped
        workers = self.server.workers()
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(self.server.workers(), workers)
        self.server.start()
        self.check_not_interrupted(job)

    def test_daemon_that_stays_away(self):
        self.server.restart("--worker-patience", "1")
        job = self.server.submit(self.spec)
        self.await_progress(job, 200)
        self.server.kill()
        deadline = time.monotonic() + 60
        while self.server.workers():
            self.assertLess(time.monotonic(), deadline, "workers did not stop without a daemon")
            time.sleep(0.1)
        self.server.start()
        self.check(job)
        attempts = [attempt for run in self.server.all_runs(job) for attempt in run.attempts]
        self.assertIn(run_pb2.PREEMPTED, {attempt.reason for attempt in attempts})
        self.assertTrue(any(attempt.resumed_step > 0 for attempt in attempts))

    def kill_everything(self):
        workers = self.server.workers()
        self.server.kill()
        for pid in workers:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.server.start()

    def test_everything_killed_at_once(self):
        job = self.server.submit(self.spec)
        self.await_progress(job, 200)
        self.kill_everything()
        self.check(job)
        self.assertIn(run_pb2.WORKER_LOST,
                      {attempt.reason for run in self.server.all_runs(job) for attempt in run.attempts})

    def test_what_dies_with_the_server_again_and_again_fails(self):
        """A run that takes the machine's memory, say, would otherwise come back with every start of the server."""
        endless = harness.spec([harness.vae()], steps=1_000_000)
        endless.max_attempts = 2
        job = self.server.submit(endless)
        for attempt in (1, 2):
            next(event for event in self.server.watch(job)
                 if event.run_state.state == run_pb2.RUNNING and event.run_state.attempt == attempt)
            self.kill_everything()
        self.assertEqual(self.server.finish(job).state, job_pb2.JOB_FAILED)
        run = self.server.all_runs(job)[0]
        self.assertEqual(run.reason, run_pb2.WORKER_LOST)
        self.assertIn("attempt 2 of 2", run.message)
        self.assertEqual([one.reason for one in run.attempts], [run_pb2.WORKER_LOST] * 2)

    def check_resumed(self, job):
        """What was stopped went on from where it was."""
        self.check(job)
        steps = [attempt.resumed_step for run in self.server.all_runs(job) for attempt in run.attempts]
        self.assertGreaterEqual(max(steps), 200)

    def checkpoint_only_when_stopped(self):
        def restart_with(flags):
            self.server.flags = flags
            self.server.restart()

        self.addCleanup(restart_with, self.server.flags)
        restart_with(("--checkpoint-every", "3600"))

    def test_clean_shutdown_checkpoints_and_goes_on(self):
        self.checkpoint_only_when_stopped()
        job = self.server.submit(self.spec)
        self.await_progress(job, 200)
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(self.server.workers(), [])
        self.server.start()
        self.check_resumed(job)

    def test_a_pause_checkpoints_and_goes_on(self):
        self.checkpoint_only_when_stopped()
        job = self.server.submit(self.spec)
        self.await_progress(job, 200)
        self.server.jobs.PauseJob(job_service_pb2.PauseJobRequest(job_id=job))
        for event in self.server.watch(job):
            if event.run_state.state == run_pb2.QUEUED and event.run_state.attempt > 0:
                break
        self.server.jobs.ResumeJob(job_service_pb2.ResumeJobRequest(job_id=job))
        self.check_resumed(job)

    def take(self, job, count):
        stream = self.server.watch(job)
        for _ in range(count):
            yield next(stream)
        stream.close()


if __name__ == "__main__":
    unittest.main()
