"""Workspaces (tenants), people, and what they are told. Tenant data proper lives in the apps above."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from core.exact_json import JSONField
from tenants.isolation.base import TenantModel
from tenants.roles import Role, may


def normal_login(email: str) -> str:
    """The form in which a log-in address is stored and looked up: trimmed, ASCII letters in lower case."""
    return "".join(c.lower() if c.isascii() else c for c in email.strip())


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, *, name: str = "") -> "User":
        """Make a person who can sign in; without a password only an invitation link lets them in."""
        user = self.model(email=normal_login(email), name=name)
        user.set_password(password) if password else user.set_unusable_password()
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=normal_login(username or ""))


class User(AbstractBaseUser):
    """A person who signs in by e-mail. What they may do is said by their memberships."""

    email = models.EmailField(unique=True, db_collation="C")
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        db_table = "user"

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        return self.name or self.email

    @property
    def initials(self) -> str:
        words = self.name.split() or [self.email]
        return "".join(word[0] for word in words[:2]).upper()


class OpenTenants(models.Manager["Tenant"]):
    """Workspaces that are not closed: those that anything may be done for (tenants.closing)."""

    def get_queryset(self) -> models.QuerySet["Tenant"]:
        return super().get_queryset().filter(closed_at=None)


class Tenant(models.Model):
    """A workspace: the unit of isolation."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    country = models.CharField(max_length=2, blank=True, help_text="ISO code; the region of phones written without +.")
    time_zone = models.CharField(max_length=60, default="UTC")
    colour = models.CharField(max_length=7, default="#115e59")
    # Limits of an import, shown before an upload (product, section 1).
    max_upload_bytes = models.BigIntegerField(default=500_000_000)
    max_rows = models.IntegerField(default=5_000_000)
    max_columns = models.IntegerField(default=100)
    min_rows = models.IntegerField(default=1, db_default=1)
    # Separators that files may use, one character each; empty means any.
    separators = models.CharField(max_length=10, blank=True, db_default="")
    # Values by the strict rules: integers begin with 1 to 9, ISO dates only, choices by their ID, and number-like
    # columns filled in every row or in none.
    strict_values = models.BooleanField(default=False, db_default=False)
    # The original file of an import is deleted after so many days.
    keep_files_days = models.IntegerField(default=30, db_default=30)
    # So many soft bounces in a row make a hard one; 0: never.
    # Whether orders that only a browser has told of count in segments: anybody with a site's public key can send one.
    count_claimed_orders = models.BooleanField(default=False, db_default=False)
    soft_bounces = models.SmallIntegerField(default=5, db_default=5)
    # Which identifiers decide who a row is, strongest first.
    identifier_order = models.CharField(max_length=60, default="external_id,email,phone")
    # So many contacts with an e-mail address the plan of the workspace holds; those made later are over the limit.
    contact_limit = models.BigIntegerField(null=True)
    # Members without a second factor cannot open the workspace (tenants.web.middleware).
    needs_second_factor = models.BooleanField(default=False, db_default=False)
    # Members have to sign in by the provider of the workspace; owners have another way (tenants.access_requirements).
    needs_single_sign_on = models.BooleanField(default=False, db_default=False)
    # A second factor that the provider says it asked for counts here.
    trusts_provider_factor = models.BooleanField(default=False, db_default=False)
    # What it may use of the platform (tenants.limits); NULL: what the environment says.
    most_imports = models.IntegerField(null=True)
    most_stored_mb = models.IntegerField(null=True)
    most_contacts = models.IntegerField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    # Who made it by the page; each person may make so many (WORKSPACES_PER_PERSON).
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    # Closed (tenants.closing): nothing is done for it. At `erase_at` its data begins to go, and from `erasing_since` on it
    # cannot be reopened. A workspace that is erased stays as a number, without a name.
    closed_at = models.DateTimeField(null=True)
    erase_at = models.DateTimeField(null=True)
    erasing_since = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager["Tenant"]] = models.Manager()
    open: ClassVar[OpenTenants] = OpenTenants()

    class Meta:
        db_table = "tenant"
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["erase_at"], name="tenant_to_erase", condition=models.Q(erased_at=None)),
        ]

    def __str__(self) -> str:
        return self.name


class WorkspaceExport(TenantModel):
    """Everything of a workspace as one file: asked for by an owner, made by a worker (tenants.closing.export_job)."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Ready"
        FAILED = "failed", "Failed"

    ACTIVE = (State.WAITING, State.RUNNING)

    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=0)
    # The name of the file in the store: while it is being made, too, so that no part of it can be forgotten. Empty before,
    # after a failure, and when its time is over.
    file = models.CharField(max_length=120, blank=True)
    bytes = models.BigIntegerField(default=0)
    rows = models.BigIntegerField(default=0)

    class Meta(TenantModel.Meta):
        db_table = "workspace_export"

    def __str__(self) -> str:
        return f"export {self.pk}"


class Membership(TenantModel):
    """A person's role in a workspace. Readable by the person from outside, to list their workspaces."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    role = models.CharField(max_length=12, choices=Role)
    created_at = models.DateTimeField(default=timezone.now)
    # The columns that this person wants to see in lists of contacts (contacts.listing.list_columns); NULL: the usual ones.
    list_columns = models.JSONField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "membership"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "user"], name="membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.role}"

    @property
    def role_label(self) -> str:
        return Role(self.role).label

    def may(self, permission: str) -> bool:
        return may(self.role, permission)


