"""The other way: files are fetched from a client's SFTP server or bucket, on a schedule."""
