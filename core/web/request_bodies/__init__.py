"""Limits of request bodies, checked before they are parsed: under WSGI, under ASGI, and for each uploaded part."""
