"""What the admin and cron run, and what a running service tells of itself."""
