"""Where alerts are told: a file, a mail server, a webhook."""
