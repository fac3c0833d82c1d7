"""skewctl in scripts: wait, diff, JSON everywhere, completion in real shells, manual pages."""

import json
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

import harness

SPEC = """
dataset: mnist
bias:
  fixed: {0: 500, 2: 500}
  varied: {class: 1, counts: [100]}
models: [resample]
generation: {images: 200}
evaluation: {classifier: {epochs: 1}}
"""
TRAINING = ("--set", "models=[{vae: {width: 8}}]")
ENDLESS = (*TRAINING, "--set", "training.steps=1000000")


class ScriptCase(unittest.TestCase):
    """A server whose socket outlives it, and skewctl with an empty home folder."""

    @classmethod
    def setUpClass(cls):
        harness.require_data()
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="skew-scripts-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        (cls.folder / "spec.yaml").write_text(SPEC)
        cls.socket = f"unix:{cls.folder}/skewd.sock"
        cls.environment = {"PATH": f"{harness.BIN}:/usr/bin:/bin", "HOME": str(cls.folder), "TERM": "dumb",
                           "SKEW_SERVER": cls.socket}
        cls.server = harness.Server("--listen", cls.socket)
        cls.addClassCleanup(cls.server.close)

    @classmethod
    def run_ctl(cls, *arguments, text=None):
        return subprocess.run(["skewctl", *arguments], capture_output=True, text=True, input=text, timeout=300,
                              cwd=cls.folder, env=cls.environment)

    def ctl(self, *arguments, code=0, text=None):
        done = self.run_ctl(*arguments, text=text)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def submit(self, *arguments):
        return self.ctl("submit", "spec.yaml", *arguments).stdout.strip()

    def json_lines(self, *arguments, code=0):
        return [json.loads(line) for line in self.ctl(*arguments, "--output", "json", code=code).stdout.splitlines()]


class WaitTest(ScriptCase):
    def test_success_failure_and_cancellation_have_their_codes(self):
        good = self.submit()
        self.assertEqual([job["state"] for job in self.json_lines("wait", good)], ["JOB_SUCCEEDED"])
        self.assertIn("SUCCEEDED", self.ctl("wait", good, "--timeout", "1").stdout)
        late = self.submit(*ENDLESS, "--set", "time_limit=1s", "--set", "max_attempts=1")
        self.ctl("wait", late, code=1)
        gone = self.submit(*ENDLESS)
        self.ctl("cancel", gone)
        self.assertIn("CANCELLED", self.ctl("wait", gone, code=4).stderr)
        self.ctl("wait", good, gone, code=4)
        jobs = self.json_lines("wait", gone, late, good, code=1)
        self.assertEqual([job["id"] for job in jobs], [gone, late, good])
        self.assertEqual(len(self.json_lines("wait", good, good)), 1)
        rows = self.ctl("wait", good, gone, "-o", "csv", code=4).stdout.splitlines()
        self.assertEqual([row.split(",")[0] for row in rows], ["job", good, gone])

    def test_the_timeout_ends_it(self):
        job = self.submit(*ENDLESS)
        done = self.ctl("wait", job, "--timeout", "5s", code=5)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, rf"^skewctl: not ended within 5s: {job} \((QUEUED|RUNNING)\)\n$")
        self.ctl("cancel", job)
        self.ctl("wait", job, code=4)

    def test_what_is_wrong_is_said_before_any_waiting(self):
        job = self.submit(*ENDLESS)
        self.ctl("wait", job, "j999", code=7)
        self.ctl("wait", job, "nonsense", code=2)
        self.assertIn("10s or 2m", self.ctl("wait", job, "--timeout", "soon", code=2).stderr)
        self.ctl("wait", code=2)
        self.ctl("cancel", job)

    def test_restarts_of_the_server(self):
        """Killed once and stopped once, and away for a while each time."""
        job = self.submit(*TRAINING, "--set", "training.steps=400")
        codes = []
        threads = [threading.Thread(target=lambda words=words: codes.append(self.run_ctl("wait", job, *words).returncode))
                   for words in ((), ("--timeout", "250s"))]
        for thread in threads:
            thread.start()
        for step, stop in ((100, self.server.kill), (200, self.server.stop)):
            self.assertTrue(any(event.progress.progress.step >= step for event in self.server.watch(job)))
            stop()
            time.sleep(0.5)
            self.server.start()
        for thread in threads:
            thread.join()
        self.assertEqual(codes, [0, 0])

    def test_a_server_that_stays_away(self):
        self.server.kill()
        try:
            done = self.ctl("wait", "j1", "--timeout", "700ms", code=5)
            self.assertIn("is not available", done.stderr)
        finally:
            self.server.start()


