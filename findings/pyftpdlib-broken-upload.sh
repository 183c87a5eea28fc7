#!/bin/sh
# pyftpdlib 2.2.0, an upload over TLS 1.3.
# Expected: an upload whose data connection breaks off before TLS has closed it is not reported as received, and not answered
#   with 226: TLS has the close_notify message for just that.
# Seen: it is answered with "226 Transfer complete." and `on_file_received` is called, as for a whole file.
# Source of the expectation: RFC 8446, 6.1 (without a close_notify nobody knows whether all data has come), and the method
#   `on_incomplete_file_received` of that version, which by its name is for just that.
# Here: connectors/servers/ftps.py asks OpenSSL whether TLS was closed, answers 426 and leaves the mark of the upload.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyftpdlib==2.2.0 pyOpenSSL==26.4.0
mkdir "$folder/root"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
  -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
cat >"$folder/try.py" <<'PYTHON'
import ftplib
import logging
import socket
import ssl
import threading
import warnings

warnings.simplefilter("ignore")
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import TLS_FTPHandler
from pyftpdlib.servers import ThreadedFTPServer

logging.disable(logging.CRITICAL)
seen = []


class Handler(TLS_FTPHandler):
    certfile, keyfile = "cert.pem", "key.pem"
    authorizer = DummyAuthorizer()

    def on_file_received(self, file):
        seen.append("received")

    def on_incomplete_file_received(self, file):
        seen.append("incomplete")


Handler.authorizer.add_user("user", "password", "root", perm="elradfmwMT")
server = ThreadedFTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, kwargs={"handle_exit": False}, daemon=True).start()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
client = ftplib.FTP_TLS(context=context, timeout=20)
client.connect("127.0.0.1", server.address[1])
client.login("user", "password")
client.prot_p()
client.voidcmd("TYPE I")
data = client.transfercmd("STOR customers.csv")
data.sendall(b"email\nann@example.com\n")
data.shutdown(socket.SHUT_RDWR)  # the connection breaks off; TLS has not said goodbye
print("answer:", client.getresp())
client.quit()
print("told the program:", *seen)
PYTHON
said=$(cd "$folder" && timeout 60 venv/bin/python try.py)
echo "$said"
echo "$said" | grep -q "^answer: 226 " && echo "$said" | grep -q "^told the program: received$"
