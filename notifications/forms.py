"""What a member chooses to be told of."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from users.models import User

from .kinds import ABOUT, About, Channel, Kind, channels_of
from .models import QuietHours
from .preferences import wishes
from .quiet import zone_names

HOURS = ("start", "end", "zone")


class TimeInput(forms.TimeInput):
    """The browser's own picker of a time of day."""

    input_type = "time"


class PreferencesForm(forms.Form):
    """A switch for each kind and channel, and the quiet hours, which are looked at only where they are switched on."""

    # Not for the browser to insist on: only with the switch.
    use_required_attribute = False

    quiet = forms.BooleanField(
        label=_("Keep quiet hours"),
        required=False,
        help_text=_("Mail waits until they end. What you have read by then is not sent at all."),
    )
    start = forms.TimeField(label=_("From"), widget=TimeInput(format="%H:%M"))
    end = forms.TimeField(label=_("Until"), widget=TimeInput(format="%H:%M"))

    def __init__(self, data: Any = None, *, member: User) -> None:
        hours = QuietHours.objects.filter(member=member).first()
        wanted = wishes([member.pk], list(Kind))
        initial = {
            _field(kind, channel): (member.pk, kind, channel) in wanted
            for kind in Kind
            for channel in channels_of(kind)
        }
        if hours:
            quiet = {"quiet": True, "start": hours.start, "end": hours.end, "zone": hours.zone}
        else:
            quiet = {"quiet": False, "start": "22:00", "end": "07:00", "zone": ""}
        super().__init__(data, initial={**initial, **quiet})
        for name in initial:
            self.fields[name] = forms.BooleanField(required=False)
        # A zone that was chosen once stays one to choose.
        names = sorted({*zone_names(), *([hours.zone] if hours else [])})
        choices = [("", _("Choose one")), *((name, name.replace("_", " ")) for name in names)]
        self.fields["zone"] = forms.ChoiceField(label=_("Time zone"), choices=choices)

    def rows(self) -> Iterator[tuple[Kind, About, dict[str, forms.BoundField]]]:
        """For each kind: what it is, and the switch of each channel that it has."""
        for kind in Kind:
            yield (
                kind,
                ABOUT[kind],
                {channel.value: self[_field(kind, channel)] for channel in channels_of(kind)},
            )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if not values.get("quiet"):
            for name in HOURS:
                self.errors.pop(name, None)
        elif values.get("start") and values.get("start") == values.get("end"):
            self.add_error("end", _("Quiet hours that end when they begin are none."))
        return values

    def choices(self) -> dict[tuple[Kind, Channel], bool]:
        """What was chosen of each kind and channel."""
        return {
            (kind, channel): self.cleaned_data[_field(kind, channel)]
            for kind in Kind
            for channel in channels_of(kind)
        }


def _field(kind: Kind, channel: Channel) -> str:
    return f"{channel.value}_{kind.value}"