class Invitation(TenantModel):
    """A one-time way into a workspace for an e-mail address. The link is signed and expires."""

    email = models.EmailField(db_collation="C")
    role = models.CharField(max_length=12, choices=Role)
    invited_by = models.ForeignKey(User, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    # How often and when it was sent last: only the link of the last mail works.
    sent = models.IntegerField(default=1, db_default=1)
    sent_at = models.DateTimeField(default=timezone.now, db_default=Now())
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "invitation"

    def __str__(self) -> str:
        return self.email

    @property
    def role_label(self) -> str:
        return Role(self.role).label


class IdentityProvider(TenantModel):
    """Where members of a workspace sign in with the account of their company: by OpenID Connect."""

    issuer = models.CharField(max_length=300, db_collation="C")
    client_id = models.CharField(max_length=300)
    secret = models.TextField()  # encrypted (core.encryption)
    is_on = models.BooleanField(default=True)
    # The role of who joins by it; empty: only members sign in.
    join_role = models.CharField(max_length=12, blank=True)
    tested_at = models.DateTimeField(null=True)
    # The last sign-in that failed, in words.
    error = models.CharField(max_length=300, blank=True)
    error_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "identity_provider"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id"], name="identity_provider_once")
        ]

    def __str__(self) -> str:
        return self.issuer


class ProviderLink(TenantModel):
    """An account of the company that signs in to an account here: issuer and subject are what a provider calls them."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    issuer = models.CharField(max_length=300, db_collation="C")
    subject = models.CharField(max_length=255, db_collation="C")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        db_table = "provider_link"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "issuer", "subject"], name="provider_link_once"),
        ]

    def __str__(self) -> str:
        return self.subject


class SignInDomain(models.Model):
    """A domain of e-mail addresses whose people sign in by the provider of a workspace, once it is approved."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    domain = models.CharField(max_length=253, db_collation="C")
    created_at = models.DateTimeField(default=timezone.now)
    # Those who run the platform have seen that the domain is the company's; until then it leads nowhere.
    approved_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "sign_in_domain"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "domain"], name="sign_in_domain_once"),
            models.UniqueConstraint(
                fields=["domain"], condition=models.Q(approved_at__isnull=False), name="sign_in_domain_of_one"
            ),
        ]

    def __str__(self) -> str:
        return self.domain


class Notice(TenantModel):
    """Something that a person is told in the application."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=300, blank=True)
    tone = models.CharField(max_length=8, default="neutral")
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "notice"
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant_id", "user", "-id"], name="notice_of_user")]

    def __str__(self) -> str:
        return self.text


class Outbox(TenantModel):
    """A mail to be sent, written in the transaction whose news it carries; the key makes it one mail only."""

    key = models.CharField(max_length=120, db_collation="C")
    to = models.EmailField()
    subject = models.CharField(max_length=200)
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        db_table = "outbox"
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["tenant_id", "key"], name="outbox_once")]

    def __str__(self) -> str:
        return self.key


class AuditEntry(TenantModel):
    """Who did what. The application role may add entries and read them, never change or remove one."""

    user = models.ForeignKey(User, models.DO_NOTHING, null=True, related_name="+", db_constraint=False)
    verb = models.CharField(max_length=60)
    object = models.CharField(max_length=120, blank=True)
    detail = JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        db_table = "audit_entry"
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant_id", "object", "-id"], name="audit_of_object")]

    def __str__(self) -> str:
        return f"{self.verb} {self.object}"


class RetentionRule(TenantModel):
    """How long one kind of data is stored (tenants.retention), and how far its removal is."""

    kind = models.CharField(max_length=20, db_collation="C")
    days = models.IntegerField(null=True)  # NULL: no end
    # The rule that holds from `next_at` on; until then it can be undone.
    next_days = models.IntegerField(null=True)
    next_at = models.DateTimeField(null=True)
    next_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    version = models.IntegerField(default=0)
    # The run that is under way: since when, how many it has removed, and what its next step has to know.
    run_at = models.DateTimeField(null=True)
    stepped_at = models.DateTimeField(null=True)
    removing = models.BigIntegerField(default=0)
    progress = models.JSONField(default=dict)
    # The last run, what went wrong in it, and the last one that removed something.
    ended_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, blank=True)
    removed = models.BigIntegerField(default=0)
    removed_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "retention_rule"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "kind"], name="retention_rule_once"),
        ]

    def __str__(self) -> str:
        return self.kind


class FailedSignIn(TenantModel):
    """An attempt to sign in with the account of a member that failed (tenants.accounts.failed_sign_ins)."""

    class Reason(models.TextChoices):
        PASSWORD = "password", "Wrong password"
        CODE = "code", "Wrong code"
        LOCKED = "locked", "Too many attempts"
        PASSKEY = "passkey", "Passkey refused"
        INACTIVE = "inactive", "The account is deactivated"
        # Single sign-on: noted in the workspace of the provider alone.
        CANCELED = "canceled", "Canceled or refused at the company’s sign-in"
        PROVIDER = "provider", "The company’s sign-in failed, or its answer was not accepted"
        STATE = "state", "Company sign-in too old, used before, or begun in another browser"
        DOMAIN = "domain", "The company’s sign-in named an address of a domain that is not approved"
        STRANGER = "stranger", "The company’s sign-in named a person who is not a member"

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=10, choices=Reason)
    address = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)

    class Meta(TenantModel.Meta):
        db_table = "failed_sign_in"

    def __str__(self) -> str:
        return f"{self.user_id}: {self.reason}"


class FileRemoval(TenantModel):
    """A stored file to which no row points any more, until it is removed (tenants.file_removals)."""

    name = models.TextField(db_collation="C")

    class Meta(TenantModel.Meta):
        db_table = "file_removal"

    def __str__(self) -> str:
        return self.name


class PendingWork(models.Model):
    """Which workspaces have work waiting, so that a sweeper need not open every workspace. Ids only."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "wake"
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["tenant", "kind"], name="wake_once")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.tenant_id}"
