"""The report and every figure, of real runs, by the real programs."""

import csv
import html.parser
import io
import pathlib
import re
import struct
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

import harness
from harness import job_pb2, job_service_pb2

HOSTILE = "<script>alert('name')</script> & \"more\""
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(html.parser.HTMLParser):
    """What is in a page; complains about tags that do not match."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open = []
        self.tags = []
        self.ids = []
        self.links = []
        self.policy = None
        self.rows = []
        self.text = []
        self.feed(text)
        self.close()
        if self.open:
            raise AssertionError(f"not closed: {self.open}")

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        if "id" in attrs:
            self.ids.append(attrs["id"])
        self.links += [attrs[name] for name in ("src", "href", "xlink:href", "srcset", "action") if name in attrs]
        self.links += re.findall(r"url\(['\"]?([^)'\"]*)", " ".join(value or "" for value in attrs.values()))
        if attrs.get("http-equiv") == "Content-Security-Policy":
            self.policy = attrs["content"]
        if tag == "tr":
            self.rows.append("")
        if any(name.startswith("on") for name in attrs):
            raise AssertionError(f"a script in {tag}: {attrs}")

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise AssertionError(f"</{tag}> at {self.getpos()} closes nothing")

    def handle_data(self, data):
        self.text.append(data)
        if self.rows and "td" in self.open:
            self.rows[-1] += data + "|"


def real_numbers(message, path=""):
    """Every number of a message that is not whole, with its path; counts may be anywhere by chance."""
    for field, value in message.ListFields():
        name = f"{path}.{field.name}"
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        values = value.values() if is_map else value if field.label == field.LABEL_REPEATED else [value]
        for one in values:
            if isinstance(one, float):
                yield name, one
            elif hasattr(one, "ListFields"):
                yield from real_numbers(one, name)


class ReportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.require_data()
        cls.folder = tempfile.TemporaryDirectory(dir="/tmp", prefix="skew-report-")
        cls.path = pathlib.Path(cls.folder.name)
        cls.server = harness.Server()
        study = harness.spec([harness.dcgan(), harness.vae(), harness.resample()], counts=(100, 500), iterations=2)
        study.name = HOSTILE
        study.labels["purpose"] = HOSTILE[:60]
        study.evaluation.every_steps = 20
        study.evaluation.images = 200
        cls.job = cls.server.submit(study)
        cls.finished = cls.server.finish(cls.job)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        cls.folder.cleanup()

    def ctl(self, *arguments, code=0, environment=None):
        done = subprocess.run([harness.BIN / "skewctl", "--server", self.server.address, *arguments], timeout=120,
                              capture_output=True, text=True, cwd=self.path, env=environment)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def results(self):
        return self.server.jobs.GetResults(job_service_pb2.GetResultsRequest(job_id=self.job, include_runs=True))

    def figures(self):
        """Names of the figures that can be drawn."""
        rows = csv.DictReader(io.StringIO(self.ctl("plot", self.job, "-o", "csv").stdout))
        return [row["figure"] for row in rows if not row["missing"]]

    def test_the_page(self):
        self.assertEqual(self.finished.state, job_pb2.JOB_SUCCEEDED, self.finished.message)
        self.ctl("report", self.job, "--out", "report.html")
        text = (self.path / "report.html").read_text(encoding="utf-8")
        self.assertTrue(text.startswith("<!DOCTYPE html>"))
        page = Page(text)
        self.assertEqual(len(page.ids), len(set(page.ids)), "ids that are there twice")
        self.assertIn("default-src 'none'", page.policy)
        self.assertNotIn("script", page.tags)
        for link in page.links:
            self.assertTrue(link.startswith(("#", "data:image/png;base64,")), link[:80])
        self.assertNotRegex(re.sub(r"base64,[^\"]*", "", text), r"https?:|//[a-z]")
        self.assertEqual(page.tags.count("svg"), len(self.figures()))
        # A grid of each model at each bias point, and one of real images at each.
        self.assertEqual(page.tags.count("img"), 2 * (3 + 1))
        self.assertIn(HOSTILE, "".join(page.text))
        self.assertIn("images: 500", "".join(page.text))
        self.assertIn(self.finished.dataset_digest, "".join(page.text))
        self.assertIn("intervals contain the trained share", "".join(page.text))
        self.assertRegex("".join(page.text), r"devices\s*cpu\d")
        commit = re.search(r"commit ([^ ]+) ", self.ctl("--version").stdout)[1]
        self.assertIn(f", commit {commit}", "".join(page.text))
        self.assertRegex(self.ctl("info").stdout, r"commit: +[^ \n]")  # of another program

    def test_the_page_has_every_cell_and_class(self):
        self.ctl("report", self.job, "--out", "cells.html")
        rows = Page((self.path / "cells.html").read_text(encoding="utf-8")).rows
        for cell in self.results().cells:
            counts = " ".join(f"{label}:{count}" for label, count in sorted(cell.bias_point.counts.items()))
            # A run without an accepted image, which so short a training may well have, is said to be none of those counted.
            first = re.compile(rf"{cell.model}\|{counts}\|(\d+ of \d+ counted: [^|]*\|)?0\|")
            self.assertTrue(any(first.match(row) for row in rows), (cell.model, counts))
            for one in cell.classes:
                label = getattr(one, "class")
                if not one.HasField("generated"):
                    continue
                shown = f"{label}|{one.trained_images}|{100 * one.trained_share:.2f}|{100 * one.generated.mean:.2f}"
                # Of only one run with an accepted image there is no deviation.
                shown += f" ± {100 * one.generated.sd:.2f}|" if one.generated.HasField("sd") else "|"
                self.assertTrue(any(shown in row for row in rows), shown)

    def test_every_figure_in_every_format(self):
        names = self.figures()
        for kind in ("counts", "shares", "forming", "losses"):
            self.assertIn(f"{kind}-vae", names)
        self.assertIn("counts-resample-corrected", names)
        self.assertNotIn("losses-resample", names)
        for name in names:
            self.ctl("plot", self.job, "--figure", name, "--out", "figure.svg")
            svg = xml.etree.ElementTree.parse(self.path / "figure.svg").getroot()
            self.assertEqual(svg.tag, "{http://www.w3.org/2000/svg}svg")
            self.ctl("plot", self.job, "--figure", name, "--out", "figure.png")
            png = (self.path / "figure.png").read_bytes()
            self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
            self.assertEqual(struct.unpack(">II", png[16:24]),
                             (2 * int(svg.get("width")), 2 * int(svg.get("height"))))
            self.ctl("plot", self.job, "--figure", name, "--out", "figure.pdf")
            self.assertEqual((self.path / "figure.pdf").read_bytes()[:5], b"%PDF-")
            self.ctl("plot", self.job, "--figure", name, "--out", "figure.csv")
            numbers = (self.path / "figure.csv").read_text(encoding="utf-8").splitlines()
            self.assertGreater(len(numbers), 3)  # a heading, and at least one bias point of three classes

    def test_every_number_as_csv(self):
        self.ctl("report", self.job, "--csv", "numbers")
        files = {file.name for file in (self.path / "numbers").iterdir()}
        self.assertLessEqual({"claims.csv", f"results-{self.job}.csv", f"runs-{self.job}.csv", f"study-{self.job}.yaml"},
                             files)
        self.assertLessEqual({f"{name}-{self.job}.csv" for name in ("estimates", "run-measures", "run-classes", "confusion")},
                             files)
        self.assertLessEqual({f"{name}.csv" for name in self.figures()}, files)
        with (self.path / "numbers" / f"runs-{self.job}.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                self.assertRegex(row["device"], r"^cpu\d+$", row["run"])
        written = set()
        for file in (self.path / "numbers").glob("*.csv"):
            written.update(file.read_text(encoding="utf-8").replace("\n", ",").split(","))
        written = {float(text) for text in written if re.fullmatch(r"[-+0-9.e]+", text)}
        for path, number in real_numbers(self.results()):
            self.assertIn(number, written, path)
        for run in self.server.all_runs(self.job):
            for path, number in real_numbers(run.histogram):
                self.assertIn(number, written, (run.id, path))
        shares = {}
        with (self.path / "numbers" / "shares-vae.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                shares[row["run"] or row["bias_point"], int(row["class"])] = float(row["share"])
        for cell in self.results().cells:
            if cell.model != "vae":
                continue
            for run in cell.runs:
                for one in run.classes:
                    self.assertEqual(shares[run.run_id, getattr(one, "class")], one.share)

    def test_the_specification_in_the_folder_is_the_jobs(self):
        self.ctl("report", self.job, "--csv", "again")
        with (self.path / "again" / f"runs-{self.job}.csv").open(encoding="utf-8") as file:
            before = {(row["model"], row["bias_point"], row["iteration"], row["seed"], row["manifest"])
                      for row in csv.DictReader(file)}
        job = self.ctl("submit", f"again/study-{self.job}.yaml").stdout.strip()
        self.server.finish(job)
        self.ctl("report", job, "--csv", "again")
        with (self.path / "again" / f"runs-{job}.csv").open(encoding="utf-8") as file:
            after = {(row["model"], row["bias_point"], row["iteration"], row["seed"], row["manifest"])
                     for row in csv.DictReader(file)}
        self.assertEqual(before, after)
        self.ctl("report", self.job, job, "--out", "both.html")
        text = (self.path / "both.html").read_text(encoding="utf-8")
        page = Page(text)
        self.assertEqual(len(page.ids), len(set(page.ids)))
        self.assertIn(f"counts-vae-{job}-corrected", self.ctl("plot", self.job, job).stdout)

    def test_a_job_without_results_has_a_report(self):
        study = harness.spec([harness.dcgan(width=64)], counts=(100, 500), steps=100000)
        job = self.server.submit(study)
        self.ctl("report", job, "--out", "running.html")
        page = Page((self.path / "running.html").read_text(encoding="utf-8"))
        self.assertIn(f"Job {job} has not ended.", "".join(page.text))
        self.assertNotIn("svg", page.tags)
        refused = self.ctl("plot", job, "--figure", "counts-dcgan", "--out", "figure.png", code=2)
        self.assertIn("no run of dcgan has a result yet", refused.stderr)
        self.ctl("cancel", job)

    def test_mistakes_are_named(self):
        self.assertIn("--out FILE.html", self.ctl("report", self.job, code=2).stderr)
        unknown = self.ctl("plot", self.job, "--figure", "pie", "--out", "pie.png", code=2)
        self.assertIn("counts-dcgan", unknown.stderr)
        self.assertIn(".png, .svg, .pdf or .csv", self.ctl("plot", self.job, "--figure", "counts-vae", "--out", "a.gif",
                                                           code=2).stderr)
        self.ctl("report", "j999", "--out", "none.html", code=7)
        missing = self.ctl("plot", self.job, "--figure", "counts-vae", "--out", "a.png", code=2,
                           environment={"PATH": "/nowhere"})
        self.assertIn("gnuplot-nox", missing.stderr)
        for arguments in (("report", self.job, "--out", "no/such/a.html"), ("report", self.job, "--csv", "report.py/csv"),
                          ("plot", self.job, "--figure", "counts-vae", "--out", "no/such/a.png")):
            (self.path / "report.py").touch()
            refused = self.ctl(*arguments, code=1, environment={"PATH": "/nowhere"})
            self.assertIn(f"cannot write {arguments[-1]}: ", refused.stderr)


if __name__ == "__main__":
    unittest.main()
