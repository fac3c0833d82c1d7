"""What skewctl, skewd and the scripts say of command lines that are not right. Needs no dataset, and no server that runs."""

import os
import pathlib
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ["SKEW_BIN"])
SOURCE = pathlib.Path(os.environ["SKEW_SOURCE"])


class UsageCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="skew-usage-", dir="/tmp")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder)}

    def run_program(self, *command, code, **environment):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60,
                              cwd=self.folder, env={**self.environment, **environment})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def ctl(self, *arguments, code=0, **environment):
        return self.run_program(BIN / "skewctl", *arguments, code=code, **environment)

    def refused(self, *arguments, **environment):
        """What skewctl says, in one line and without asking a server."""
        done = self.ctl(*arguments, code=2, **environment)
        self.assertEqual(done.stdout, "")
        (line,) = done.stderr.splitlines()
        self.assertTrue(line.startswith("skewctl: "), line)
        return line.removeprefix("skewctl: ")


class DaemonTest(UsageCase):
    def skewd(self, *arguments):
        """What skewd says before it does anything."""
        done = self.run_program(BIN / "skewd", "--state-dir", self.folder / "state", *arguments, code=2)
        return done.stderr.splitlines()[0].removeprefix("skewd: ")

    def config(self, text):
        file = self.folder / "skewd.yaml"
        file.write_text(text)
        return self.skewd("--config", file).removeprefix(f"--config: {file}:")

    def test_keys_of_the_configuration_file_that_are_no_flags(self):
        self.assertEqual(self.config("devices: cpu\nmax-run-per-device: 2\n"),
                         "2:1: there is no setting 'max-run-per-device'; did you mean 'max-runs-per-device'?")
        self.assertEqual(self.config("colour: red\n"),
                         "1:1: there is no setting 'colour'; the settings are the flags of skewd --help, without their dashes")
        self.assertEqual(self.config("config: other.yaml\n").partition(";")[0], "1:1: there is no setting 'config'")
        self.assertEqual(self.config("devices: cpu\ndevices: cuda:all\n"), "2:1: 'devices' is there twice")
        self.assertEqual(self.config("- devices\n"), "1:1: this is not a map of settings")
        self.assertRegex(self.config("devices: [\n"), r"^\d+:\d+: ")

    def test_values_that_cannot_be(self):
        self.assertEqual(self.skewd("--config", "/nonexistent.yaml"),
                         "--config: /nonexistent.yaml cannot be read: No such file or directory")
        self.assertEqual(self.skewd("--listen", "localhost:99999"), "address 'localhost:99999': a port is 0 to 65535")
        self.assertEqual(self.skewd("--on-stop", "foo"), "--on-stop: 'foo' is neither checkpoint nor detach")
        for size in ("lots", "-1", "5 parsecs", "99999999TiB", ""):
            self.assertEqual(self.skewd("--disk-reserve", size), f"--disk-reserve: '{size}' is not a size like 500MiB or 2GiB")

    def test_a_worker_that_cannot_be_started(self):
        missing = self.folder / "no-worker"
        self.assertEqual(self.skewd("--worker", missing),
                         f"--worker: there is no {missing}, and without skew-worker no run can be trained")
        missing.write_text("")
        self.assertEqual(self.skewd("--worker", missing), f"--worker: {missing} is not a program that can be executed")
        self.assertEqual(self.skewd("--worker", self.folder),
                         f"--worker: {self.folder} is not a program that can be executed")

    def test_datasets_that_are_not_there_are_missed(self):
        done = self.run_program("timeout", "--preserve-status", "20", "sh", "-c",
                                f"{BIN}/skewd --state-dir state --listen unix:state/s --datasets nowhere 2>log & "
                                "until grep -q READY log; do sleep 0.1; done; kill $!; wait $!", code=0)
        self.assertEqual(done.stderr, "")
        self.assertIn("--datasets: there is no folder nowhere", (self.folder / "log").read_text())


if __name__ == "__main__":
    unittest.main()
