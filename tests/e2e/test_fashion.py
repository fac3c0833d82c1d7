"""The second dataset, through the real programs: its files, a judge of it, and a study that the judge measures."""

import unittest

import harness
from harness import analysis_service_pb2, job_pb2, job_service_pb2, server_service_pb2


class FashionTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.require_data("fashion-mnist")
        cls.server = harness.Server(judged=False)
        cls.addClassCleanup(cls.server.close)

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

    def test_rejected_images_are_corrected_for(self):
        """Shirts are much like T-shirts and pullovers, so the judge rejects more of them."""
        spec = harness.spec([harness.resample()], images=3000, iterations=3)
        spec.dataset = "fashion-mnist"
        spec.bias.ClearField("fixed")
        spec.bias.fixed.update({0: 2000, 2: 2000})
        spec.bias.varied.CopyFrom(job_pb2.VariedClass(counts=[500, 2000]))
        setattr(spec.bias.varied, "class", 6)
        spec.evaluation.reject_below = 0.8
        job = self.server.submit(spec)
        self.assertEqual(self.server.finish(job).state, job_pb2.JOB_SUCCEEDED)
        results = self.server.jobs.GetResults(job_service_pb2.GetResultsRequest(job_id=job))
        [judge] = results.classifiers
        rejected = [sum(judge.confusion[10 * c : 10 * c + 10]) - sum(judge.accepted_confusion[10 * c : 10 * c + 10]) for c in range(10)]
        self.assertGreater(rejected[6], 1.2 * rejected[0])
        self.assertEqual(len(judge.confidences), 0)
        for cell in results.cells:
            [shirts] = [one for one in cell.classes if getattr(one, "class") == 6]
            raw = abs(shirts.generated.mean - shirts.trained_share)
            corrected = abs(shirts.corrected.mean - shirts.trained_share)
            print(f"shirts trained {shirts.trained_share:.4f}, judged {shirts.generated.mean:.4f}, "
                  f"corrected {shirts.corrected.mean:.4f} in {shirts.corrected.low:.4f}..{shirts.corrected.high:.4f}")
            self.assertLess(corrected, 0.035)
            self.assertLess(corrected, raw)


if __name__ == "__main__":
    unittest.main()
