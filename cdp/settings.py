"""One settings file, from environment variables. What is missing and has no safe default stops the start."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import environ
from celery.schedules import crontab

from cdp.stack.environment import check
from cdp.stack.machine import StartError
from core import logs, sentinels

try:
    check(os.environ)
except StartError as problem:
    # Whichever program reads the settings: one sentence, no traceback.
    raise SystemExit(str(problem)) from None

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- required: there is no default that would be safe -------------------------------------------------------------
SECRET_KEY = env.str("SECRET_KEY")
REDIS_URL = env.str("REDIS_URL")
_DATABASE = env.db_url("DATABASE_URL")

# --- optional -----------------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
SITE_URL = env.str("SITE_URL", "http://127.0.0.1:8000").rstrip("/")
HOME = Path(env.str("CDP_HOME", str(BASE_DIR / ".home"))).resolve()
UPLOAD_DIR = Path(env.str("UPLOAD_DIR", str(HOME / "uploads")))
# Files are kept in a bucket instead (core.file_store): s3://KEY:SECRET@HOST/BUCKET. UPLOAD_DIR is then each machine's copy.
OBJECT_STORE = env.str("OBJECT_STORE", "")
MAIL_DIR = env.str("MAIL_DIR", "")
EMAIL_URL = env.str("EMAIL_URL", "")
# Those who run the platform: logins that may block addresses for all workspaces, separated by commas.
OPERATORS = [login.casefold() for login in env.list("OPERATORS", default=[])]
HTTPS = SITE_URL.startswith("https://")
# The role that web and workers run as: owns nothing, may bypass nothing. Migrations grant to it by name.
APP_ROLE = env.str("APP_ROLE", "cdp_app")
WORKERS = env.int("CDP_WORKERS", 2)
# So many workspaces each person may create by the page; 0: only the command makes them.
WORKSPACES_PER_PERSON = env.int("WORKSPACES_PER_PERSON", 3)
# What each workspace may use, unless an operator has set other limits (tenants.limits); 0: no limit.
MOST_IMPORTS = env.int("MOST_IMPORTS", 0)
MOST_STORED_MB = env.int("MOST_STORED_MB", 0)
MOST_CONTACTS = env.int("MOST_CONTACTS", 0)
# Private networks that webhooks and fetching connectors may connect to (core.outside_addresses).
INSIDE_NETWORKS = env.list("INSIDE_NETWORKS", default=[])
# The platform's own accounts at advertising networks, by which workspaces sign in there (docs/data-syncs.md); and where the
# networks are, so that tests and demonstrations can use another server.
GOOGLE_CLIENT_ID = env.str("GOOGLE_CLIENT_ID", "")
GOOGLE_CLIENT_SECRET = env.str("GOOGLE_CLIENT_SECRET", "")
GOOGLE_SIGN_IN_URL = env.str("GOOGLE_SIGN_IN_URL", "https://accounts.google.com/o/oauth2/v2/auth")
GOOGLE_TOKEN_URL = env.str("GOOGLE_TOKEN_URL", "https://oauth2.googleapis.com/token")
GOOGLE_DATA_MANAGER_URL = env.str("GOOGLE_DATA_MANAGER_URL", "https://datamanager.googleapis.com")
META_APP_ID = env.str("META_APP_ID", "")
META_APP_SECRET = env.str("META_APP_SECRET", "")
META_SIGN_IN_URL = env.str("META_SIGN_IN_URL", "https://www.facebook.com")
META_GRAPH_URL = env.str("META_GRAPH_URL", "https://graph.facebook.com")
# The file servers of connectors: where files lie, what to listen on, and the host name that people are told.
CONNECTOR_DIR = Path(env.str("CONNECTOR_DIR", str(HOME / "connectors")))
FILES_BIND = env.str("FILES_BIND", "127.0.0.1")
FILES_HOST = env.str("FILES_HOST", "") or urlsplit(SITE_URL).hostname or "127.0.0.1"
SFTP_PORT = env.int("SFTP_PORT", 2222)
FTPS_PORT = env.int("FTPS_PORT", 2121)
# Ports of data channels, as 30000-30049, and the address that is told for them; by default any free port, and our own.
FTPS_PASSIVE_PORTS = env.str("FTPS_PASSIVE_PORTS", "")
FTPS_PASSIVE_ADDRESS = env.str("FTPS_PASSIVE_ADDRESS", "")
FTPS_CERTIFICATE = env.str("FTPS_CERTIFICATE", "")  # a file with certificate and key; else one of our own making

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "lucide",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "core",
    "cdp.apps.CdpConfig",
    "tenants.apps.TenantsConfig",
    "contacts.apps.ContactsConfig",
    "tracking",
    "segments",
    "imports",
    "sources",
    "audiences",
    "destinations",
    "connectors",
    "insights",
    "api",
]

# Extensions of contacts by other apps, which contacts cannot import (contacts.extensions); checked at every start.
EXTENSIONS = {
    # What each app stores about a contact, the lowest app first.
    "contact_data": {
        "contacts": "contacts.privacy.contact_data",
        "tracking": "tracking.contact_data",
        "segments": "segments.contact_data",
        "imports": "imports.contact_data",
        "sources": "sources.contact_data",
        "audiences": "audiences.contact_data",
        "destinations": "destinations.contact_data",
        "connectors": "connectors.contact_data",
        "api": "api.contact_data",
    },
    # Entries of the timeline beside events, by the kind that shows them alone.
    "timeline": {
        "import": "imports.results.timeline",
        "change": "contacts.profile.timeline",
        "segment": "segments.timeline",
    },
    # Reads the rules by which lists of contacts are filtered.
    "rules": "segments.list_filter",
    # Lists of contacts that a rule can name, by their kind (segments.rules.tree.LISTS).
    "rule_lists": {
        "import": "imports.results.rule_list",
        "source": "sources.rule_list",
        "lookalike": "audiences.lookalikes.rule_list",
    },
    # Functions that know which contacts have another value since a moment.
    "value_changes": {
        "edits": "contacts.profile.edit.changed_since",
        "imports": "imports.results.value_changes.changed_since",
    },
    # Tells a profile what its contact did.
    "overview": "tracking.overview",
    # Says a problem of a value, by its code, as a sentence.
    "problem_sentence": "imports.problems.catalogue.sentence",
    # Columns of the export of contacts: name → function from IDs of contacts to ID → cell.
    "export_columns": {"Segments": "segments.membership.cells_of", "Link ID": "tracking.links.cells_of"},
    # What uses a source, so that it cannot be removed.
    "source_usage": {
        "segments": "segments.usage.of_source",
        "audiences": "audiences.usage.of_source",
        "lookalikes": "audiences.lookalikes.usage.of_source",
        "syncs": "destinations.usage.of_source",
    },
    # What uses a list by its kind and ID: asked for lookalikes, which cannot be deleted for it.
    "list_usage": {"syncs": "destinations.usage.of_list"},
    # Functions that are told which settings have other values now.
    "setting_changes": {"segments": "segments.refresh.follow_settings"},
    # What uses segments, so that they cannot be deleted.
    "segment_usage": {
        "segments": "segments.usage.of_rules",
        "imports": "imports.segment_usage.of_imports",
        "sources": "sources.segment_usage.of_sources",
        "lookalikes": "audiences.lookalikes.usage.of_segments",
        "syncs": "destinations.usage.of_segments",
        "audiences": "audiences.usage.of_segments",
    },
    # What uses audiences, so that they cannot be deleted.
    "audience_usage": {
        "lookalikes": "audiences.lookalikes.usage.of_audiences",
        "syncs": "destinations.usage.of_audiences",
    },
    # What can be done to many contacts at once.
    "bulk_actions": {
        "delete": "contacts.bulk.kinds.Delete",
        "erase": "contacts.privacy.erasure.Erase",
        "expire": "contacts.privacy.expiry.EraseExpired",
        "restore": "contacts.bulk.kinds.Restore",
        "unsubscribe": "contacts.bulk.kinds.Unsubscribe",
        "duplicates": "contacts.bulk.kinds.RemoveDuplicates",
        "pairs": "contacts.duplicates.pair_list.MergePairs",
        "export": "contacts.bulk.export.Export",
        "retype": "contacts.fields.change_type.Retype",
        "segments": "segments.bulk_add.AddToSegments",
        "inactive": "tracking.inactive_contacts.DeleteInactive",
    },
}

# Files of the export of a whole workspace that apps write themselves, beside its tables (tenants.closing.archive): name →
# function of the file that returns how many rows it has.
WORKSPACE_FILES = {"contacts.csv": "contacts.bulk.export.write_everybody"}

# What a workspace uses of its limits, as its page shows it.
WORKSPACE_USAGE = "imports.usage.shown"

# Files that are stored for a workspace, as the limit counts them: what they are → function that gives their bytes.
STORED_FILES = {
    "Files of imports": "imports.usage.of_imports",
    "Files of segments": "imports.usage.of_segments",
    "Exports of contacts": "contacts.bulk.export.stored_bytes",
    "Exports of everything": "tenants.closing.export_job.stored_bytes",
    "Files of connectors": "connectors.usage.stored_bytes",
}

# Files of workspaces that are not in the store, by the first part of the names under which they are noted for removal
# (tenants.file_removals): functions of a workspace and the other parts. They can be repeated, and raise OSError.
FILE_PLACES = {"connectors": "connectors.removals.remove"}

# What apps have of a workspace outside of its tables, removed when it is erased: functions of its ID that can be repeated
# (tenants.closing.erasure).
WORKSPACE_REMAINS = {
    "files": "tenants.closing.erasure.remove_files",
    "staging": "contacts.staging.drop_all",
    "sites": "tracking.pixel.inbox.forget_workspace",
    "connectors": "connectors.cleanup.remove_workspace",
}

# Kinds of data that are stored for a time, in the order of the page (tenants.retention.kinds).
RETENTION = [
    "contacts.privacy.expiry.DeletedContacts",
    "tracking.inactive_contacts.InactiveContacts",
    "imports.retention.Files",
    "imports.retention.ErrorRows",
    "contacts.bulk.export_retention.Exports",
    "connectors.retention.Lists",
    "segments.retention.History",
    "audiences.lookalikes.history.Changes",
    "destinations.retention.Runs",
    "api.webhooks.retention.Deliveries",
    "tenants.retention.audit_log.Entries",
    "tenants.accounts.failed_sign_ins.FailedSignIns",
]
# What has a time of its own elsewhere, as the page of retention lists it: functions that return lines.
RETENTION_ELSEWHERE = ["tracking.retention.shown"]

# Figures beside items of the navigation, by their route: functions of the apps that know them, cheap enough for every page.
NAVIGATION_COUNTS = {"sources:resolved": "sources.ambiguities.counts.still_open"}

MIDDLEWARE = [
    "core.http.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "cdp.checks.WithoutCookies",
    # Before all that knows cookies: a program has a token, and gets JSON whatever is wrong.
    "api.middleware.ApiMiddleware",
    "core.request_checks.ReadableAddress",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Before the transaction of a workspace: a page that only reads is a sign of life, too.
    "tenants.accounts.sessions.LastSeen",
    # Before the CSRF check: an upload is judged (session, role, size) before its body is touched.
    "tenants.web.middleware.WorkspaceMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "core.request_checks.ReadableForm",
    "core.request_checks.ReachableStore",
]

ROOT_URLCONF = "cdp.urls"
WORKSPACE_URLCONF = "cdp.workspace_urls"
WSGI_APPLICATION = "cdp.wsgi.application"

FORM_RENDERER = "core.form_renderer.FormRenderer"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["core.templatetags.ui", "core.templatetags.ui_blocks", "tenants.templatetags.ui_urls"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "django.contrib.auth.context_processors.auth",
                "tenants.web.navigation.context",
            ],
        },
    }
]

# A database that is cut off says nothing, not even that it is gone: within a minute it is taken for gone.
DATABASE_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
DATABASES = {
    "default": {
        **_DATABASE,
        "ENGINE": "core.postgres",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"options": "-c lock_timeout=60s -c timezone=UTC", **DATABASE_PATIENCE},
    }
}
# A copy that follows, for pages that may show what was some seconds ago (tenants.isolation.replica, docs/read-replicas.md).
# One that does not answer must not hold up who waits for a page.
if env.str("REPLICA_DATABASE_URL", ""):
    DATABASES["replica"] = {
        **DATABASES["default"],
        **env.db_url("REPLICA_DATABASE_URL"),
        "ENGINE": "core.postgres",
        "OPTIONS": {**DATABASES["default"]["OPTIONS"], "connect_timeout": 2},
        "TEST": {"MIRROR": "default"},
    }
DATABASE_ROUTERS = ["tenants.isolation.replica.Router"]
REPLICA_MOST_LAG = env.int("REPLICA_MOST_LAG", 30)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
if env.str("CDP_PASSWORD_HASHER", "") == "fast":  # tests log in hundreds of times
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "tenants.members.auth_adapter.Accounts"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# Wrong passwords: ten for one account from one connection (tenants.members.auth_adapter), then a hundred from one
# connection for all accounts. In this order: who is locked out of one account does not use up what a whole house has. There
# is no limit for an account from everywhere, as by that anybody could lock out its owner; and none for log-ins that succeed.
ACCOUNT_RATE_LIMITS = {
    "login": None,
    "login_failed": "10/15m/key,100/15m/ip",
    "reset_password": "20/m/ip,5/m/key",
    "company": "30/15m/ip",
}
# Who has a connection by IPv6 has at least a /64, and often a /56.
ALLAUTH_RATE_LIMIT_IPV6_PREFIX = 56
# Who is told by mail what happens to their account, and what is asked again before it changes: for five minutes.
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
# The second factor (tenants.second_factor, docs/accounts.md). Accounts come from invitations, so their address is known.
MFA_ADAPTER = "tenants.second_factor.Secrets"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Customer Data Platform"
# One code before and one after: clocks of phones go wrong by some seconds.
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "tenants.accounts.forms.CodeForm",
    "reauthenticate": "tenants.accounts.forms.CodeAgainForm",
    "activate_totp": "tenants.accounts.forms.AppForm",
    "authenticate_webauthn": "tenants.accounts.forms.PasskeyBesideForm",
    "login_webauthn": "tenants.accounts.forms.PasskeyAloneForm",
    "add_webauthn": "tenants.accounts.forms.PasskeyForm",
    "edit_webauthn": "tenants.accounts.forms.PasskeyNameForm",
}
# Single sign-on by OpenID Connect (tenants.single_sign_on): apps are rows of workspaces, links between accounts a table with
# a policy. The library's own tables would be for all workspaces at once: they are not made.
SOCIALACCOUNT_ADAPTER = "tenants.single_sign_on.exchange.Providers"
MIGRATION_MODULES = {"socialaccount": None}
# Which address a visitor has, behind proxies (core.http.client_address).
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0)
# So many hits of the pixel one address may send to a site in a minute, by each process; 0: any number.
HITS_PER_MINUTE = env.int("HITS_PER_MINUTE", 1_200)
# And so many a site may get from all addresses.
SITE_HITS_PER_MINUTE = env.int("SITE_HITS_PER_MINUTE", 0)
# Hits of the pixel are answered in the event loop of a web process ("loop"), or by a thread each ("threads").
COLLECTOR = env.str("COLLECTOR", "loop")
# So many requests a token of the API may send in a minute, counted for all processes; 0: any number.
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", 1_200)
CLIENT_ADDRESS_HEADER = env.str("CLIENT_ADDRESS_HEADER", "X-Forwarded-For")

SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "cdp.views.csrf_failure"
CSRF_TRUSTED_ORIGINS = [SITE_URL] if HTTPS else []
if env.bool("BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": [REDIS_URL],  # a text would be taken apart at commas
        "KEY_PREFIX": "cdp",
        "OPTIONS": {"pool_class": "core.sentinels.CachePool", "socket_timeout": 2, "socket_connect_timeout": 2},
    }
}

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.str("STATIC_ROOT", "") or None  # only for a front server; otherwise the files are served from here
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

# --- mail: files that the page "Sent mail" shows, unless a real server is named ------------------------------------
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", "no-reply@localhost")
# A mail server that does not answer must not hold up who signs in.
EMAIL_TIMEOUT = 10
if EMAIL_URL:
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = MAIL_DIR or str(HOME / "mail")

# --- uploads: never in memory, never in a shared temporary folder --------------------------------------------------
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024  # a form without files: pasted text
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

# --- Celery: it only says "look at import 17"; it may lose, repeat or delay every message --------------------------
CELERY_BROKER_URL, SENTINEL_OPTIONS = sentinels.celery_broker(REDIS_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "global_keyprefix": "cdp:",
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "max_retries": 1,
    # One more try at once: a page must not wait for a broker that is away.
    "interval_start": 0.1,
    "interval_step": 0.1,
    "interval_max": 0.2,
    **SENTINEL_OPTIONS,
}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Nobody commands workers by messages. The connection for it could hold a worker for ever, after the broker's host was cut
# off: kombu 5.7 reads it without a time-out.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_BEAT_SCHEDULE = {
    "look at the platform": {"task": "insights.sample", "schedule": 10.0, "options": {"expires": 9}},
    "tidy incidents": {"task": "insights.tidy", "schedule": crontab(hour=4, minute=30)},
    "sweep imports": {"task": "imports.sweep", "schedule": 15.0},
    "wake large imports": {"task": "imports.wake_large", "schedule": 5.0, "options": {"expires": 5}},
    "wake segments": {"task": "segments.wake", "schedule": 15.0},
    "sweep segments": {"task": "segments.sweep", "schedule": 2.0, "options": {"expires": 10}},
    "sweep connectors": {"task": "connectors.sweep", "schedule": 5.0, "options": {"expires": 10}},
    "sweep fetching connectors": {"task": "connectors.sweep_fetching", "schedule": 60.0, "options": {"expires": 50}},
    "tidy connectors": {"task": "connectors.tidy", "schedule": crontab(hour=4, minute=0)},
    "sweep sources": {"task": "sources.sweep", "schedule": 15.0},
    "sweep bulk actions": {"task": "contacts.sweep", "schedule": 15.0},
    "search probable duplicates": {"task": "contacts.search_probable", "schedule": crontab(hour=2, minute=10)},
    "sweep ambiguities": {"task": "sources.sweep_ambiguities", "schedule": 60.0},
    "rate contacts": {"task": "tracking.rate", "schedule": crontab(hour=2, minute=40)},
    "count hits": {"task": "tracking.count_hits", "schedule": 15.0, "options": {"expires": 14}},
    "sweep tallies": {"task": "tracking.sweep_tallies", "schedule": 60.0, "options": {"expires": 50}},
    "count contacts": {"task": "insights.count_contacts", "schedule": 30.0, "options": {"expires": 25}},
    "tidy visitors": {"task": "tracking.tidy", "schedule": crontab(hour=3, minute=0)},
    "sweep webhooks": {"task": "api.sweep_webhooks", "schedule": 5.0, "options": {"expires": 10}},
    "tidy answers": {"task": "api.tidy", "schedule": crontab(hour="*/6", minute=5)},
    "tidy contacts": {"task": "contacts.tidy", "schedule": crontab(hour=3, minute=40)},
    "sweep data syncs": {"task": "destinations.sweep", "schedule": 10.0, "options": {"expires": 10}},
    "tidy sources": {"task": "sources.tidy", "schedule": crontab(hour=3, minute=50)},
    "sweep lookalikes": {"task": "audiences.sweep_lookalikes", "schedule": 15.0},
    "tidy lookalikes": {"task": "audiences.tidy_lookalikes", "schedule": crontab(hour=4, minute=10)},
    # Before the segments that held their members.
    "tidy audiences": {"task": "audiences.tidy", "schedule": crontab(hour=3, minute=5)},
    "tidy segments": {"task": "segments.tidy", "schedule": crontab(hour=3, minute=10)},
    "tidy imports": {"task": "imports.tidy", "schedule": crontab(hour=3, minute=20)},
    "send outbox": {"task": "tenants.send_outbox", "schedule": 10.0},
    "apply retention": {"task": "tenants.sweep_retention", "schedule": 300.0, "options": {"expires": 290}},
    "sweep exports of workspaces": {"task": "tenants.sweep_exports", "schedule": 30.0, "options": {"expires": 25}},
    "remove files": {"task": "tenants.remove_files", "schedule": 15.0, "options": {"expires": 14}},
    "erase closed workspaces": {"task": "tenants.erase_closed", "schedule": 60.0, "options": {"expires": 50}},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(HOME / "beat")

# --- how it is seen to be: logs, metrics, traces (docs/operations.md) -----------------------------------------------
LOGGING = logs.config(style=env.str("LOG_FORMAT", "text"), level=env.str("LOG_LEVEL", "INFO"))
# Who may read /metrics and /health/deep from elsewhere than this machine: whoever sends this.
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
# Where spans go, by OTLP over HTTP, as http://127.0.0.1:4318/v1/traces; none: no traces.
TRACES_URL = env.str("TRACES_URL", "")
if TRACES_URL:
    MIDDLEWARE.insert(0, "core.traces.TraceRequests")
# Less room than this on the disk of files is an incident, and uploads are refused.
LEAST_FREE_BYTES = env.int("LEAST_FREE_MB", 500) * 1_000_000
