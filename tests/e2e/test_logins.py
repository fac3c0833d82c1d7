"""Who is behind a connection on one machine, with the real programs and another login."""

import os
import pwd
import stat
import unittest

from test_access import AccessCase


def setUpModule():
    if os.getuid() != 0:
        raise unittest.SkipTest("only root can run skewctl as another login")


class LoginTest(AccessCase):
    def setUp(self):
        super().setUp()
        self.other = pwd.getpwnam("daemon")
        self.home.chmod(0o755)

    def test_logins_are_users_once_they_are_added(self):
        for server in (self.socket, self.server.address):
            self.assertEqual(self.me(server=server)["role"], "ADMIN")
            done = self.ctl("jobs", code=6, server=server, login=self.other)
            self.assertIn("skewctl user add daemon", done.stderr)
        self.admin("user", "add", "daemon", "--role", "viewer")
        for server in (self.socket, self.server.address):
            me = self.me(server=server, login=self.other)
            self.assertEqual((me["user"], me["role"], me["credential"]), ("daemon", "VIEWER", "login daemon"))
            self.ctl("user", "list", code=6, server=server, login=self.other)
        # A token goes before the login.
        self.admin("user", "add", "ada")
        token = self.new_token("ada")
        self.assertEqual(self.me(server=self.socket, environment={"SKEW_TOKEN": token})["user"], "ada")
        self.ctl("jobs", code=6, server=self.socket, environment={"SKEW_TOKEN": token[:-1]})

    def test_the_state_directory_is_closed_to_others(self):
        state = self.server.folder / "state"
        self.assertEqual(stat.S_IMODE(state.stat().st_mode), 0o700)


if __name__ == "__main__":
    unittest.main()
