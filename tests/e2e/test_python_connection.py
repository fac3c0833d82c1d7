"""The Python client when servers go away, and what it connects with."""

import os
import subprocess
import threading
import time
import unittest
from unittest import mock

import grpc

import harness
from python_case import ENDLESS, SPEC, TRAINING, ClientCase, with_settings
import skew
from skew.v1 import job_pb2, run_pb2


class RestartTest(ClientCase):
    def start_later(self):
        """The server is away for a while."""
        starting = threading.Timer(0.5, self.server.start)
        starting.start()
        return starting

    def interrupt(self, job, stop):
        """Stops the server three times while a watch of a job goes on; returns the events."""
        events = []
        starting = []
        for event in self.client.watch(job):
            events.append(event)
            if len(starting) < 3 and event.progress.progress.step >= 100 * (len(starting) + 1):
                for earlier in starting:  # the event may be from before
                    earlier.join()
                stop()
                starting.append(self.start_later())
        for one in starting:
            one.join()
        self.assertEqual(len(starting), 3)
        return events

    def check(self, job, events):
        self.assertEqual([event.sequence for event in events], list(range(1, len(events) + 1)))
        self.assertEqual(events, list(self.client.watch(job)))
        ends = [event.run_state.state for event in events if event.HasField("run_state")]
        self.assertEqual(ends[-1], run_pb2.SUCCEEDED)
        self.assertEqual(self.client.job(job).state, job_pb2.JOB_SUCCEEDED)

    def test_a_watch_outlives_killed_daemons(self):
        job = self.client.submit(TRAINING).id
        self.check(job, self.interrupt(job, self.server.kill))

    def test_a_watch_outlives_restarts(self):
        job = self.client.submit(with_settings(TRAINING, seed=2)).id
        self.check(job, self.interrupt(job, self.server.stop))

    def test_wait_outlives_a_killed_daemon(self):
        job = self.client.submit(with_settings(TRAINING, seed=3)).id
        waited = []
        thread = threading.Thread(target=lambda: waited.append(self.client.wait(job, timeout=900)))
        thread.start()
        self.assertIsNotNone(next(event for event in self.client.watch(job) if event.progress.progress.step >= 100))
        self.server.kill()
        self.start_later().join()
        thread.join()
        self.assertEqual([one.state for one in waited], [job_pb2.JOB_SUCCEEDED])

    def test_a_submission_is_made_once_although_the_server_is_away(self):
        self.server.kill()
        starting = self.start_later()
        job = self.client.submit(with_settings(ENDLESS, labels={"made": "once"}))
        starting.join()
        self.client.cancel(job.id)
        self.assertEqual([one.id for one in self.client.jobs(labels={"made": "once"})], [job.id])


    def test_a_submission_whose_answer_was_lost_is_not_made_twice(self):
        class Lost(grpc.RpcError):
            def code(self):
                return grpc.StatusCode.UNAVAILABLE

            def details(self):
                return "lost"

            def trailing_metadata(self):
                return ()

        calls = []
        submit = self.client._jobs.SubmitJob

        def lose_the_first(*arguments, **keywords):
            answer = submit(*arguments, **keywords)
            calls.append(answer)
            if len(calls) == 1:
                raise Lost()
            return answer

        with mock.patch.object(self.client._jobs, "SubmitJob", lose_the_first):
            job = self.client.submit(with_settings(ENDLESS, labels={"answer": "lost"}))
        self.client.cancel(job.id)
        self.assertEqual(len(calls), 2)
        self.assertEqual([one.id for one in self.client.jobs(labels={"answer": "lost"})], [job.id])


