"""How many addresses get no mail, and how many failed lately: for metrics and `manage.py doctor --mail`."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from core.models import SuppressedAddress
from core.observability.metrics_views import database_metrics

LATELY = timedelta(hours=24)


@dataclass(frozen=True)
class SuppressionCounts:
    """Addresses by reason (SuppressedAddress.Reason), and those with a report within LATELY."""

    by_reason: dict[str, int]
    reported_lately: int


def count_suppressed() -> SuppressionCounts:
    """Return the present counts."""
    lately = Count("pk", filter=Q(last_report_at__gt=timezone.now() - LATELY))
    rows = SuppressedAddress.objects.values("reason").annotate(number=Count("pk"), lately=lately).order_by()
    numbers = {row["reason"]: row for row in rows}
    reasons = SuppressedAddress.Reason.values
    by_reason = {reason: numbers[reason]["number"] if reason in numbers else 0 for reason in reasons}
    return SuppressionCounts(by_reason, sum(row["lately"] for row in numbers.values()))


@database_metrics.add_query
def measure_suppressed() -> list[Metric]:
    """Return the counts for Prometheus."""
    counts = count_suppressed()
    by_reason = GaugeMetricFamily(
        "linkup_mail_suppressed", "Mail addresses with failures or complaints.", labels=["reason"]
    )
    for reason, number in counts.by_reason.items():
        by_reason.add_metric([reason], number)
    lately = GaugeMetricFamily(
        "linkup_mail_reported_addresses",
        "Mail addresses with a failure or complaint in the last 24 hours.",
        value=counts.reported_lately,
    )
    return [by_reason, lately]
