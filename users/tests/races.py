"""Acts at the same moment: each on a thread with a database connection of its own."""

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

from django.db import connection

Act = Callable[[], object]


def at_once(*acts: Act) -> list[Any]:
    """Run `acts` together; what each returned, or the exception that it raised, in their order."""
    start = Barrier(len(acts))
    results: list[Any] = [None] * len(acts)

    def run(place: int, act: Act) -> None:
        try:
            connection.ensure_connection()
            start.wait(timeout=10)
            results[place] = act()
        except Exception as error:  # noqa: BLE001 -- the test looks at whatever it was
            results[place] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads), "a deadlock"
    return results
