"""When something happens in a run, and how that time grows from setting to setting."""
