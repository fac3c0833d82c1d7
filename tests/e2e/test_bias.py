"""The ways to bias a training set and its order, through the real programs."""

import collections
import unittest

import harness
from harness import analysis_service_pb2, job_pb2


class BiasTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.require_data()
        cls.server = harness.Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def runs_of(self, spec):
        job = self.server.submit(spec)
        finished = self.server.finish(job)
        self.assertEqual(finished.state, job_pb2.JOB_SUCCEEDED, finished.message)
        return job, self.server.all_runs(job)

    def drawn_counts(self, run):
        lines = self.server.read_artifact(run.id, "manifest.csv").decode().splitlines()[1:]
        return dict(collections.Counter(int(line.split(",")[1]) for line in lines))

    def test_profile(self):
        spec = harness.spec([harness.vae_mlp()], steps=5, images=50)
        spec.bias.Clear()
        spec.bias.profile.classes.extend([4, 9, 7])
        spec.bias.profile.images = 400
        spec.bias.profile.exponential.ratios.extend([1, 4])
        _, runs = self.runs_of(spec)
        self.assertEqual([self.drawn_counts(run) for run in runs],
                         [{4: 400, 9: 400, 7: 400}, {4: 400, 9: 200, 7: 100}])

    def test_total_and_one_draw_for_all_iterations(self):
        spec = harness.spec([harness.vae_mlp()], counts=(100, 1000), steps=5, images=50, iterations=2)
        spec.bias.total = 2000
        spec.bias.draw = job_pb2.PER_JOB
        _, runs = self.runs_of(spec)
        self.assertEqual([self.drawn_counts(run)[1] for run in runs[:2]], [100, 1000])
        for run in runs:
            self.assertEqual(sum(self.drawn_counts(run).values()), 2000)
        self.assertEqual(len({run.manifest_digest for run in runs}), 2)  # one a bias point

    def test_order_of_the_images(self):
        jobs, trained = [], {}
        for order in (None, job_pb2.STRATIFIED, job_pb2.MAJORITY_FIRST, job_pb2.MINORITY_FIRST):
            spec = harness.spec([harness.vae_mlp()], counts=(100,), steps=60, images=200, iterations=2)
            spec.evaluation.reject_below = 0  # these images are no digits yet
            spec.training.composition = job_pb2.QUOTA
            if order:
                spec.training.first_batches.order = order
                spec.training.first_batches.batches = 10
            job, runs = self.runs_of(spec)
            jobs.append(job)
            trained[order] = self.server.read_artifact(runs[0].id, "losses.csv")
        self.assertEqual(len(set(trained.values())), 4)
        response = self.server.analysis.AnalyseJobs(analysis_service_pb2.AnalyseJobsRequest(job_ids=jobs))
        self.assertEqual([finding.units for finding in response.findings if finding.claim == "H6"], [2, 2, 2])


if __name__ == "__main__":
    unittest.main()
