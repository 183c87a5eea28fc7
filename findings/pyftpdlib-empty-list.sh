#!/bin/sh
# pyftpdlib 2.2.0, the list of an empty folder over TLS.
# Expected: an empty list is an empty answer on a data channel with TLS, as a list with names is.
# Seen: the data connection is closed before its TLS handshake has ended. Python's ftplib raises SSLError for NLST of an empty
#   folder, and works for one with a file.
# Source of the expectation: RFC 4217: after PROT P the data connection is secured, whatever it carries.
# Here: connectors/servers/ftps.py does not write an answer without a byte (`Data.push`), so that the handshake comes first.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyftpdlib==2.2.0 pyOpenSSL==26.4.0
mkdir "$folder/root" "$folder/root/empty" "$folder/root/filled"
echo x >"$folder/root/filled/a.txt"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
  -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
cat >"$folder/try.py" <<'PYTHON'
import ftplib
import logging
import ssl
import threading
import warnings

warnings.simplefilter("ignore")
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import TLS_FTPHandler
from pyftpdlib.servers import ThreadedFTPServer

logging.disable(logging.CRITICAL)


class Handler(TLS_FTPHandler):
    certfile, keyfile = "cert.pem", "key.pem"
    authorizer = DummyAuthorizer()


Handler.authorizer.add_user("user", "password", "root", perm="elradfmwMT")
server = ThreadedFTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, kwargs={"handle_exit": False}, daemon=True).start()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE


def listed(folder):
    client = ftplib.FTP_TLS(context=context, timeout=20)
    client.connect("127.0.0.1", server.address[1])
    client.login("user", "password")
    client.prot_p()
    try:
        return client.nlst(folder)
    except (ssl.SSLError, OSError) as problem:
        return type(problem).__name__
    finally:
        client.close()


print("filled:", listed("filled"))
print("empty:", *{str(listed("empty")) for _ in range(5)})
PYTHON
said=$(cd "$folder" && timeout 60 venv/bin/python try.py)
echo "$said"
echo "$said" | grep -q "^filled: \['a.txt'\]$\|^filled: \['filled/a.txt'\]$" && echo "$said" | grep "^empty:" | grep -q "Error"
