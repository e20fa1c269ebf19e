"""Settings of gunicorn for benches; the product's gunicorn.conf.py would log every request."""

worker_class = "gthread"
workers = 2
threads = 4
loglevel = "warning"
