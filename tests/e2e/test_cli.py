"""skewctl as people and scripts use it."""

import json
import pathlib
import subprocess
import tempfile
import unittest

import grpc

import harness

SPEC = """
dataset: mnist
bias:
  fixed: {0: 500, 2: 500}
  varied: {class: 1, counts: [100]}
models:
  - resample
generation: {images: 400}
evaluation: {classifier: {epochs: 1}}
"""


class CliTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.require_data()
        cls.server = harness.Server()
        cls.folder = tempfile.TemporaryDirectory(prefix="skew-cli-")
        cls.spec = pathlib.Path(cls.folder.name) / "spec.yaml"
        cls.spec.write_text(SPEC)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        cls.folder.cleanup()

    def ctl(self, *arguments, code=0, server=None, text=None):
        done = subprocess.run([harness.BIN / "skewctl", "--server", server or self.server.address, *arguments],
                              capture_output=True, text=True, input=text, timeout=300, cwd=self.folder.name)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def job_ids(self):
        return [json.loads(line)["id"] for line in self.ctl("jobs", "--output", "json").stdout.splitlines()]

    def test_a_study_from_submission_to_results(self):
        done = self.ctl("submit", str(self.spec), "--watch")
        job = done.stdout.splitlines()[0]
        self.assertRegex(job, r"^j\d+$")
        self.assertIn("resample", done.stdout)
        rows = self.ctl("results", job, "--output", "csv").stdout.splitlines()
        self.assertEqual(len(rows), 1 + 3)
        self.assertIn("corrected %", self.ctl("results", job).stdout)
        self.assertIn("H1 slope", self.ctl("analyse", job).stdout)
        self.assertEqual(json.loads(self.ctl("analyse", job, "--output", "json").stdout)["jobIds"], [job])
        self.assertTrue(self.ctl("analyse", job, "--output", "csv").stdout.startswith("claim,part,arm,"))
        self.ctl("analyse", "j999", code=7)
        runs = [json.loads(line) for line in self.ctl("runs", job, "--output", "json").stdout.splitlines()]
        self.assertEqual([run["state"] for run in runs], ["SUCCEEDED"])
        self.ctl("fetch", f"{job}.1", "samples.png")
        self.assertTrue((pathlib.Path(self.folder.name) / "samples.png").read_bytes().startswith(b"\x89PNG"))
        self.assertIn("samples.png", self.ctl("artifacts", job).stdout)
        self.assertIn(f"works on {job}.1, attempt 1, 0:500 1:100 2:500, ", self.ctl("logs", f"{job}.1").stdout)
        events = [json.loads(line) for line in self.ctl("watch", job, "--output", "json").stdout.splitlines()]
        self.assertEqual([int(event["sequence"]) for event in events], list(range(1, len(events) + 1)))
        self.assertIn(job, self.ctl("jobs").stdout)
        self.assertIn("has succeeded and cannot be cancelled", self.ctl("cancel", job, code=2).stderr)
        self.ctl("jobs", "--state", "succeeded,failed")
        self.assertIn("the GAN is further", self.ctl("analyse", job).stdout)
        self.assertIn("measure_images=true", self.ctl("results", job, "--measures").stdout)
        into = pathlib.Path(self.folder.name) / "into"
        into.mkdir()
        self.ctl("fetch", f"{job}.1", "samples.png", "--out", "into")
        self.assertTrue((into / "samples.png").exists())
        training = json.loads(self.ctl("jobs", "--kind", "classifier_training", "-o", "json").stdout.splitlines()[0])["id"]
        self.assertIn("trains a judge", self.ctl("results", training).stdout)

    def test_rejected_specs(self):
        for change, words in {
            "iterations=0": ["iterations", "0"],
            "dataset=nothing": ["dataset", "nothing", "mnist"],
            "bias.fixed={0: 100000, 2: 5}": ["bias.fixed[0]", "100000", "5923"],
            "bias.varied.counts=[]": ["bias.varied.counts"],
            "training={epochs: 1, steps: 1}": ["epochs", "steps"],
            "modells=[]": ["modells", "models"],
            "iterations=many": ["iterations", "many"],
        }.items():
            done = self.ctl("submit", str(self.spec), "--set", change, code=2)
            for word in words:
                self.assertIn(word, done.stderr)
            self.assertEqual(done.stdout, "")
        broken = self.ctl("submit", "-", code=2, text="dataset: mnist\nbias: {fixed: [\n")
        self.assertRegex(broken.stderr, r":\d+:\d+")

    def test_dry_run_stores_nothing(self):
        before = self.job_ids()
        done = self.ctl("submit", str(self.spec), "--dry-run")
        self.assertIn("6000", done.stdout)
        self.assertEqual(self.job_ids(), before)

    def test_exit_codes(self):
        self.ctl("job", "j999", code=7)
        self.ctl("job", "999", code=2)
        self.ctl("nonsense", code=2)
        self.ctl("jobs", "--timeout", "1", code=3, server="127.0.0.1:1")

    def test_cancel_ends_a_watch_with_its_own_code(self):
        job = self.ctl("submit", str(self.spec), "--set", "models=[{vae: {}}]", "--set",
                       "training.steps=100000").stdout.strip()
        self.ctl("cancel", job)
        self.ctl("watch", job, code=4)

    def test_a_watch_of_all_jobs(self):
        job = self.ctl("submit", str(self.spec), "--set", "labels={group: all}").stdout.strip()
        with subprocess.Popen([harness.BIN / "skewctl", "--server", self.server.address, "watch", "--label", "group=all",
                               "--from-revision", "0", "--output", "json"], stdout=subprocess.PIPE, text=True) as watch:
            events = [json.loads(watch.stdout.readline()) for _ in range(2)]
            watch.kill()
        self.assertEqual([(event["jobId"], event["sequence"]) for event in events], [(job, "1"), (job, "2")])
        self.ctl("watch", job, "--label", "group=all", code=2)
        self.ctl("watch", "--from-revision", "1000000", code=2)

    def test_the_queue_is_shown_paused_and_drained(self):
        self.ctl("submit", str(self.spec), "--watch")  # the classifier is there
        self.ctl("drain")
        job = self.ctl("submit", str(self.spec), "--no-reuse", "--priority", "3").stdout.strip()
        self.assertIn("every device is drained", self.ctl("queue").stdout)
        self.assertIn("every device is drained", self.ctl("job", job).stdout)
        self.assertIn("priority 5", self.ctl("priority", job, "5").stdout)
        self.ctl("priority", job, "5000", code=2)
        self.assertIn("paused", self.ctl("pause", job).stdout)
        self.assertEqual(json.loads(self.ctl("runs", job, "--output", "json").stdout)["outlook"]["waitReason"], "paused")
        self.assertIn("paused", self.ctl("queue", "--output", "csv").stdout)
        after = self.ctl("submit", str(self.spec), "--no-reuse", "--after", job).stdout.strip()
        self.assertIn(f"waits for job {job}", self.ctl("job", after).stdout)
        self.ctl("resume", f"{job}.1")
        self.ctl("undrain")
        self.ctl("watch", after)
        self.ctl("retry", after, code=2)  # nothing to try again
        self.assertIn("2.5", self.ctl("share", "set", "ada", "--weight", "2.5").stdout)
        self.assertIn("ada", self.ctl("share", "list").stdout)
        self.ctl("drain", "cuda7", code=7)

    def test_info_devices_datasets_classifiers(self):
        self.assertIn("gRPC", self.ctl("info").stdout)
        self.assertIn("cpu0", self.ctl("devices").stdout)
        self.assertIn("mnist", self.ctl("datasets").stdout)
        self.ctl("classifiers")

    def test_health_and_reflection_answer(self):
        channel = grpc.insecure_channel(self.server.address)
        health = channel.unary_unary("/grpc.health.v1.Health/Check")
        self.assertEqual(health(b""), b"\x08\x01")  # status: SERVING
        reflection = channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        (answer,) = reflection(iter([b"\x3a\x01*"]))  # list_services: "*"
        for service in (b"skew.v1.JobService", b"skew.v1.RunService", b"skew.v1.ArtifactService"):
            self.assertIn(service, answer)
        channel.close()

    def test_the_python_example_runs(self):
        done = subprocess.run([harness.SOURCE / "deploy" / "examples" / "poll.py", self.server.address],
                              capture_output=True, text=True, timeout=600, env={"PATH": "/usr/bin:/bin"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("resample   class 1: trained 0.111", done.stdout)


if __name__ == "__main__":
    unittest.main()
