"""Forms of output, one file a form."""
