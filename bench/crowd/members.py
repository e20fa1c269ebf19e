"""Creates the members, with their profiles."""

import random
from datetime import date, timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db.models import Q
from django.utils import timezone

from core.files import images
from demo import content
from demo.people import PASSWORD
from demo.pictures.portraits import LOOKS, STYLES, draw_portrait
from users.models import Education, Experience, Profile, Skill, User

BENCH = "bench"
DOMAIN = "crowd.example.org"
CROWD = Q(email__endswith=f"@{DOMAIN}")
BATCH = 1000
# The number of different portraits, and of photo files.
PORTRAITS, PHOTOS = 8, 200
PHOTO_SHARE = 0.65
SEED = "crowd"


def create_members(count: int) -> list[int]:
    """Create `count` members, BENCH first; return their ids."""
    rng = random.Random(f"{SEED}:people")  # noqa: S311 -- repeatable on purpose
    password = make_password(PASSWORD)
    photos = _store_photos(min(PHOTOS, count))
    ids: list[int] = []
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        users = User.objects.bulk_create([_user(number, password, photos, rng) for number in numbers])
        _create_profiles(users, rng)
        ids += [user.pk for user in users]
    return ids


def _user(number: int, password: str, photos: list[str], rng: random.Random) -> User:
    username = f"member{number:05}" if number else BENCH
    models = list(content.load_members().values())
    first, last = (rng.choice(models).name.split() for _name in range(2))
    joined = timezone.now() - timedelta(days=rng.uniform(1, 900))
    user = User(
        username=username,
        email=f"{username}@{DOMAIN}",
        name=f"{first[0]} {last[-1]}",
        headline=rng.choice(models).headline,
        location=rng.choice(models).location,
        photo=rng.choice(photos) if rng.random() < PHOTO_SHARE else "",
        password=password,
        joined_at=joined,
        date_joined=joined,
    )
    user.refresh_sort_name()
    return user


def _create_profiles(users: list[User], rng: random.Random) -> None:
    texts = list(content.load_members().values())
    EmailAddress.objects.bulk_create(
        [EmailAddress(user=user, email=user.email, verified=True, primary=True) for user in users]
    )
    Profile.objects.bulk_create(
        [Profile(user=user, about=text.about, about_html=f"<p>{text.headline}</p>") for user in users
         for text in rng.choices(texts)]
    )  # fmt: skip
    Experience.objects.bulk_create(
        [Experience(user=user, title="Engineer", employer="City Works", start=date(2010 + year, 3, 1),
                    end=date(2013 + year, 2, 1) if year else None) for user in users for year in (0, 3)]
    )  # fmt: skip
    Education.objects.bulk_create(
        [
            Education(user=user, school="City College", degree="BSc", start_year=2005, end_year=2009)
            for user in users
        ]
    )
    Skill.objects.bulk_create(
        [
            Skill(user=user, name=name)
            for user in users
            for name in ("Maintenance", "Plain language", "Teaching")
        ]
    )


def _store_photos(count: int) -> list[str]:
    """Store `count` photos of PORTRAITS different portraits; return their keys."""
    portraits = [_draw_portrait(number) for number in range(min(PORTRAITS, count))]
    store = User.photo.field.store_encoded
    return [store(portraits[number % PORTRAITS]).value for number in range(count)]


def _draw_portrait(number: int) -> list[images.Encoded]:
    """Return a portrait in the sizes of a photo."""
    style = list(STYLES)[number % len(STYLES)]
    image = draw_portrait(style, number % len(LOOKS), seed=f"{SEED}:{number}")
    return User.photo.field.encode_picture(image)
