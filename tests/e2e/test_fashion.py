"""The second dataset, through the real programs: its files, a judge of it, and a study that the judge measures."""

import unittest

import harness
from harness import analysis_service_pb2, job_pb2, server_service_pb2


class FashionTest(unittest.TestCase):
    def setUp(self):
        harness.require_data("fashion-mnist")
        self.server = harness.Server(judged=False)
        self.addCleanup(self.server.close)

    def test_a_study_of_fashion(self):
        spec = harness.spec([harness.vae(), harness.resample()], counts=(500, 2000), steps=40, images=1000, iterations=2)
        spec.dataset = "fashion-mnist"
        job = self.server.submit(spec)
        finished = self.server.finish(job)
        self.assertEqual(finished.state, job_pb2.JOB_SUCCEEDED, finished.message)
        [judge] = self.server.server.ListClassifiers(server_service_pb2.ListClassifiersRequest()).classifiers
        self.assertGreater(judge.test_accuracy, 0.8)  # 91% after all four of its epochs, where digits have 99%
        self.assertLess(judge.test_accuracy, 0.95)
        runs = self.server.all_runs(job)
        for run in runs:
            if run.model != "resample":
                continue
            # Trousers are mistaken for little else: what was drawn is what is counted.
            accepted = sum(run.histogram.counts.values())
            trained = run.bias_point.counts[1] / sum(run.bias_point.counts.values())
            self.assertAlmostEqual(run.histogram.counts[1] / accepted, trained, delta=0.06)
        response = self.server.analysis.AnalyseJobs(analysis_service_pb2.AnalyseJobsRequest(job_ids=[job]))
        # What a model makes after so few updates may be nothing that the judge knows.
        self.assertEqual(response.runs, sum(1 for run in runs if sum(run.histogram.counts.values()) > 0))
        self.assertGreaterEqual(response.runs, 4)


if __name__ == "__main__":
    unittest.main()
