"""The Python client with the real programs: studies and errors."""

import csv
import io
import json
import unittest

import harness
from python_case import ENDLESS, SPEC, ClientCase, with_settings
import skew
from skew.v1 import job_pb2


class StudyTest(ClientCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.job = cls.client.wait(cls.client.submit(SPEC).id, timeout=300)

    def test_a_study_ends_with_rows(self):
        self.assertEqual(self.job.state, job_pb2.JOB_SUCCEEDED, self.job.message)
        rows = self.client.results(self.job.id)
        self.assertEqual([(row["count_1"], row["class"]) for row in rows],
                         [(count, label) for count in (100, 200) for label in (0, 1, 2)])
        for row in rows:
            self.assertEqual(list(row), list(rows[0]))
            self.assertEqual((row["job"], row["model"], row["runs_succeeded"]), (self.job.id, "resample", 2))
            self.assertAlmostEqual(row["generated_mean"], row["trained_share"], delta=0.15)
            self.assertIsInstance(row["generated_sd"], float)

    def test_rows_are_those_of_skewctl(self):
        told = list(csv.DictReader(io.StringIO(self.ctl("results", self.job.id, "--output", "csv"))))
        rows = self.client.results(self.job.id)
        self.assertEqual(len(told), len(rows))
        for expected, row in zip(told, rows):
            self.assertEqual([name for name in row if name in expected], list(expected))
            for name, text in expected.items():
                if row[name] is None:
                    self.assertEqual(text, "", name)
                elif isinstance(row[name], str):
                    self.assertEqual(text, row[name], name)
                else:
                    self.assertEqual(float(text), row[name], name)

    def test_rows_of_single_runs(self):
        rows = self.client.results(self.job.id, runs=True)
        self.assertEqual(len(rows), 2 * 2 * 3)
        self.assertEqual({row["run"] for row in rows}, {run.id for run in self.client.runs(self.job.id)})
        for row in rows:
            self.assertLessEqual(row["wilson_low"], row["share"])
            self.assertLessEqual(row["share"], row["wilson_high"])

    def test_rows_before_a_run_has_succeeded(self):
        job = self.client.submit(ENDLESS)
        (row, *_) = self.client.results(job.id)
        self.client.cancel(job.id)
        self.assertIsNone(row["generated_mean"])
        self.assertEqual(row["runs_succeeded"], 0)

    def test_every_form_of_a_spec_is_the_same_spec(self):
        path = self.folder / "spec.yaml"
        path.write_text(SPEC)
        study = harness.spec([harness.resample()], counts=(100, 200), images=400, iterations=2)
        study.bias.fixed[0] = study.bias.fixed[2] = 500
        study.ClearField("training")
        study.ClearField("seed")
        as_dict = {
            "dataset": "mnist", "bias": {"fixed": {0: 500, "2": 500}, "varied": {"class": 1, "counts": (100, 200)}},
            "models": [{"resample": None}], "iterations": 2, "generation": {"images": 400},
            "evaluation": {"classifier": {"epochs": 1}}
        }
        for form in (SPEC, path, as_dict, json.dumps(as_dict), study):
            job = self.client.submit(form, validate_only=True)
            self.assertEqual((job.id, job.spec), ("", self.job.spec))

    def test_scalars_are_what_was_written_as_for_skewctl(self):
        written = SPEC + """
name: 12:30
labels: {version: 1.10, day: 2026-01-01, number: 017, word: yes}
seed: 0100
"""
        path = self.folder / "written.yaml"
        path.write_text(written)
        spec = self.client.submit(path, validate_only=True).spec
        self.assertEqual((spec.name, spec.seed), ("12:30", 100))
        self.assertEqual(dict(spec.labels), {"version": "1.10", "day": "2026-01-01", "number": "017", "word": "yes"})
        shown = self.ctl("submit", str(path), "--dry-run")
        self.assertEqual(self.client.submit(shown, validate_only=True).spec, spec)
        for wrong, field, words in (("seed:", "seed", "has no value"), ("seed: 1_000", "seed", "1_000"),
                                    ("labels: {a: 1, a: 2}", "", "'a' is there twice"),
                                    ("labels: {a: }", "labels[a]", "has no value")):
            with self.subTest(wrong):
                error = self.raises(skew.InvalidArgument, self.client.submit, SPEC + wrong + "\n")
                self.assertEqual([one.field for one in error.violations], [field] if field else [])
                self.assertIn(words, str(error))

    def test_a_request_id_names_one_job(self):
        first = self.client.submit(ENDLESS, request_id="once")
        self.assertEqual(self.client.submit(ENDLESS, request_id="once").id, first.id)
        other = self.client.submit(ENDLESS)
        self.assertNotEqual(other.id, first.id)
        self.assertIn(other.id, [job.id for job in self.client.jobs(states=(job_pb2.JOB_QUEUED, job_pb2.JOB_RUNNING))])
        for job in (first, other):
            self.client.cancel(job.id)
            self.assertEqual(self.client.wait(job.id, timeout=60).state, job_pb2.JOB_CANCELLED)

    def test_jobs_are_found_by_their_labels(self):
        job = self.client.submit(with_settings(ENDLESS, labels={"for": "python", "year": 2026}))
        self.client.cancel(job.id)
        self.assertEqual([one.id for one in self.client.jobs(labels={"year": "2026"})], [job.id])

    def test_deleted_jobs_come_back_until_they_are_purged(self):
        job = self.client.submit(with_settings(ENDLESS, labels={"to": "delete"}))
        self.raises(skew.FailedPrecondition, self.client.delete, job.id)
        self.client.cancel(job.id)
        self.client.wait(job.id, timeout=60)
        self.assertTrue(self.client.delete(job.id).HasField("purge_time"))
        self.assertEqual(list(self.client.jobs(labels={"to": "delete"})), [])
        self.assertEqual([one.id for one in self.client.jobs(labels={"to": "delete"}, deleted=True)], [job.id])
        self.assertFalse(self.client.undelete(job.id).HasField("purge_time"))
        self.client.delete(job.id, purge=True)
        self.raises(skew.NotFound, self.client.job, job.id)

    def test_histograms_of_all_runs(self):
        found = [(one.run_id, one.final) for one in self.client.histograms(self.job.id)]
        self.assertEqual(found, [(run.id, True) for run in self.client.runs(self.job.id)])

    def test_files_of_runs(self):
        run = self.client.runs(self.job.id)[0].id
        self.assertIn("samples.png", [one.name for one in self.client.artifacts(run)])
        self.assertTrue(self.client.read_artifact(run, "samples.png").startswith(b"\x89PNG"))
        self.assertEqual(len({one.run_id for one in self.client.artifacts(self.job.id)}), 4)

    def test_a_watch_goes_on_after_any_revision(self):
        events = list(self.client.watch(self.job.id))
        self.assertEqual([event.sequence for event in events], list(range(1, len(events) + 1)))
        middle = len(events) // 2
        self.assertEqual(list(self.client.watch(self.job.id, events[middle].revision)), events[middle + 1:])
        self.assertGreaterEqual(self.client.server_info().revision, events[-1].revision)

    def test_a_watch_of_all_jobs_shows_those_that_are_to_come(self):
        everything = self.client.watch_all(0)
        of_study = [next(event for event in everything if event.job_id == self.job.id) for _ in range(3)]
        everything.close()
        self.assertEqual([event.sequence for event in of_study], [1, 2, 3])
        before = self.client.server_info().revision
        job = self.client.submit(with_settings(ENDLESS, labels={"group": "watched"}))
        self.client.cancel(job.id)
        of_group = self.client.watch_all(before, labels={"group": "watched"})
        first = next(of_group)
        of_group.close()
        self.assertEqual((first.job_id, first.sequence), (job.id, 1))


class ErrorTest(ClientCase):
    """Every class of error, from the real thing."""

    flags = ("--listen", "0.0.0.0:0", "--insecure")  # where a login of this machine is nobody

    def remote(self, token=None):
        port = (self.server.folder / "addresses").read_text().split()[2].rsplit(":", 1)[1]
        client = skew.Client(f"127.0.0.1:{port}", token)
        self.addCleanup(client.close)
        return client

    def test_invalid_argument_names_the_fields(self):
        error = self.raises(skew.InvalidArgument, self.client.submit,
                            with_settings(ENDLESS, iterations=0, dataset="nothing"))
        self.assertEqual({one.field for one in error.violations}, {"iterations", "dataset"})
        self.assertIn("mnist", {one.field: one.description for one in error.violations}["dataset"])
        self.assertIsInstance(error, ValueError)

    def test_invalid_argument_of_what_is_no_spec(self):
        for spec, field, words in ((with_settings(ENDLESS, modells=[]), "modells", "models"),
                                   (with_settings(ENDLESS, iterations="many"), "iterations", "many"),
                                   (with_settings(ENDLESS, models=[{"vae": {}, "dcgan": {}}]), "models[0].dcgan", "one of"),
                                   (with_settings(ENDLESS, models=["gan"]), "models[0]", "'gan'"),
                                   (with_settings(ENDLESS, bias={"fixed": {"x": 1}}), "bias.fixed[x]", "x"),
                                   (with_settings(ENDLESS, time_limit="soon"), "time_limit", "1h30m"),
                                   ("bias: 3", "bias", "map")):
            error = self.raises(skew.InvalidArgument, self.client.submit, spec)
            self.assertEqual([one.field for one in error.violations], [field])
            self.assertIn(words, error.violations[0].description)
        self.raises(skew.InvalidArgument, self.client.submit, "dataset: [")
        self.raises(skew.InvalidArgument, self.client.submit, "")

    def test_not_found(self):
        self.assertIn("j999", str(self.raises(skew.NotFound, self.client.wait, "j999")))
        self.raises(skew.NotFound, list, self.client.watch("j999"))

    def test_already_exists(self):
        job = self.client.submit(ENDLESS, request_id="taken")
        self.client.cancel(job.id)
        self.raises(skew.AlreadyExists, self.client.submit, with_settings(ENDLESS, seed=8), request_id="taken")

    def test_failed_precondition_and_deadline_exceeded(self):
        job = self.client.submit(ENDLESS)
        self.assertIsInstance(self.raises(skew.DeadlineExceeded, self.client.wait, job.id, timeout=0.2), TimeoutError)
        self.client.cancel(job.id)
        self.client.wait(job.id, timeout=60)
        self.raises(skew.FailedPrecondition, self.client.cancel, job.id)

    def test_resource_exhausted(self):
        self.raises(skew.ResourceExhausted, self.client.submit, with_settings(ENDLESS, name="x" * (9 << 20)))

    def test_out_of_range_and_data_loss(self):
        job = self.client.wait(self.client.submit(SPEC).id, timeout=300)
        run = self.client.runs(job.id)[0].id
        artifact = next(one for one in self.client.artifacts(run) if one.name == "samples.png")
        request = skew.v1.run_service_pb2.ReadArtifactRequest(run_id=run, name="samples.png",
                                                              offset=artifact.size_bytes + 1)
        with self.assertRaises(skew.client.grpc.RpcError) as caught:
            list(self.server.artifacts.ReadArtifact(request))
        self.assertIs(type(skew.errors.from_rpc_error(caught.exception)), skew.OutOfRange)
        (stored,) = (self.server.folder / "state").rglob(f"*{artifact.digest[2:]}*")
        stored.chmod(0o600)
        stored.write_bytes(b"\0" + stored.read_bytes()[1:])
        self.raises(skew.DataLoss, self.client.read_artifact, run, "samples.png")

    def test_unauthenticated_and_permission_denied(self):
        self.raises(skew.Unauthenticated, self.remote().job, "j1")
        self.assertNotIn("nonsense", str(self.raises(skew.Unauthenticated, self.remote("nonsense").job, "j1")))
        self.ctl("user", "add", "reader", "--role", "viewer")
        client = self.remote(self.ctl("token", "create", "--user", "reader").strip())
        self.assertIn("viewer", str(self.raises(skew.PermissionDenied, client.submit, ENDLESS)))
        list(client.jobs())

    def test_unavailable(self):
        client = skew.Client(f"unix:{self.folder}/nobody", patience=0.3)
        self.addCleanup(client.close)
        error = self.raises(skew.Unavailable, client.job, "j1")
        self.assertIn("nobody", error.message)
        self.assertIsInstance(error, ConnectionError)
        self.raises(skew.DeadlineExceeded, client.wait, "j1", timeout=0.3)


if __name__ == "__main__":
    unittest.main()
