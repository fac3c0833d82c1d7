"""File systems that are full, read-only or not there: with the real programs, in file systems of their own."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

import grpc

import harness
from harness import job_pb2, queue_pb2
from test_operations import OperationsCase

MEBIBYTE = 1 << 20


def own_mounts(script):
    """A command that executes what follows it after `script`, in a file system of its own."""
    return ["unshare", "-Urm", "sh", "-ec", script + "; exec \"$@\"", "sh"]


def can_mount():
    return subprocess.run(own_mounts("mount -t tmpfs tmpfs /mnt") + ["true"], capture_output=True,
                          check=False).returncode == 0


def setUpModule():
    if not can_mount():
        raise unittest.SkipTest("this system lets nobody mount a file system of his own")


class FullDiskTest(OperationsCase):
    """The state directory is a file system of 64 MiB and 2,000 files, of which 24 MiB are kept free."""

    def start(self):
        own_disk = own_mounts("mkdir -p {state}; mount -t tmpfs -o size=64m,nr_inodes=2000 tmpfs {state}; "
                              "cp -a \"$SKEW_E2E_JUDGED/.\" {state}")
        return harness.Server("--disk-reserve", "24MiB", "--checkpoint-every", "1", "--devices", "cpu:1x1", "--on-stop", "detach",
                              launcher=own_disk)

    def setUp(self):
        super().setUp()
        self.ballast = pathlib.Path(f"/proc/{self.server.process.pid}/root{self.state}/ballast")

    def free(self):
        return int(json.loads(self.ctl("info", "--output", "json").stdout)["diskFreeBytes"])

    def leave(self, free):
        """Fills the disk up to so many bytes."""
        with open(self.ballast, "ab") as ballast:
            try:
                ballast.write(bytes(max(0, self.free() - free)))
            except OSError:
                pass  # full

    def test_nothing_is_begun_and_what_runs_finishes(self):
        study = harness.spec([harness.vae()], steps=400)
        running = self.server.submit(study)
        waiting = self.server.submit(study)
        self.await_progress(running, 50)
        self.leave(16 * MEBIBYTE)
        with self.assertRaises(grpc.RpcError) as refused:
            self.server.submit(study)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertIn("disk is nearly full", refused.exception.details())
        self.assertIn("kept free", self.ctl("info").stdout)
        self.assertEqual(self.server.finish(running).state, job_pb2.JOB_SUCCEEDED)
        self.assertIn("disk is nearly full", self.ctl("queue").stdout)
        self.assertEqual(self.get(waiting).outlook.wait_cause, queue_pb2.DISK_FULL)
        self.assertEqual(self.get(waiting).runs.active, 0)
        self.ballast.unlink()
        self.assertEqual(self.server.finish(waiting).state, job_pb2.JOB_SUCCEEDED)
        self.assertEqual(harness.measured(self.server, waiting), harness.measured(self.server, running))

    def test_a_disk_without_a_byte_left_costs_time_only(self):
        study = harness.spec([harness.vae()], steps=400)
        job = self.server.submit(study)
        self.await_progress(job, 50)
        self.leave(0)
        self.leave(0)  # what was written meanwhile
        time.sleep(3)  # some checkpoints and reports cannot be written; that they could is no failure of this test
        self.ballast.unlink()
        self.assertEqual(self.server.finish(job).state, job_pb2.JOB_SUCCEEDED)
        again = self.server.submit(study)
        self.server.finish(again)
        self.assertEqual(harness.measured(self.server, job), harness.measured(self.server, again))
        self.ctl("admin", "check")

    def test_a_disk_that_takes_no_more_files(self):
        study = harness.spec([harness.vae()], steps=40)
        many = self.ballast.with_name("many")
        many.mkdir()
        try:
            for number in range(2000):
                (many / str(number)).touch()
        except OSError:
            pass  # no more
        with self.assertRaises(grpc.RpcError) as refused:
            self.server.submit(study)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertIn("more files", refused.exception.details())
        shutil.rmtree(many)
        self.assertEqual(self.server.finish(self.server.submit(study)).state, job_pb2.JOB_SUCCEEDED)

    def test_an_upgrade_on_a_full_disk_waits_for_room(self):
        """The worker trains on meanwhile, and keeps its attempt."""
        job = self.server.submit(harness.spec([harness.vae()], steps=1500))
        self.await_progress(job, 50)
        self.leave(0)
        self.leave(0)  # what was written meanwhile
        workers = self.server.workers()
        self.assertEqual(self.server.stop(), 0)
        time.sleep(1)  # a worker that would not come again would have ended
        self.assertEqual(self.server.workers(), workers)
        ballast = pathlib.Path(f"/proc/{workers[0]}/root{self.state}/ballast")
        with open(ballast, "ab", buffering=0) as file:  # the server has made room by ending well
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass  # full
        self.server.launcher = ["nsenter", "-t", str(workers[0]), "-U", "-m", "--preserve-credentials"]
        log = self.server.folder / "skewd.log"

        asked = threading.Event()

        def make_room():
            deadline = time.monotonic() + 60
            while not asked.is_set() and time.monotonic() < deadline:
                if "Make room" in log.read_text():
                    asked.set()
                time.sleep(0.05)
            ballast.unlink()

        thread = threading.Thread(target=make_room)
        thread.start()
        self.server.start()
        thread.join()
        self.assertTrue(asked.is_set(), log.read_text())
        self.assertEqual(self.server.finish(job).state, job_pb2.JOB_SUCCEEDED)
        self.assertEqual([len(run.attempts) for run in self.server.all_runs(job)], [1])
        self.ctl("admin", "check")


class TemporaryFolderTest(OperationsCase):
    def start(self):
        return harness.Server("--devices", "cpu:1x1", base="/var/tmp")

    def test_nobody_needs_the_temporary_folder(self):
        for script in ("mount -t tmpfs -o size=4k,nr_inodes=2 tmpfs /tmp; head -c 4096 /dev/zero > /tmp/full; "
                       "! mktemp 2> /dev/null; export TMPDIR=/tmp", "export TMPDIR=/none"):
            with self.subTest(script):
                self.server.stop()
                self.server.launcher = own_mounts(script)
                self.server.start()
                job = self.server.submit(harness.spec([harness.vae()], steps=40))
                self.assertEqual(self.server.finish(job).state, job_pb2.JOB_SUCCEEDED)
                self.ctl("admin", "backup")


class RefusedTest(unittest.TestCase):
    def test_a_state_directory_that_cannot_be_written_is_refused_with_a_sentence(self):
        with tempfile.TemporaryDirectory(prefix="skew-e2e-", dir="/var/tmp") as folder:
            for script in (f"mount -t tmpfs -o ro tmpfs {folder}",
                           f"mount -t tmpfs tmpfs {folder}; mkdir {folder}/state; mount -o remount,ro {folder}"):
                refused = subprocess.run(
                    own_mounts(script) + [str(harness.BIN / "skewd"), "--state-dir", f"{folder}/state", "--listen",
                                          "127.0.0.1:0"],
                    capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual(refused.returncode, 1, refused.stderr)
                self.assertRegex(refused.stderr, r"skewd: cannot (create|open) .*state.*: Read-only file system")


if __name__ == "__main__":
    unittest.main()
