"""Mail that comes back: reports of failed delivery and complaints, and the addresses that get no mail because of them.

`envelope` signs the sender of each mail for its recipient, `reports` and `complaints` read what returns, `inbound`
receives it as mail and `webhooks` from providers, `suppression` decides what is still sent. See docs/decisions/0052.
"""