class TlsTest(ClientCase):
    @classmethod
    def prepare(cls):
        cls.certs = cls.folder / "certs"
        for words in (("server", "localhost", "127.0.0.1"), ("user", "ada")):
            subprocess.run([harness.SOURCE / "deploy" / "make-certs.sh", cls.certs, *words], check=True,
                           capture_output=True)
        cls.flags = ("--tls-cert", cls.certs / "server.pem", "--tls-key", cls.certs / "server.key", "--tls-client-ca",
                     cls.certs / "ca.pem")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        subprocess.run([harness.BIN / "skewctl", "--server", cls.socket, "user", "add", "ada"], check=True,
                       capture_output=True)
        cls.token = subprocess.run(
            [harness.BIN / "skewctl", "--server", cls.socket, "token", "create", "--user", "ada"], check=True,
            capture_output=True, text=True).stdout.strip()

    def connect(self, *arguments, **keywords):
        client = skew.Client(*arguments, **keywords)
        self.addCleanup(client.close)
        return client

    def owner(self, client):
        job = client.submit(ENDLESS)
        self.assertEqual(client.cancel(job.id).id, job.id)
        return job.owner

    def test_a_token_over_tls(self):
        ca = str(self.certs / "ca.pem")
        self.assertEqual(self.owner(self.connect(self.server.address, self.token, ca=ca)), "ada")
        self.raises(skew.Unauthenticated, self.connect(self.server.address, self.token[:-1], ca=ca).job, "j1")
        self.raises(skew.Unavailable, self.connect(self.server.address, self.token, patience=0.3).job, "j1")

    def test_a_certificate(self):
        client = self.connect(self.server.address, ca=str(self.certs / "ca.pem"), cert=str(self.certs / "ada.pem"),
                              key=str(self.certs / "ada.key"))
        self.assertEqual(self.owner(client), "ada")

    def test_the_context_of_skewctl_login(self):
        for context, words in (("lab", ()), ("box", ("--no-token",))):
            subprocess.run([harness.BIN / "skewctl", "login", "--context", context, *words, "--server",
                            self.server.address if context == "lab" else self.socket, "--ca", self.certs / "ca.pem"],
                           input=self.token + "\n", text=True, check=True, capture_output=True)
        self.assertEqual(self.connect().address.target, self.socket)  # the current one
        self.assertEqual(self.owner(self.connect(context="lab")), "ada")
        self.assertIn("lab", str(self.raises(skew.InvalidArgument, self.connect, context="none")))

    def test_the_environment(self):
        with mock.patch.dict(os.environ, {"SKEW_SERVER": self.server.address, "SKEW_TOKEN": self.token,
                                          "SKEW_CA": str(self.certs / "ca.pem")}):
            self.assertEqual(self.owner(self.connect()), "ada")

    def test_settings_that_cannot_work(self):
        for words, arguments, keywords in (("clear", ("192.0.2.1:7433", "x"), {}),
                                           ("both", (self.server.address,), {"ca": "ca.pem", "cert": "ada.pem"}),
                                           ("host:port", ("nowhere",), {}),
                                           ("none.pem", (self.server.address,), {"ca": "none.pem"})):
            self.assertIn(words, str(self.raises(skew.InvalidArgument, self.connect, *arguments, **keywords)))


class RateTest(ClientCase):
    flags = ("--max-requests", "20", "--max-watches", "1")

    def test_calls_above_the_rate_are_made_when_the_server_says_so(self):
        start = time.monotonic()
        for _ in range(140):  # a hundred at once
            self.client.server_info()
        self.assertGreater(time.monotonic() - start, 1)
        with skew.Client(self.socket, patience=0) as hasty:
            with self.assertRaises(skew.ResourceExhausted) as refused:
                for _ in range(1000):
                    hasty.server_info()
        self.assertGreater(refused.exception.retry_delay, 0)
        self.assertIn("requests a second", refused.exception.message)

    def test_a_watch_too_many_waits_for_another_to_end(self):
        job = self.client.submit(SPEC, no_reuse=True)
        first = self.client.watch(job.id)
        next(first)
        with skew.Client(self.socket, stream_patience=0) as hasty:
            error = self.raises(skew.ResourceExhausted, next, hasty.watch(job.id))
        self.assertGreater(error.retry_delay, 0)
        threading.Timer(0.5, self.client.cancel, [job.id]).start()
        second = self.client.watch(job.id)
        self.assertEqual(next(second).sequence, 1)  # once the first has ended
        self.assertEqual(len(list(first)) + 1, len(list(second)) + 1)


if __name__ == "__main__":
    unittest.main()