class DiffTest(ScriptCase):
    def test_fields_that_differ(self):
        left = self.submit()
        right = self.submit("--set", "name=other", "--set", "bias.varied.counts=[100, 200]", "--set", "models=[{vae: {width: 8}}]")
        again = self.submit()
        for job in (right, again):
            self.ctl("cancel", job)
        self.assertEqual(self.ctl("diff", left, again).stdout, "")
        self.assertEqual(self.ctl("diff", left, left, "-o", "json").stdout, "")
        lines = self.json_lines("diff", left, right, code=1)
        self.assertEqual([line["path"] for line in lines if not line["path"].startswith("models")],
                         ["name", "bias.varied.counts"])
        self.assertEqual(lines[:2], [{"path": "name", "left": "mnist-study", "right": "other"},
                                     {"path": "bias.varied.counts", "left": "[100]", "right": "[100, 200]"}])
        self.assertIn({"path": "models[0].vae.width", "left": "", "right": "8"}, lines)
        self.assertIn({"path": "models[0].resample", "left": "{}", "right": ""}, lines)
        rows = self.ctl("diff", left, right, "-o", "csv", code=1).stdout.splitlines()
        self.assertEqual(rows[:2], ["path,left,right", "name,mnist-study,other"])
        self.assertRegex(self.ctl("diff", left, right, code=1).stdout, r"(?m)^name +mnist-study +other$")
        self.ctl("diff", left, "j999", code=7)
        self.ctl("diff", left, code=2)
        self.assertIn("Exit codes: 0 the specs are equal, 1 they differ", self.ctl("diff", "--help").stdout)


class JsonTest(ScriptCase):
    # What shows nothing (here), or not more than a file's bytes or text for a shell.
    SILENT = {"logs", "fetch", "help", "login", "completion", "man", "report", "admin quarantine"}

    def test_everything_that_shows_something_has_json(self):
        """Every command there is, by the program's own list: one that is new has to be put here."""
        job = self.submit()
        self.ctl("wait", job)
        second = self.submit(*ENDLESS)
        self.ctl("login", "--no-token", "--context", "here", "--server", self.socket)
        commands = {
            "submit": ("spec.yaml", "--dry-run"), "watch": (job,), "wait": (job,), "jobs": (), "job": (job,),
            "results": (job,), "cancel": (second,), "runs": (job,), "run": (f"{job}.1",), "artifacts": (job,),
            "diff": (job, second), "info": (), "devices": (), "datasets": (), "classifiers": (), "whoami": (),
            "user add": ("ada",), "user set": ("ada", "--role", "viewer"), "user list": (),
            "token create": ("--user", "ada"), "token list": ("--user", "ada"), "token revoke": ("t1",), "audit": (),
            "context": (), "analyse": (job,), "queue": (), "plot": (job,), "extend": (job, "--iterations", "2", "--dry-run"),
            "reproduce": (f"{job}.1",), "retry": (second,),
            "pause": (second,), "priority": (second, "5"), "resume": (second,), "share list": (),
            "share set": ("ada", "--weight", "2"), "drain": ("cpu0",), "undrain": ("cpu0",),
            "admin backup": (), "admin check": (), "delete": (job,), "undelete": (job,), "gc": ("--dry-run",)
        }
        self.assertEqual({name.replace("skewctl-", "").replace("-", " ") for name in pages(self.folder / "man")} -
                         {"skewctl", "user", "token", "share", "admin"} - self.SILENT, set(commands))
        for name, arguments in commands.items():
            with self.subTest(name):
                lines = self.json_lines(*name.split(), *arguments, code=1 if name == "diff" else 0)
                self.assertTrue(lines)
                for line in lines:
                    self.assertIsInstance(line, dict)
        (context,) = self.json_lines("context")
        self.assertEqual(context, {"context": "here", "server": self.socket, "token": "false", "current": "true"})


