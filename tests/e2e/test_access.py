"""Users, tokens and TLS, with the real programs."""

import importlib
import json
import os
import pathlib
import pkgutil
import pwd
import shutil
import ssl
import stat
import subprocess
import tempfile
import time
import unittest

import grpc

import harness
import skew.v1

MAKE_CERTS = harness.SOURCE / "deploy" / "make-certs.sh"


def every_method():
    """The paths of all methods of the API, by its own descriptors."""
    modules = [importlib.import_module(f"skew.v1.{module.name}") for module in pkgutil.iter_modules(skew.v1.__path__)
               if module.name.endswith("_service_pb2")]
    return [f"/{service.full_name}/{method.name}" for module in modules
            for service in module.DESCRIPTOR.services_by_name.values() for method in service.methods]


class AccessCase(unittest.TestCase):
    """A folder that other logins can reach, with skewctl in it, and a server with a socket there."""

    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="skew-access-", dir="/tmp"))
        cls.folder.chmod(0o755)
        shutil.copy(harness.BIN / "skewctl", cls.folder / "skewctl")
        cls.socket = f"unix:{cls.folder}/skewd.sock"
        cls.prepare()
        cls.server = harness.Server("--listen", cls.socket, *cls.flags)

    @classmethod
    def prepare(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(dir=self.folder))

    def ctl(self, *arguments, code=0, server=None, text=None, login=None, environment=None):
        """skewctl with a home folder of its own, as another login if one is given."""
        command = [self.folder / "skewctl", "--timeout", "2", *arguments]
        if server:
            command += ["--server", server]
        if login:
            command = ["setpriv", f"--reuid={login.pw_uid}", f"--regid={login.pw_gid}", "--clear-groups", *command]
        done = subprocess.run(command, capture_output=True, text=True, input=text, timeout=60,
                              env={"PATH": os.environ["PATH"], "HOME": str(self.home), **(environment or {})})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def admin(self, *arguments, code=0):
        return self.ctl(*arguments, code=code, server=self.socket)

    def new_token(self, user, *flags):
        return self.admin("token", "create", "--user", user, *flags).stdout.strip()

    def me(self, *arguments, **keywords):
        return json.loads(self.ctl("whoami", "-o", "json", *arguments, **keywords).stdout)


