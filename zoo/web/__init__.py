"""The zoo in a browser and over HTTP: a server, its page, and the same page as static files."""
