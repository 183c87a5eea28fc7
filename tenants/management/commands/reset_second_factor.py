"""Take the second factor away from an account whose owner has lost it, after those who run the platform know who asks."""

import json
from argparse import ArgumentParser
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.mail import EmailMessage
from django.core.management.base import BaseCommand, CommandError

from tenants.accounts import sessions
from tenants.models import User, normal_login


class Command(BaseCommand):
    help = (
        "Remove the app, the passkeys and the recovery codes of an account, sign it out everywhere, and tell its owner."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *_args: Any, **options: Any) -> None:
        user = User.objects.filter(email=normal_login(options["email"])).first()
        if user is None:
            raise CommandError(f"There is no account {options['email']}.")
        removed = Authenticator.objects.filter(user=user).delete()[0]
        ended = sessions.end(user)
        EmailMessage(
            "Your second factor was removed",
            f"Those who run this platform removed the second factor of your account {user.email}, as you asked them to.\n"
            "You can now sign in with your password alone. Set up a new second factor soon.\n\n"
            "If you did not ask for this, tell them immediately.\n",
            to=[user.email],
        ).send(fail_silently=True)
        self.stdout.write(json.dumps({"email": user.email, "removed": removed, "sessions": ended}))