class TokenTest(AccessCase):
    @classmethod
    def prepare(cls):
        # Reached from everywhere, so that a login of this machine is nobody there.
        cls.flags = ("--listen", "0.0.0.0:0", "--insecure")

    def setUp(self):
        super().setUp()
        self.remote = "127.0.0.1:" + (self.server.folder / "addresses").read_text().split()[2].rsplit(":", 1)[1]
        self.user = "user-" + self.home.name
        self.admin("user", "add", self.user)

    def test_login_stores_a_context_that_works_until_the_token_is_revoked(self):
        token = self.new_token(self.user, "--name", "laptop", "--expires", "30d")
        self.assertRegex(token, r"^skew_t\d+_[0-9a-f]{64}$")
        done = self.ctl("login", "--context", "lab", server=self.remote, text=token + "\n")
        self.assertIn(self.user, done.stderr)
        self.assertNotIn(token, done.stderr + done.stdout)
        config = self.home / ".config" / "skew" / "config.yaml"
        self.assertEqual(stat.S_IMODE(config.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(config.parent.stat().st_mode), 0o700)
        self.assertEqual(self.me()["user"], self.user)
        self.assertIn("*", self.ctl("context").stdout)
        self.ctl("login", "--context", "box", "--no-token", server=self.socket)
        self.assertNotEqual(self.me()["user"], self.user)
        self.ctl("context", "lab")
        self.assertEqual(self.me()["role"], "MEMBER")
        self.ctl("context", "nowhere", code=7)
        listed = self.ctl("token", "list").stdout
        self.assertIn("laptop", listed)
        self.assertNotIn(token.rsplit("_", 1)[1], listed)
        self.ctl("token", "revoke", token.split("_")[1])
        self.assertIn("was revoked", self.ctl("jobs", code=6).stderr)

    def test_refusals_have_their_own_exit_code(self):
        token = self.new_token(self.user)
        wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
        for given in (wrong, "nonsense", "skew_t1_"):
            done = self.ctl("jobs", code=6, server=self.remote, environment={"SKEW_TOKEN": given})
            self.assertNotIn(given.rsplit("_", 1)[-1] or given, done.stderr)
        self.ctl("jobs", code=6, server=self.remote)
        self.ctl("login", code=6, server=self.remote, text=wrong)
        self.assertFalse((self.home / ".config").exists())
        self.ctl("login", code=2, server=self.remote, text="")
        self.ctl("user", "list", code=6, server=self.remote, environment={"SKEW_TOKEN": token})
        self.ctl("user", "set", self.user, "--role", "viewer", server=self.socket)
        spec = self.home / "spec.yaml"
        spec.write_text("dataset: mnist\n")
        self.ctl("submit", str(spec), code=6, server=self.remote, environment={"SKEW_TOKEN": token})
        self.ctl("jobs", server=self.remote, environment={"SKEW_TOKEN": token})
        self.admin("user", "set", self.user, "--disable")
        self.ctl("jobs", code=6, server=self.remote, environment={"SKEW_TOKEN": token})

    def test_a_token_is_not_sent_in_the_clear_to_another_machine(self):
        done = self.ctl("jobs", code=2, server="192.0.2.1:7433", environment={"SKEW_TOKEN": "x"})
        self.assertIn("--ca", done.stderr)

    def test_secrets_are_nowhere(self):
        token = self.new_token(self.user)
        secret = token.rsplit("_", 1)[1].encode()
        self.ctl("jobs", server=self.remote, environment={"SKEW_TOKEN": token})
        for wrong in (token + "0", token.upper()):
            self.ctl("jobs", code=6, server=self.remote, environment={"SKEW_TOKEN": wrong})
        checked = 0
        for path in self.server.folder.rglob("*"):
            if path.is_file():
                checked += 1
                content = path.read_bytes()
                self.assertNotIn(secret, content, path)
                self.assertNotIn(secret.upper(), content, path)
        self.assertGreater(checked, 2)

    def test_changes_are_audited(self):
        token = self.new_token(self.user)
        lines = [json.loads(line) for line in self.admin("audit", "--object", f"user {self.user}", "-o",
                                                         "json").stdout.splitlines()]
        self.assertEqual([line["action"] for line in lines], ["CreateUser"])
        self.assertEqual(lines[0]["actor"], pwd.getpwuid(os.getuid()).pw_name)
        self.assertIn(f"token {token.split('_')[1]}", self.admin("audit").stdout)
        self.ctl("audit", code=6, server=self.remote, environment={"SKEW_TOKEN": token})

    def test_other_addresses_need_tls_or_insecure(self):
        done = subprocess.run([harness.BIN / "skewd", "--state-dir", self.home / "state", "--listen", "0.0.0.0:0"],
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--insecure", done.stderr)
        self.assertIn("deploy/make-certs.sh", done.stderr)


class TlsTest(AccessCase):
    @classmethod
    def prepare(cls):
        cls.certs = cls.folder / "certs"
        cls.make(cls.certs, "server", "localhost", "127.0.0.1")
        cls.make(cls.certs, "user", "ada", "stranger")
        cls.other = cls.folder / "other"
        cls.make(cls.other, "server", "localhost", "127.0.0.1")
        cls.make(cls.other, "user", "ada")
        cls.flags = ("--tls-cert", cls.certs / "server.pem", "--tls-key", cls.certs / "server.key", "--tls-client-ca",
                     cls.certs / "ca.pem")

    @staticmethod
    def make(*arguments):
        subprocess.run([MAKE_CERTS, *arguments], check=True, capture_output=True)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        subprocess.run([cls.folder / "skewctl", "--server", cls.socket, "user", "add", "ada"], check=True,
                       capture_output=True)

    def tls(self, *arguments, ca=None, pair=None, **keywords):
        flags = ["--ca", ca or self.certs / "ca.pem"]
        if pair:
            flags += ["--cert", pair.with_suffix(".pem"), "--key", pair.with_suffix(".key")]
        return self.ctl(*arguments, *flags, server=self.server.address, **keywords)

    def test_a_client_certificate_is_its_user(self):
        me = json.loads(self.tls("whoami", "-o", "json", pair=self.certs / "ada").stdout)
        self.assertEqual((me["user"], me["role"], me["credential"]), ("ada", "MEMBER", "certificate of ada"))
        until = subprocess.run(["openssl", "x509", "-in", self.certs / "ada.pem", "-noout", "-enddate", "-dateopt",
                                "iso_8601"], check=True, capture_output=True, text=True).stdout.strip()
        self.assertEqual(me["expireTime"], until.removeprefix("notAfter=").replace(" ", "T"))
        self.tls("login", pair=self.certs / "ada")
        self.assertEqual(self.me()["user"], "ada")

    def test_a_token_does_as_well_and_goes_first(self):
        self.admin("user", "add", "bob")
        token = self.new_token("bob")
        for pair in (None, self.certs / "ada"):
            me = json.loads(self.tls("whoami", "-o", "json", pair=pair, environment={"SKEW_TOKEN": token}).stdout)
            self.assertEqual(me["user"], "bob")
        self.tls("jobs", code=6, pair=self.certs / "ada", environment={"SKEW_TOKEN": token[:-1]})

    def test_without_a_credential_nobody_is_known(self):
        self.tls("jobs", code=6)
        self.assertIn("names no user", self.tls("jobs", code=6, pair=self.certs / "stranger").stderr)

    def test_what_another_ca_signed_does_not_connect(self):
        self.assert_every_method_unavailable(grpc.secure_channel(self.server.address, grpc.ssl_channel_credentials(
            *((folder / name).read_bytes() for folder, name in ((self.certs, "ca.pem"), (self.other, "ada.key"),
                                                                (self.other, "ada.pem"))))))
        self.tls("jobs", code=6, pair=self.other / "ada")
        self.tls("jobs", code=6, ca=self.other / "ca.pem")
        # A server's certificate is no user's.
        self.tls("jobs", code=6, pair=self.certs / "server")

    def assert_every_method_unavailable(self, channel):
        methods = every_method()
        self.assertGreater(len(methods), 20)
        with channel:
            for method in methods:
                with self.assertRaises(grpc.RpcError) as caught:
                    channel.unary_unary(method)(b"", timeout=10)
                self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE, method)

    def test_plain_text_is_refused_for_every_method(self):
        self.assert_every_method_unavailable(grpc.insecure_channel(self.server.address))
        self.assertIn("--ca", self.ctl("jobs", code=6, server=self.server.address).stderr)

    def test_bad_files_are_said_at_the_start(self):
        command = [harness.BIN / "skewd", "--state-dir", self.home / "state", "--listen", "127.0.0.1:0", "--tls-cert",
                   self.certs / "server.pem"]
        for key, words in ((self.other / "server.key", "is not the key of"), (self.certs / "ca.pem", "no private key"),
                           (self.home / "none", "none")):
            done = subprocess.run([*command, "--tls-key", key], capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)


class ReloadTest(AccessCase):
    make = staticmethod(TlsTest.make)
    prepare = classmethod(TlsTest.prepare.__func__)
    tls = TlsTest.tls

    def test_new_certificates_are_taken_up_without_a_restart(self):
        self.admin("user", "add", "ada")
        before = self.certificate()
        self.tls("jobs", pair=self.certs / "ada")
        self.tls("jobs", code=6, ca=self.other / "ca.pem", pair=self.other / "ada")
        for name in ("server.key", "server.pem", "ca.pem"):
            os.replace(shutil.copy(self.other / name, self.folder / "new"), self.certs / name)
        deadline = time.monotonic() + 30
        while self.certificate() == before:
            self.assertLess(time.monotonic(), deadline, "the server still shows its old certificate")
            time.sleep(0.2)
        self.tls("jobs", ca=self.other / "ca.pem", pair=self.other / "ada")
        self.tls("jobs", code=6, ca=self.other / "ca.pem", pair=self.certs / "ada")
        self.assertIsNone(self.server.process.poll())

    def certificate(self):
        host, port = self.server.address.rsplit(":", 1)
        return ssl.get_server_certificate((host, int(port)))


if __name__ == "__main__":
    unittest.main()
