"""Nothing is trained twice; and what is trained again, on purpose, comes out the same."""

import json
import subprocess
import unittest

import grpc

import harness
from harness import job_pb2, job_service_pb2, reuse_service_pb2, run_service_pb2

# Of the first study, which the others share runs with.
ITERATIONS = 3


class ReuseTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.require_data()
        cls.server = harness.Server()
        cls.models = [harness.vae(), harness.dcgan(), harness.resample()]
        cls.first = cls.server.submit(cls.spec(ITERATIONS))
        assert cls.server.finish(cls.first).state == job_pb2.JOB_SUCCEEDED

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    @classmethod
    def spec(cls, iterations):
        return harness.spec(cls.models, counts=(100, 400), steps=20, images=200, iterations=iterations)

    def ctl(self, *arguments, code=0):
        done = subprocess.run([harness.BIN / "skewctl", "--server", self.server.address, *arguments],
                              capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def trained(self, job):
        return [run for run in self.server.all_runs(job) if run.attempts]

    def test_a_second_study_trains_exactly_what_it_does_not_share(self):
        job = self.server.submit(self.spec(ITERATIONS + 2), reuse=True)
        finished = self.server.finish(job)
        self.assertEqual(finished.state, job_pb2.JOB_SUCCEEDED)
        cells = {}
        for run in self.trained(job):
            self.assertGreaterEqual(run.iteration, ITERATIONS)
            cell = (run.model, run.bias_point.counts[1])
            cells[cell] = cells.get(cell, 0) + 1
        self.assertEqual(set(cells.values()), {2})
        self.assertEqual(len(cells), 6)
        self.assertEqual(finished.runs.reused, 6 * ITERATIONS)
        # And they are what a study without reuse comes out with.
        results = self.server.jobs.GetResults(job_service_pb2.GetResultsRequest(job_id=self.first))
        shared = {run.seed: run for run in self.server.all_runs(self.first)}
        for run in self.server.all_runs(job):
            if run.reused_from:
                self.assertEqual(dict(run.histogram.counts), dict(shared[run.seed].histogram.counts))
                self.assertEqual(run.reused_from, shared[run.seed].id)
        self.assertEqual(len(results.cells), 6)

    def test_extend_from_the_command_line(self):
        preview = self.ctl("extend", self.first, "--iterations", str(ITERATIONS + 1), "--dry-run").stdout
        self.assertTrue(preview.startswith(f"# {6 * (ITERATIONS + 1)} runs, "), preview)
        job = self.ctl("extend", self.first, "--iterations", str(ITERATIONS + 1)).stdout.strip()
        self.assertEqual(self.server.finish(job).state, job_pb2.JOB_SUCCEEDED)
        self.assertLessEqual({run.iteration for run in self.trained(job)}, {ITERATIONS})
        self.assertIn("reused)", self.ctl("job", job).stdout)
        rows = self.ctl("runs", job, "--output", "csv").stdout.splitlines()
        self.assertTrue(rows[0].endswith(",reused_from"))
        self.assertTrue(rows[1].endswith(f",{self.first}.1"))
        self.assertIn("reused from " + self.first, self.ctl("watch", job).stdout)
        self.assertNotEqual(self.ctl("artifacts", f"{job}.1").stdout, "")
        self.ctl("extend", self.first, "--iterations", str(ITERATIONS), code=2)

    def test_no_reuse_trains_and_comes_out_the_same(self):
        # Forced by the harness's default.
        job = self.server.submit(self.spec(1))
        finished = self.server.finish(job)
        self.assertEqual(finished.runs.reused, 0)
        self.assertEqual(len(self.trained(job)), 6)
        seeds = {run.seed: run.id for run in self.server.all_runs(self.first)}
        for run in self.server.all_runs(job):
            comparison = self.server.reuse.CompareRuns(
                reuse_service_pb2.CompareRunsRequest(run_id=seeds[run.seed], other_run_id=run.id))
            self.assertEqual(comparison.verdict, reuse_service_pb2.CompareRunsResponse.BIT_EQUAL, comparison)

    def test_reproduce_says_bit_equal(self):
        for run in self.server.all_runs(self.first)[:3]:
            done = self.ctl("reproduce", run.id)
            self.assertRegex(done.stdout, rf"^j\d+\.1 is bit-equal to {run.id}\n$")
        verdict = json.loads(self.ctl("reproduce", f"{self.first}.1", "--output", "json").stdout)
        self.assertEqual(verdict["verdict"], "BIT_EQUAL")
        self.ctl("reproduce", "j1.1", code=2)
        self.ctl("reproduce", "j999.1", code=7)

    def test_other_settings_have_drifted(self):
        other = self.spec(1)
        other.training.steps = 200
        job = self.server.submit(other)
        self.server.finish(job)
        comparison = self.server.reuse.CompareRuns(
            reuse_service_pb2.CompareRunsRequest(run_id=f"{self.first}.1", other_run_id=f"{job}.1"))
        self.assertEqual(comparison.verdict, reuse_service_pb2.CompareRunsResponse.DRIFTED, comparison)
        self.assertLess(comparison.chi_square_p, 0.01)

    def test_an_answer_has_no_log_of_its_own(self):
        job = self.server.submit(self.spec(1), reuse=True)
        with self.assertRaises(grpc.RpcError) as caught:
            list(self.server.runs.ReadLog(run_service_pb2.ReadLogRequest(run_id=f"{job}.1")))
        self.assertIn("see the log of", caught.exception.details())


if __name__ == "__main__":
    unittest.main()
