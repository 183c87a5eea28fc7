#!/bin/sh
# asyncssh 2.24.1, its SFTP server.
# Expected: a server can tell a file that its client has closed from one that was open when the connection was lost.
# Seen: `SFTPServer.close(file_obj)` is called in the same way for both. Only the order of calls differs: when a connection is
#   lost, `exit()` follows before the event loop runs again.
# Source of the expectation: draft-ietf-secsh-filexfer-02, 6.3: SSH_FXP_CLOSE is a request of the client; the documentation of
#   `SFTPServer.close` says "Close an open file or directory" and names no other caller.
# Here: connectors/servers/sftp.py ends an upload one turn of the loop later, and as broken off if `exit` was called before.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check asyncssh==2.24.1
cat >"$folder/try.py" <<'PYTHON'
import asyncio
import tempfile

import asyncssh

calls = []


class Door(asyncssh.SSHServer):
    def begin_auth(self, username):
        return False


class Files(asyncssh.SFTPServer):
    def __init__(self, chan):
        super().__init__(chan, chroot=tempfile.mkdtemp())

    def close(self, file_obj):
        calls.append("close")
        asyncio.get_running_loop().call_soon(calls.append, "loop")
        return super().close(file_obj)

    def exit(self):
        calls.append("exit")


async def main():
    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.listen("127.0.0.1", 0, server_factory=Door, server_host_keys=[key], sftp_factory=Files)
    for ending in ("closed", "lost"):
        calls.clear()
        connection = await asyncssh.connect("127.0.0.1", server.get_port(), known_hosts=None, username="user", config=None)
        files = await connection.start_sftp_client()
        file = await files.open("customers.csv", "wb")
        await file.write(b"email\nann@example.com\n")
        if ending == "closed":
            await file.close()
        connection.abort()
        await connection.wait_closed()
        for _ in range(100):
            await asyncio.sleep(0.02)
            if "exit" in calls and calls.count("loop"):
                break
        print(f"{ending}:", *calls)
    server.close()


asyncio.run(main())
PYTHON
said=$(cd "$folder" && timeout 60 venv/bin/python try.py)
echo "$said"
echo "$said" | grep -q "^closed: close loop exit$" && echo "$said" | grep -q "^lost: close exit loop$"
