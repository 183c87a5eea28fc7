"""Files that programs drop or offer: SFTP and FTPS servers, the pick-up of finished files, and fetching from elsewhere."""
