"""Outside programs, one module for each: ``probe()`` and typed calls. Nothing else imports ``subprocess``."""