def pages(folder):
    """Writes the manual pages and returns their paths by name."""
    subprocess.run([harness.BIN / "skewctl", "man", "--out", folder], check=True)
    return {path.stem: path for path in sorted(folder.glob("*.1"))}


class ManTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="skew-man-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.pages = pages(cls.folder)

    def help(self, *command):
        return subprocess.run([harness.BIN / "skewctl", *command, "--help"], check=True, capture_output=True,
                              text=True).stdout

    def commands(self, *command):
        """Every command and subcommand, by the help texts, which are made from the definitions without these pages."""
        names = re.search(r"^Subcommands:\n((?:  .*\n?)*)", self.help(*command), re.MULTILINE)
        yield command
        for name in re.findall(r"^  (\S+)", names.group(1), re.MULTILINE) if names else ():
            yield from self.commands(*command, name)

    def test_every_command_and_flag_is_on_its_page(self):
        commands = list(self.commands())
        self.assertGreater(len(commands), 25)
        self.assertEqual({"-".join(("skewctl", *command)) for command in commands}, set(self.pages))
        checked = 0
        for command in commands:
            shown = subprocess.run(["man", "-l", self.pages["-".join(("skewctl", *command))]], check=True,
                                   capture_output=True, text=True, env={"MANWIDTH": "500", "PATH": os.environ["PATH"]})
            text = re.sub(".\b", "", shown.stdout)
            completed = subprocess.run([harness.BIN / "skewctl", "__complete", *command, "-"], check=True,
                                       capture_output=True, text=True).stdout
            for names in re.findall(r"^  (-[^ ]+)", self.help(*command), re.MULTILINE):
                for name in names.split(","):
                    checked += 1
                    self.assertRegex(text, rf"(?m)^ +(.*, )?{re.escape(name)}\b", command)
                    self.assertIn(f"{name}\t", completed)
            for name in re.findall(r"^  ([A-Z_]+)", self.help(*command).partition("Options:")[0], re.MULTILINE):
                self.assertIn(name, text, command)
        self.assertGreater(checked, 60)

    def test_pages_are_clean(self):
        for path in self.pages.values():
            lint = subprocess.run(["mandoc", "-Tlint", path], capture_output=True, text=True)
            self.assertEqual((lint.returncode, lint.stdout + lint.stderr), (0, ""))
            shown = subprocess.run(["man", "--warnings", "-l", path], capture_output=True, text=True,
                                   env={"MANWIDTH": "80", "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})
            self.assertEqual((shown.returncode, shown.stderr), (0, ""))

    def test_one_page_at_a_time(self):
        done = subprocess.run([harness.BIN / "skewctl", "man", "skewctl-token-create"], check=True, capture_output=True,
                              text=True)
        self.assertEqual(done.stdout, self.pages["skewctl-token-create"].read_text())
        done = subprocess.run([harness.BIN / "skewctl", "man", "nothing"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("nothing", done.stderr)


class Terminal:
    """An interactive shell in a terminal of its own."""

    def __init__(self, command, environment, folder):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, cwd=folder, env=environment,
                                        start_new_session=True)
        os.close(slave)
        self.shown = ""

    def type(self, text):
        os.write(self.master, text.encode())

    def wait_for(self, pattern):
        """Until this is on the screen, after what was waited for before."""
        deadline = time.monotonic() + 20
        while (found := re.search(pattern, re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|[\0\b]", "", self.shown))) is None:
            ready, _, _ = select.select([self.master], [], [], max(deadline - time.monotonic(), 0))
            if not ready:
                raise AssertionError(f"{pattern!r} is not in {self.shown!r}")
            self.shown += os.read(self.master, 4096).decode(errors="replace")
        self.shown = ""
        return found

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


class CompletionTest(ScriptCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.job = cls.run_ctl("submit", "spec.yaml", *ENDLESS).stdout.strip()
        cls.run_ctl("cancel", cls.job)
        for shell in ("bash", "zsh", "fish"):
            (cls.folder / f"complete.{shell}").write_text(cls.run_ctl("completion", shell).stdout)

    def bash(self, line):
        """What bash would offer, from the function that it has for skewctl."""
        script = """
            source complete.bash
            COMP_LINE=$1 COMP_POINT=${#1}
            # as bash breaks words
            read -ra COMP_WORDS <<<"${1//=/ = }"
            [[ $1 == *' ' ]] && COMP_WORDS+=('')
            COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
            function=$(complete -p skewctl | sed -E 's/.*-F (\\S+) .*/\\1/')
            "$function" 2>/dev/null
            printf '%s\\n' "${COMPREPLY[@]}"
        """
        done = subprocess.run(["bash", "--norc", "-c", script, "bash", line], check=True, capture_output=True, text=True,
                              cwd=self.folder, env=self.environment, timeout=60)
        return done.stdout.split()

    def fish(self, line):
        done = subprocess.run(["fish", "--no-config", "-c", f"source complete.fish; complete -C '{line}'"], check=True,
                              capture_output=True, text=True, cwd=self.folder, env=self.environment, timeout=60)
        return [one.split("\t")[0] for one in done.stdout.splitlines()]

    def test_bash_and_fish_offer_what_there_is(self):
        for offer in (self.bash, self.fish):
            with self.subTest(offer.__name__):
                self.assertEqual(offer("skewctl subm"), ["submit"])
                self.assertEqual(offer("skewctl token "), ["create", "list", "revoke"])
                self.assertEqual(sorted(offer("skewctl jobs --l")), ["--label", "--limit"])
                self.assertEqual(sorted(offer("skewctl jobs --output ")), ["csv", "json", "table"])
                self.assertEqual(offer("skewctl completion z"), ["zsh"])
                self.assertIn(self.job, offer("skewctl wait j"))
                self.assertIn(f"{self.job}.", offer("skewctl logs "))
                self.assertEqual(offer(f"skewctl logs {self.job}."), [f"{self.job}.1"])
                self.assertIn("spec.yaml", offer("skewctl submit s"))
                self.assertEqual(offer("skewctl info "), [])
                self.assertIn(self.job, offer(f"skewctl --server {self.socket} job "))
                self.assertEqual(offer("skewctl --server unix:/nowhere job "), [])

    def test_values_after_an_equals_sign(self):
        # bash replaces what stands after the sign, fish the word.
        self.assertEqual(self.bash("skewctl jobs --output=j"), ["json"])
        self.assertEqual(sorted(self.bash("skewctl jobs --output=")), ["csv", "json", "table"])
        self.assertEqual(self.fish("skewctl jobs --output=j"), ["--output=json"])
        self.assertIn("spec.yaml", self.bash("skewctl fetch --out=s"))

    def test_keys_in_a_real_shell(self):
        for command in (["bash", "--norc", "-i"], ["zsh", "-f", "-i"]):
            shell = command[0]
            with self.subTest(shell):
                # zsh draws without colours, and asks nothing, on a terminal that can do little.
                terminal = Terminal(command, {**self.environment, "TERM": "vt100", "PS1": "ready> "}, self.folder)
                self.addCleanup(terminal.close)
                terminal.wait_for("ready> ")
                if shell == "zsh":
                    terminal.type("autoload -U compinit && compinit -D -u\n")
                    terminal.wait_for("ready> ")
                terminal.type(f"source ./complete.{shell} && echo loa''ded\n")
                terminal.wait_for(r"(?s)\bloaded\r.*ready> ")
                terminal.type(f"skewctl canc\t{self.job}")
                terminal.wait_for(f"skewctl cancel +{self.job}")
                terminal.type("\x15")  # empties the line
                terminal.type("skewctl jobs --output js\t--limi\t7\n")
                terminal.wait_for(rf'skewctl jobs --output json +--limit +7\s[^$]*"id":"{self.job}"')


if __name__ == "__main__":
    unittest.main()
