"""The command line: one thin file per command, each over public functions; `main` chooses among them."""
