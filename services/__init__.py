"""The three services and the command line. They meet on the log, never on imports;
only ``services.cli`` sees several."""
