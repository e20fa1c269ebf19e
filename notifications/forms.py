"""The form of notification preferences."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from core.database.lru_cache import LRUCache
from users.models import User

from .digest.schedule import Frequency, Weekday
from .kinds import KIND_INFO, Channel, Kind, KindInfo, channels_of
from .models import DigestSchedule, QuietHours
from .preferences.deliveries import wanted_deliveries
from .preferences.quiet_hours import zone_names

HOURS = ("start", "end", "zone")


class TimeInput(forms.TimeInput):
    """An input of type time, for the browser's time picker."""

    input_type = "time"


class ZoneSelect(forms.Select):
    """A list of some hundred choices, rendered once for the same chosen one."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        if len(str(value)) > MAX_ZONE:
            return super().render(name, value, attrs, renderer)
        # Everything that the list shows; lazy texts are compared in the language of the request.
        key = (name, value, str({**self.attrs, **(attrs or {})}), tuple(self.choices))
        return _ZONE_SELECTS.get_or_make(
            key, lambda: super(ZoneSelect, self).render(name, value, attrs, renderer)
        )


# A client may send any text as a zone: longer ones are not kept.
MAX_ZONE = 64
# About 40 kB each.
_ZONE_SELECTS: LRUCache[SafeString] = LRUCache(20)


class PreferencesForm(forms.Form):
    """A switch for each kind and channel, and the quiet hours, which are validated only if they are switched on."""

    # The times are required only with the switch, which the browser cannot check.
    use_required_attribute = False

    quiet = forms.BooleanField(
        label=_("Keep quiet hours"),
        required=False,
        help_text=_("Mail waits until they end. What you have read by then is not sent."),
    )
    start = forms.TimeField(label=_("From"), widget=TimeInput(format="%H:%M"))
    end = forms.TimeField(label=_("Until"), widget=TimeInput(format="%H:%M"))

    digest = forms.ChoiceField(
        label=_("Send me the digest"),
        choices=[
            (Frequency.OFF.value, _("Never")),
            (Frequency.DAILY.value, Frequency.DAILY.label),
            *((str(day.value), format_lazy(_("Every week, on {day}"), day=day.label)) for day in Weekday),
        ],
        help_text=_(
            "Who joined from your school or employer, the most answered posts, and what waits for you: at 7 in the "
            "morning, or when your quiet hours end, and only if there is news."
        ),
    )

    def __init__(self, data: Any = None, *, member: User) -> None:
        hours = QuietHours.objects.filter(member=member).first()
        schedule = DigestSchedule.objects.filter(member=member).first()
        schedule = schedule or DigestSchedule(frequency=settings.DIGEST_DEFAULT)
        wanted = wanted_deliveries([member.pk], list(Kind))
        initial = {
            _field_name(kind, channel): (member.pk, kind, channel) in wanted
            for kind in Kind
            for channel in channels_of(kind)
        }
        if hours:
            quiet = {"quiet": True, "start": hours.start, "end": hours.end, "zone": hours.zone}
        else:
            quiet = {"quiet": False, "start": "22:00", "end": "07:00", "zone": schedule.zone}
        is_weekly = schedule.frequency == Frequency.WEEKLY
        digest = {"digest": str(schedule.weekday) if is_weekly else schedule.frequency}
        super().__init__(data, initial={**initial, **quiet, **digest})
        for name in initial:
            self.fields[name] = forms.BooleanField(required=False)
        # A zone that was chosen before remains a choice, even if it is no longer known.
        names = sorted({*zone_names(), *filter(None, [hours.zone if hours else "", schedule.zone])})
        choices = [("", _("Choose one")), *((name, name.replace("_", " ")) for name in names)]
        self.fields["zone"] = forms.ChoiceField(
            label=_("Time zone"),
            choices=choices,
            widget=ZoneSelect,
            help_text=_("Of the digest and of quiet hours."),
        )

    def switch_rows(self) -> Iterator[tuple[Kind, KindInfo, dict[str, forms.BoundField]]]:
        """For each kind: its info, and the switch of each of its channels."""
        for kind in Kind:
            yield (
                kind,
                KIND_INFO[kind],
                {channel.value: self[_field_name(kind, channel)] for channel in channels_of(kind)},
            )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        # A page from before the digest has no such field: then the choice stays as it is.
        if "digest" not in self.data:
            self.errors.pop("digest", None)
        if not values.get("quiet"):
            # The digest is sent by the clock of the site where no zone is chosen.
            for name in HOURS:
                self.errors.pop(name, None)
        elif values.get("start") and values.get("start") == values.get("end"):
            self.add_error("end", _("Choose an end that is not the start."))
        return values

    def chosen_deliveries(self) -> dict[tuple[Kind, Channel], bool]:
        """The choice for each kind and channel."""
        return {
            (kind, channel): self.cleaned_data[_field_name(kind, channel)]
            for kind in Kind
            for channel in channels_of(kind)
        }

    def chosen_digest(self) -> dict[str, Any]:
        """The choice for services.set_digest; empty where the form had none."""
        chosen: str = self.cleaned_data.get("digest", "")
        if not chosen:
            return {}
        zone = {"zone": self.cleaned_data.get("zone") or ""}
        if chosen in Frequency.values:
            return {"frequency": Frequency(chosen), **zone}
        return {"frequency": Frequency.WEEKLY, "weekday": int(chosen), **zone}


def _field_name(kind: Kind, channel: Channel) -> str:
    return f"{channel.value}_{kind.value}"
