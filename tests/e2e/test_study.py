"""A study from submission to results, as a Python client sees it."""

import csv
import io
import math
import subprocess
import unittest

import grpc

import harness
from harness import analysis_service_pb2, job_pb2, job_service_pb2, run_service_pb2, server_service_pb2


class StudyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.require_data()
        cls.server = harness.Server(judged=False)
        spec = harness.spec([harness.dcgan(), harness.vae(), harness.vae_mlp(), harness.resample()], iterations=2)
        spec.evaluation.more_judges.add(epochs=1, seed=1)
        cls.job = cls.server.submit(spec)
        cls.finished = cls.server.finish(cls.job)
        cls.runs = cls.server.all_runs(cls.job)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def test_every_run_succeeds(self):
        self.assertEqual(self.finished.state, job_pb2.JOB_SUCCEEDED, self.finished.message)
        self.assertEqual(self.finished.runs.succeeded, 8)

    def test_histograms_add_up(self):
        for run in self.runs:
            histogram = run.histogram
            self.assertTrue(histogram.final)
            self.assertEqual(sum(histogram.counts.values()) + histogram.rejected + histogram.off_support, 500)
            self.assertEqual(sorted(histogram.counts), [0, 1, 2])

    def test_models_are_compared_on_the_same_images(self):
        for iteration in (0, 1):
            digests = {run.manifest_digest for run in self.runs if run.iteration == iteration}
            self.assertEqual(len(digests), 1)
        self.assertEqual(len({run.manifest_digest for run in self.runs}), 2)

    def test_artifacts_are_there_and_whole(self):
        for run in self.runs:
            listed = self.server.artifacts.ListArtifacts(run_service_pb2.ListArtifactsRequest(run_id=run.id)).artifacts
            names = {artifact.name for artifact in listed}
            self.assertLessEqual({"samples.png", "manifest.csv"}, names)
            if run.model != "resample":
                self.assertLessEqual({"losses.csv", "checkpoint.pt"}, names)
        png = self.server.read_artifact(self.runs[0].id, "samples.png")
        self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
        losses = self.server.read_artifact(self.runs[0].id, "losses.csv").decode().splitlines()
        self.assertEqual(len(losses), 1 + 60)  # a line a step
        manifest = self.server.read_artifact(self.runs[0].id, "manifest.csv").decode().splitlines()
        self.assertEqual(len(manifest), 1 + 4500)

    def test_results_are_means_over_iterations(self):
        results = self.server.jobs.GetResults(job_service_pb2.GetResultsRequest(job_id=self.job))
        self.assertEqual([cell.model for cell in results.cells], ["dcgan", "vae", "vae_mlp", "resample"])
        for cell in results.cells:
            self.assertEqual(cell.runs_succeeded, 2)
            shares = []
            for run in self.runs:
                accepted = sum(run.histogram.counts.values())
                if run.model == cell.model and accepted > 0:
                    shares.append(run.histogram.counts[1] / accepted)
            # A model that has hardly been trained may not have a single image accepted.
            self.assertEqual(cell.classes[1].HasField("generated"), bool(shares))
            if shares:
                self.assertAlmostEqual(cell.classes[1].generated.mean, sum(shares) / len(shares), places=12)

    def test_two_judges_judge_the_same_images(self):
        results = self.server.jobs.GetResults(job_service_pb2.GetResultsRequest(job_id=self.job))
        self.assertEqual(len({one.digest for one in results.classifiers}), 2)
        self.assertEqual({(one.spec.epochs, one.spec.seed) for one in results.classifiers}, {(1, 0), (1, 1)})
        for run in self.runs:
            further, = run.histogram.more_judges
            self.assertNotEqual(further.classifier_digest, run.histogram.classifier_digest)
            self.assertEqual(sum(further.counts.values()) + further.rejected + further.off_support, 500)
            self.assertNotEqual(list(further.mean_posterior), list(run.histogram.mean_posterior))
        null_arm, = (cell for cell in results.cells if cell.model == "resample")
        first, second = null_arm.judges
        self.assertEqual((first.classifier_digest, first.runs, second.runs), (self.runs[0].classifier_digest, 2, 2))
        for i, one in enumerate(null_arm.classes):
            self.assertEqual(first.classes[i].generated, one.generated)
            self.assertEqual(first.classes[i].corrected, one.corrected)
            means = sorted(judge.classes[i].generated.mean for judge in null_arm.judges)
            self.assertEqual([one.judge_spread.low, one.judge_spread.high], means)
            # Of real images, judges that are right on 98 of 100 say nearly the same.
            self.assertLess(means[1] - means[0], 0.05)
            self.assertAlmostEqual(second.classes[i].corrected.mean, one.corrected.mean, delta=0.03)
        analysis = self.server.analysis.AnalyseJobs(analysis_service_pb2.AnalyseJobsRequest(job_ids=[self.job]))
        self.assertEqual(len([note for note in analysis.notes if "2 judges differ by up to" in note]), 1)

    def test_the_judges_are_shown(self):
        def ctl(*words):
            return subprocess.run([harness.BIN / "skewctl", "--server", self.server.address, *words],
                                  capture_output=True, text=True, timeout=300, check=True).stdout

        self.assertIn("The 2 judges differ by up to ", ctl("results", self.job))
        self.assertIn(self.runs[0].classifier_digest[:8], ctl("results", self.job, "--judges"))
        rows = list(csv.DictReader(io.StringIO(ctl("results", self.job, "--judges", "--output", "csv"))))
        self.assertEqual(len(rows), 4 * 3 * 2)  # models, classes, judges
        self.assertEqual({row["judge_seed"] for row in rows}, {"0", "1"})
        numbers = self.server.folder / "numbers"
        ctl("report", self.job, "--csv", str(numbers))
        self.assertEqual(len((numbers / f"judged-runs-{self.job}.csv").read_text().splitlines()), 1 + 8 * 3 * 2)

    def test_the_classifier_is_described(self):
        classifiers = self.server.server.ListClassifiers(server_service_pb2.ListClassifiersRequest()).classifiers
        judge, = (one for one in classifiers if one.digest == self.runs[0].classifier_digest)
        self.assertEqual(sum(judge.test_confusion), 10000)
        self.assertGreater(judge.test_accuracy, 0.95)
        diagonal = sum(judge.test_confusion[11 * i] for i in range(10))
        self.assertAlmostEqual(judge.test_accuracy, diagonal / 10000)

    def test_the_null_arm_comes_out_at_the_training_proportions(self):
        job = self.server.submit(harness.spec([harness.resample()], counts=(250, 1000, 2000), images=4900))
        self.server.finish(job)
        for run in self.server.all_runs(job):
            trained = sum(run.bias_point.counts.values())
            accepted = sum(run.histogram.counts.values())
            for label, count in run.bias_point.counts.items():
                share = count / trained
                # Four standard errors, and a percentage point for a judge that errs.
                margin = 4 * math.sqrt(share * (1 - share) / accepted) + 0.01
                self.assertAlmostEqual(run.histogram.counts[label] / accepted, share, delta=margin)

    def test_the_null_arm_passes_its_bias_on(self):
        job = self.server.submit(harness.spec([harness.resample()], counts=(250, 1000, 2000), images=4900, iterations=3))
        self.server.finish(job)
        results = self.server.jobs.GetResults(job_service_pb2.GetResultsRequest(job_id=job, include_runs=True))
        for cell in results.cells:
            self.assertEqual(len(cell.runs), 3)
            for one in cell.classes:
                # Corrected for what the judge gets wrong, the shares are those that were trained.
                self.assertAlmostEqual(one.corrected.mean, one.trained_share, delta=0.015)
                self.assertLess(one.corrected.low, one.corrected.high)
                self.assertAlmostEqual(one.pacc.mean, one.trained_share, delta=0.015)
            self.assertLess(cell.corrected_divergences.total_variation.mean, 0.03)
        analysis = self.server.analysis.AnalyseJobs(analysis_service_pb2.AnalyseJobsRequest(job_ids=[job]))
        self.assertEqual(analysis.runs, 9)
        slope = analysis.findings[0]
        self.assertEqual((slope.claim, getattr(slope, "class"), slope.units), ("H1", 1, 3))
        self.assertAlmostEqual(slope.corrected.effect, 1, delta=0.1)
        self.assertEqual({finding.claim for finding in analysis.findings}, {f"H{i}" for i in range(1, 9)})

    def test_images_of_the_null_arm_measure_as_real_ones(self):
        spec = harness.spec([harness.resample()], counts=(500,), images=5000, iterations=2)
        job = self.server.submit(spec)
        self.server.finish(job)
        for run in self.server.all_runs(job):
            measures = run.histogram.image_measures
            self.assertEqual((measures.all.images, measures.all.real_images), (5000, 5000))
            self.assertLess(measures.all.frechet, measures.frechet_balanced)
            self.assertGreater(measures.measuring_seconds, 0)
            self.assertGreater(measures.all.precision, 0.9)
            self.assertEqual(sorted(measures.classes), [0, 1, 2])
            for label, one in measures.classes.items():
                self.assertEqual(one.images, 500)
                self.assertAlmostEqual(one.copy_distance_ratio, 1, delta=0.15)
                self.assertLess(abs(one.vendi - one.real_vendi), 0.2 * one.real_vendi)
                # It draws from half of MNIST's 980, 1135 and 1032 test images of these classes.
                self.assertAlmostEqual(one.support, {0: 490, 1: 568, 2: 516}[label], delta=160)
        cell = self.server.jobs.GetResults(job_service_pb2.GetResultsRequest(job_id=job)).cells[0]
        frechet = [one for one in cell.image_measures if one.measure == "frechet" and not one.HasField("class")]
        self.assertEqual([one.runs for one in frechet], [2])

    def test_iterations_are_added_until_a_share_is_known(self):
        def grown(half_width, reuse=False, **more):
            spec = harness.spec([harness.resample()], counts=(250, 2000), images=400, iterations=5, **more)
            setattr(spec.stop, "class", 1)
            spec.stop.half_width = half_width
            job = self.server.submit(spec, reuse)
            events = list(self.server.watch(job))
            self.assertEqual(self.server.jobs.GetJob(job_service_pb2.GetJobRequest(job_id=job)).state,
                             job_pb2.JOB_SUCCEEDED)
            added = [event.run_added.id for event in events if event.HasField("run_added")]
            return self.server.all_runs(job), added, self.server.jobs.GetResults(
                job_service_pb2.GetResultsRequest(job_id=job)).saved.runs

        runs, added, saved = grown(0.4)
        self.assertEqual((len(runs), added, saved), (6, [], 4))
        runs, added, saved = grown(0.0001, seed=8)
        self.assertEqual((len(runs), len(added), saved), (10, 4, 0))
        self.assertEqual([run.id for run in runs[6:]], added)
        self.assertEqual(sorted(run.iteration for run in runs[6:]), [3, 3, 4, 4])
        # Answered from the store, a cell is looked at all the same.
        answered, _, _ = grown(0.0001, reuse=True, seed=8)
        self.assertEqual({run.reused_from for run in answered}, {run.id for run in runs})
        # They are the runs that a job without the rule has.
        whole = harness.spec([harness.resample()], counts=(250, 2000), images=400, iterations=5, seed=8)
        twins = {(run.bias_point.counts[1], run.iteration): run.seed
                 for run in self.server.all_runs(self.server.submit(whole, reuse=True))}
        self.assertEqual({(run.bias_point.counts[1], run.iteration): run.seed for run in runs}, twins)

    def test_claims_need_one_judge(self):
        other = harness.spec([harness.resample()], images=300)
        other.evaluation.classifier.seed = 1
        other = self.server.submit(other)
        self.server.finish(other)
        request = analysis_service_pb2.AnalyseJobsRequest(job_ids=[self.job, other])
        with self.assertRaises(grpc.RpcError) as refused:
            self.server.analysis.AnalyseJobs(request)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)
        request.allow_different_judges = True
        self.assertEqual(len(self.server.analysis.AnalyseJobs(request).classifiers), 2)

    def test_a_watcher_that_reconnects_misses_nothing(self):
        job = self.server.submit(harness.spec([harness.resample()], iterations=4, images=300))
        pieces = []
        revision = 0
        while True:
            for event in self.server.watch(job, revision):
                pieces.append(event)
                revision = event.revision
                if len(pieces) % 3 == 0:
                    break  # gives the stream up
            else:
                break
        self.assertEqual([event.sequence for event in pieces], list(range(1, len(pieces) + 1)))
        self.assertEqual(pieces, list(self.server.watch(job)))


if __name__ == "__main__":
    unittest.main()
