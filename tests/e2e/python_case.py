"""What the tests of the Python client share."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest
from unittest import mock

import harness
import skew

SPEC = """
dataset: mnist
bias:
  fixed: {0: 500, 2: 500}
  varied: {class: 1, counts: [100, 200]}
models: [resample]
iterations: 2
generation: {images: 400}
evaluation: {classifier: {epochs: 1}}
"""

# Long enough to be interrupted.
TRAINING = {
    "dataset": "mnist",
    "bias": {"fixed": {0: 500, 2: 500}, "varied": {"class": 1, "counts": [100]}},
    "models": [{"vae": {"width": 8}}],
    "training": {"steps": 2500},
    "generation": {"images": 200},
    "evaluation": {"classifier": {"epochs": 1}},
}

ENDLESS = {**TRAINING, "training": {"steps": 1_000_000}}


def with_settings(spec, **settings):
    return {**spec, **settings}


class ClientCase(unittest.TestCase):
    """A server with a socket whose address outlives it, and a client of it. No settings of whoever runs this count."""

    flags = ()

    @classmethod
    def setUpClass(cls):
        harness.require_data()
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="skew-python-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SKEW_")}
        patch = mock.patch.dict(os.environ, {**environment, "HOME": str(cls.folder)}, clear=True)
        patch.start()
        cls.addClassCleanup(patch.stop)
        cls.socket = f"unix:{cls.folder}/skewd.sock"
        cls.prepare()
        cls.server = harness.Server("--listen", cls.socket, *cls.flags)
        cls.addClassCleanup(cls.server.close)
        cls.client = skew.Client(cls.socket, patience=5)
        cls.addClassCleanup(cls.client.close)

    @classmethod
    def prepare(cls):
        pass

    def ctl(self, *arguments):
        return subprocess.run([harness.BIN / "skewctl", "--server", self.socket, *arguments], check=True,
                              capture_output=True, text=True, timeout=120).stdout

    def raises(self, error, call, *arguments, **keywords):
        with self.assertRaises(error) as caught:
            call(*arguments, **keywords)
        self.assertIs(type(caught.exception), error)
        self.assertEqual(caught.exception.code, error.status)
        return caught.exception
