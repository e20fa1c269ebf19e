"""Whether two members are connected, as a part of written SQL: the same lookup as network.models.are_connected."""

from .models import Connection


def connected_sql(vendor: str, one: str, other: str) -> str:
    """Return the condition, in the SQL of `vendor`, that the members with the ids `one` and `other` are connected.

    Both are SQL, such as a column; of a placeholder, PostgreSQL must know the type: CAST(%(viewer)s AS bigint).
    """
    least, greatest = ("LEAST", "GREATEST") if vendor == "postgresql" else ("MIN", "MAX")
    return (
        "(SELECT pair.state FROM network_connection AS pair"  # noqa: S608 -- names of columns
        f" WHERE pair.low_id = {least}({one}, {other}) AND pair.high_id = {greatest}({one}, {other}))"
        f" = {Connection.State.CONNECTED:d}"
    )
