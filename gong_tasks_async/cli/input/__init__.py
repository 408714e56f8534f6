"""From a file or a selection to a plan."""
