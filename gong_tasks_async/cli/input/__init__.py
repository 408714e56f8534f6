"""From a file or selection to a plan."""
