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


class NumbersTest(UsageCase):
    def test_one_line_with_the_range(self):
        for words, said in {
                ("jobs", "--limit", "0"): "--limit: '0' is not a whole number of at least 1",
                ("jobs", "--limit", "few"): "--limit: 'few' is not a whole number of at least 1",
                ("audit", "--limit", "1.5"): "--limit: '1.5' is not a whole number of at least 1",
                ("logs", "j1.1", "--attempt", "0"): "--attempt: '0' is not a whole number from 1 to 2147483647",
                ("watch", "--from-revision", "x"): "--from-revision: 'x' is not a whole number of at least 0",
                ("queue", "--limit", "1001"): "--limit: '1001' is not a whole number from 1 to 1000",
                ("submit", "s.yaml", "--priority", "high"): "--priority: 'high' is not a whole number from -1000 to 1000",
                ("priority", "j1", "high"): "PRIORITY: 'high' is not a whole number from -1000 to 1000",
                ("extend", "j1", "--iterations", "x"): "--iterations: 'x' is not a whole number from 1 to 1000",
                ("share", "set", "ada", "--weight", "x"): "--weight: 'x' is not a number from 0.001 to 1000",
                ("share", "set", "ada", "--max-slots", "-1"): "--max-slots: '-1' is not a whole number from 0 to 2147483647",
        }.items():
            with self.subTest(" ".join(words)):
                self.assertEqual(self.refused(*words), said)


class CommandsTest(UsageCase):
    def test_what_was_misspelt_and_what_may_have_been_meant(self):
        for words, said in {
                ("jbos",): "there is no command 'jbos'; did you mean 'jobs'?",
                ("frobnicate",): "there is no command 'frobnicate'; 'skewctl --help' lists the commands",
                ("share", "foo"): "there is no command 'share foo'; there are list, set",
                ("share", "lst"): "there is no command 'share lst'; did you mean 'share list'?",
                ("share",): "'share' needs one of its commands: list, set",
                ("help", "jbos"): "there is no command 'jbos'; did you mean 'jobs'?",
                ("jobs", "--limt", "3"): "there is no option --limt; did you mean --limit? (see skewctl jobs --help)",
                ("jobs", "j1"): "'j1' is an argument too many (see skewctl jobs --help)",
                ("--timeout",): "--timeout needs a value (see skewctl --help)",
                ("jobs", "--label"): "--label needs a value (see skewctl jobs --help)",
                ("results", "j1", "--judges", "--measures"): "--measures excludes --judges (see skewctl results --help)",
                ("job",): "JOB is required (see skewctl job --help)",
                ("jobs", "--state", "queue"): "--state: 'queue' is not one of queued, running, succeeded, failed, "
                                              "cancelled; did you mean queued?",
                ("jobs", "--state", "failed,foo"): "--state: 'foo' is not one of queued, running, succeeded, failed, cancelled",
                ("jobs", "--kind", "foo"): "--kind: 'foo' is not one of study, classifier_training",
        }.items():
            with self.subTest(" ".join(words)):
                self.assertEqual(self.refused(*words), said)

    def test_help_is_a_command_too(self):
        self.assertEqual(self.ctl("help").stdout, self.ctl("--help").stdout)
        self.assertEqual(self.ctl("help", "submit").stdout, self.ctl("submit", "--help").stdout)
        self.assertEqual(self.ctl("help", "share", "set").stdout, self.ctl("share", "set", "--help").stdout)

    def test_help_of_commands_names_the_other_options(self):
        line = "The options of skewctl (--server, --output, ...) work here, too: skewctl --help\n"
        for command in (("jobs",), ("wait",), ("share", "set")):
            self.assertTrue(self.ctl(*command, "--help").stdout.endswith(line), command)
        self.assertNotIn(line, self.ctl("--help").stdout)


class CredentialsTest(UsageCase):
    def test_a_file_that_is_no_certificate(self):
        (self.folder / "ca.pem").write_text("nothing\n")
        self.assertEqual(self.refused("--ca", "ca.pem", "jobs"), "--ca (SKEW_CA) ca.pem: holds no PEM certificate")
        self.assertEqual(self.refused("jobs", SKEW_CA="ca.pem"), "--ca (SKEW_CA) ca.pem: holds no PEM certificate")


class ContextTest(UsageCase):
    def test_what_is_used_from_now_on_and_what_goes_before_it(self):
        config = self.folder / ".config" / "skew" / "config.yaml"
        config.parent.mkdir(parents=True)
        config.write_text("current-context: a\ncontexts: {a: {server: 'a:1'}, b: {server: 'b:1'}}\n")
        self.assertEqual(self.ctl("context", "b").stderr, "context b: b:1\n")
        done = self.ctl("context", "a", SKEW_SERVER="c:1")
        self.assertEqual(done.stderr, "context a: a:1\nnote: SKEW_SERVER is set, and goes before contexts: commands talk "
                                      "to c:1 until it is unset\n")
        self.assertEqual(done.stdout, "")


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
                                "until grep -qs READY log; do sleep 0.1; done; kill $!; wait $!", code=0)
        self.assertEqual(done.stderr, "")
        self.assertIn("--datasets: there is no folder nowhere", (self.folder / "log").read_text())


class ScriptsTest(UsageCase):
    def test_help_is_text_and_not_source(self):
        for script in ("make-certs.sh", "fetch-datasets.sh", "check.sh"):
            with self.subTest(script):
                done = self.run_program(SOURCE / "deploy" / script, "--help", code=0)
                self.assertIn(f"deploy/{script}", done.stdout)
                self.assertNotIn("set -euo", done.stdout)
                self.assertNotRegex(done.stdout, r"(?m)^#|\$|\[ ")
                refused = self.run_program(SOURCE / "deploy" / script, "nonsense", code=2)
                self.assertIn(done.stdout, refused.stderr)

    def test_the_python_example_does_not_hang(self):
        poll = SOURCE / "deploy" / "examples" / "poll.py"
        self.assertIn("usage: poll.py", self.run_program(poll, "--help", code=0).stdout)
        done = self.run_program(poll, "127.0.0.1:1", "--timeout", "0.5", code=1)
        self.assertEqual(done.stderr, "poll.py: no server at 127.0.0.1:1 within 0.5 s\n")


if __name__ == "__main__":
    unittest.main()
