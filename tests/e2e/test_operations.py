"""Backup and restore, damage, and what grows old: what an operator meets, with the real programs."""

import json
import pathlib
import subprocess
import unittest

import harness
from harness import job_pb2, job_service_pb2


class OperationsCase(unittest.TestCase):
    def setUp(self):
        harness.require_data()
        self.server = self.start()
        self.addCleanup(self.server.close)
        self.state = self.server.folder / "state"

    def start(self):
        return harness.Server()

    def ctl(self, *arguments, code=0):
        done = subprocess.run([harness.BIN / "skewctl", "--server", self.server.address, *arguments],
                              capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def await_progress(self, job, step):
        """Until a run of the job has trained so far."""
        for event in self.server.watch(job):
            if event.progress.progress.step >= step:
                return
        self.fail("the job ended first")

    def get(self, job):
        return self.server.jobs.GetJob(job_service_pb2.GetJobRequest(job_id=job))


class BackupTest(OperationsCase):
    def test_a_backup_of_a_server_that_trains_is_restored(self):
        job = self.server.submit(harness.spec([harness.vae(), harness.dcgan()], steps=400))
        self.await_progress(job, 100)
        backup = json.loads(self.ctl("admin", "backup", "busy", "--output", "json").stdout)
        self.assertIn("--restore", self.ctl("admin", "backup").stdout)
        self.ctl("admin", "backup", "busy", code=2)  # there is one
        self.assertEqual(self.server.finish(job).state, job_pb2.JOB_SUCCEEDED)
        expected = harness.measured(self.server, job)
        refused = self.server.restore(backup["path"])
        self.assertEqual(refused.returncode, 1)
        self.assertIn("another skewd is running", refused.stderr)
        self.server.stop()
        refused = self.server.restore(backup["path"])
        self.assertEqual(refused.returncode, 1)
        self.assertIn("move this one away first", refused.stderr)
        lost = self.server.folder / "lost"
        self.state.rename(lost)
        restored = self.server.restore(lost / "backups" / "busy")
        self.assertEqual(restored.returncode, 0, restored.stderr)
        self.assertIn(f"up to revision {backup['manifest']['revision']}", restored.stderr)
        self.server.start()
        self.assertEqual(self.server.finish(job).state, job_pb2.JOB_SUCCEEDED)
        self.assertEqual(harness.measured(self.server, job), expected)
        self.assertIn("Restore", self.ctl("audit").stdout)
        self.ctl("admin", "check")

    def test_a_damaged_database_is_refused_and_replaced(self):
        job = self.server.submit(harness.spec([harness.resample()]))
        self.assertEqual(self.server.finish(job).state, job_pb2.JOB_SUCCEEDED)
        self.ctl("admin", "backup", "good")
        self.server.stop()
        with open(self.state / "skew.db", "r+b") as database:
            for page in range(2, 20):
                database.seek(page * 4096)
                database.write(b"\x5a" * 2048)
        with self.assertRaisesRegex(RuntimeError, "skew.db is damaged.*--restore BACKUP"):
            self.server.start()
        lost = self.server.folder / "lost"
        self.state.rename(lost)
        artifacts = sorted((lost / "backups" / "good" / "artifacts").glob("*/*"))
        artifacts[0].unlink()
        restored = self.server.restore(lost / "backups" / "good")
        self.assertEqual(restored.returncode, 0, restored.stderr)
        self.assertIn(f", {len(artifacts) - 1} of {len(artifacts)} artifacts\n", restored.stderr)
        self.assertIn("skewctl admin quarantine", restored.stderr)
        self.server.start()
        self.assertEqual(self.get(job).state, job_pb2.JOB_SUCCEEDED)
        self.ctl("admin", "check", code=1)
        self.assertIn(artifacts[0].name, self.ctl("admin", "quarantine").stdout)


class QuarantineTest(OperationsCase):
    def test_a_damaged_artifact_is_put_aside_and_comes_back(self):
        study = harness.spec([harness.vae()], steps=40)
        job = self.server.submit(study)
        self.assertEqual(self.server.finish(job).state, job_pb2.JOB_SUCCEEDED)
        samples = self.server.read_artifact(f"{job}.1", "samples.png")
        artifacts = [json.loads(line) for line in self.ctl("artifacts", job, "--output", "json").stdout.splitlines()]
        digest = next(one["digest"] for one in artifacts if one["name"] == "samples.png")
        file = self.state / "artifacts" / digest[:2] / digest
        file.write_bytes(samples[:-1] + b"!")
        out = str(self.server.folder / "samples.png")
        refused = self.ctl("fetch", f"{job}.1", "samples.png", "--out", out, code=1)
        self.assertIn("in quarantine", refused.stderr)
        self.assertFalse(pathlib.Path(out).exists())
        self.assertIn("in quarantine", self.ctl("artifacts", job).stdout)
        self.assertIn(f"{job}.1/samples.png", self.ctl("admin", "quarantine").stdout)
        self.assertEqual((self.state / "quarantine" / digest).read_bytes(), samples[:-1] + b"!")
        self.ctl("admin", "check", code=1)
        # The same run again makes the same samples, also those of the first one.
        again = self.server.submit(study, reuse=True)
        finished = self.server.finish(again)
        self.assertEqual((finished.state, finished.runs.reused), (job_pb2.JOB_SUCCEEDED, 0))
        self.ctl("admin", "check")
        self.assertEqual(self.server.read_artifact(f"{job}.1", "samples.png"), samples)


class RetentionTest(OperationsCase):
    def names(self, job):
        return {json.loads(line)["name"] for line in self.ctl("artifacts", job, "--output", "json").stdout.splitlines()}

    def test_what_is_deleted_or_too_old_goes(self):
        job = self.server.submit(harness.spec([harness.vae()], steps=40))
        self.assertEqual(self.server.finish(job).state, job_pb2.JOB_SUCCEEDED)
        expected = harness.measured(self.server, job)
        self.assertIn(f"skewctl undelete {job}", self.ctl("delete", job).stdout)
        self.ctl("delete", job, code=2)
        self.assertNotIn(f"{job} ", self.ctl("jobs").stdout)
        self.assertIn(f"{job} ", self.ctl("jobs", "--deleted").stdout)
        self.assertIn("kept until", self.ctl("job", job).stdout)
        self.ctl("undelete", job)
        self.assertIn(f"{job} ", self.ctl("jobs").stdout)
        self.assertIn("nothing to remove", self.ctl("gc", "--dry-run").stdout)
        self.assertIn("samples.png", self.names(job))
        config = self.server.folder / "skewd.yaml"
        config.write_text("keep: [samples=0s, events=0s]\n")
        self.server.restart("--config", str(config))
        self.ctl("gc")
        self.assertEqual(self.names(job), {"checkpoint.pt", "losses.csv", "manifest.csv"})
        self.assertEqual(harness.measured(self.server, job), expected)
        watched = self.ctl("watch", job)
        self.assertIn("not kept any more", watched.stderr)
        self.assertEqual(len(watched.stdout.splitlines()), 1)
        self.assertIn("watch from revision", self.ctl("watch", job, "--from-revision", "0", code=2).stderr)
        self.ctl("wait", job)
        self.assertIn("forming-vae", self.ctl("plot", job).stdout)
        self.ctl("delete", job, "--purge")
        self.ctl("job", job, code=7)
        self.assertIn("for good", self.ctl("audit").stdout)
        left = [file.name for file in (self.state / "artifacts").glob("*/*")]
        self.assertEqual(len(left), 1, left)  # the judge's weights
        self.ctl("admin", "check")
        refused = subprocess.run([harness.BIN / "skewd", "--state-dir", self.state, "--keep", "samples=soon"],
                                 capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("an age like 30d", refused.stderr)


if __name__ == "__main__":
    unittest.main()
