"""A report's forms: plain text, JSON, the rows as CSV, and one HTML page. They read values, and write nothing but text."""
