"""How gunicorn runs in benches. The product's own file is left out: it would write a log of every request."""

worker_class = "gthread"
workers = 2
threads = 4
loglevel = "warning"
