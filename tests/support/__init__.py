"""What the tests stand on: a private MariaDB, gunicorn servers, and peers that speak the contract."""
