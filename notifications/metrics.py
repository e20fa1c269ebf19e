"""Metrics of mail that is due but not sent (registered with core.observability.metrics_views)."""

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from core.observability.metrics_views import database_metrics

from .models import Notification


@database_metrics.add_query
def due_mail() -> list[Metric]:
    """The number of due notifications and the age of the oldest; a timer sends them every few minutes."""
    now = timezone.now()
    due = Notification.objects.unread().due(now).aggregate(number=Count("pk"), since=Min("mail_due_at"))
    waited = (now - due["since"]).total_seconds() if due["since"] else 0.0
    return [
        GaugeMetricFamily(
            "linkup_mail_due", "Notifications whose mail should have left.", value=due["number"]
        ),
        GaugeMetricFamily(
            "linkup_mail_due_oldest_seconds", "How long the oldest of them waits.", value=waited
        ),
    ]
