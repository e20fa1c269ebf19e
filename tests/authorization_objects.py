"""Creates the members and objects that the table of tests.authorization names."""

from dataclasses import dataclass

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from core.files.images import Encoded
from feed.models import Post, PostImage
from feed.tests.factories import PDF, answer, say
from messaging.models import Membership
from messaging.services import File, start_direct, start_group
from messaging.tests.factories import send
from network.services import block_member, invite_member
from notifications.kinds import Kind
from notifications.models import Notification
from notifications.preferences.unsubscribe_tokens import token_for
from users.audience import Audience
from users.models import Experience, User
from users.tests.accounts import make_unconfirmed

from .cast import client_of, connect, make_member


@dataclass(frozen=True)
class AuthorizationObjects:
    """The members, and the values of the placeholders in the table."""

    members: dict[str, User]
    words: dict[str, object]

    def client(self, visitor: str) -> Client:
        return client_of(self.members[visitor]) if visitor in self.members else Client()


def create_visitors(alice: User, mona: User) -> dict[str, User]:
    """Create the members that send requests, by their relation to Alice."""
    members = {
        "owner": alice,
        "moderator": mona,
        "stranger": make_member("stranger"),
        "connection": make_member("connection"),
        "staff": make_member("stella", is_staff=True, is_superuser=True),
        "suspended": make_member("sam", suspended_at=timezone.now()),
    }
    connect(alice, members["connection"])
    return members


def create_objects(alice: User, mona: User) -> AuthorizationObjects:
    """Create one object of each kind, owned by Alice, as tests.authorization expects. Mona is a moderator."""
    members = create_visitors(alice, mona)
    una = make_unconfirmed("una")
    asking, asked, foe, dora = (make_member(name) for name in ("asking", "asked", "foe", "dora"))
    connect(alice, dora)
    document = Post.document.field.store_file(PDF, "pdf")
    post = say(alice, "Among us #circle", audience=Audience.CONNECTIONS)
    Post.objects.filter(pk=post.pk).update(document=document, document_name="plan.pdf")
    picture = PostImage.file.field.store_encoded([Encoded(b"RIFF", 1, 1)] * 2)
    image = post.images.create(file=picture.value, width=1, height=1)
    comment = answer(post, alice)
    answer(post, alice, "And more", parent=comment)
    block_member(blocker=alice, blocked=foe)
    talk = start_direct(by=alice, other=members["connection"])
    said = send(talk, alice, files=[File(PDF, "plan.pdf")])
    group = start_group(by=alice, members=[members["connection"], dora], title="Harbour")
    words = {
        "post": post.pk,
        "image": image.pk,
        "comment": comment.pk,
        "position": Experience.objects.create(
            user=alice, title="Baker", employer="Bakery", start=timezone.localdate()
        ).pk,
        "got": invite_member(inviter=asking, invitee=alice).pk,
        "sent": invite_member(inviter=alice, invitee=asked).pk,
        "talk": talk.pk,
        "said": said.seq,
        "file": said.attachments.get().pk,
        "group": group.pk,
        "dora": Membership.objects.get(conversation=group, member=dora).pk,
        "news": Notification.objects.get(recipient=alice, kind=Kind.INVITATION).pk,
        "stop": token_for(alice.pk, Kind.COMMENT),
        "picture": default_storage.save("photos/aa/picture.webp", ContentFile(b"RIFF")),
        "private": document,
        "confirmation": EmailConfirmationHMAC(EmailAddress.objects.get(user=una)).key,
    }
    return AuthorizationObjects(members, words)
