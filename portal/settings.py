"""Settings. What a deployment changes comes from the environment through `env`; the defaults run
on one machine.
"""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from portal import env
from portal.embedded import home

ROOT = Path(__file__).resolve().parent.parent

# Where we are

BASE_DOMAIN = env.text("PORTAL_DOMAIN", "localhost").lower()
PUBLIC_PORT = env.number("PORTAL_PUBLIC_PORT", env.number("PORTAL_PORT", 8000))


def _is_loopback(domain: str) -> bool:
    try:
        return ip_address(domain).is_loopback
    except ValueError:
        return domain == "localhost" or domain.endswith(".localhost")


SECURE = not _is_loopback(BASE_DOMAIN) or env.flag("PORTAL_HTTPS")
BEHIND_PROXY = env.flag("PORTAL_BEHIND_PROXY")
DEBUG = False  # a page with our settings on it helps nobody; errors are in the log
SECRET_KEY = env.text("SECRET_KEY", "for-localhost-only-" + "0123456789" * 4)
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")  # those of before: see docs/operations.md
if SECURE and SECRET_KEY.startswith("for-localhost-only-"):
    raise ImproperlyConfigured(
        f"Serving {BASE_DOMAIN} needs a SECRET_KEY of its own: 50 random characters or more."
    )
if SECURE and any(key.startswith("for-localhost-only-") for key in SECRET_KEY_FALLBACKS):
    raise ImproperlyConfigured("SECRET_KEY_FALLBACKS has a key that everybody knows: leave it out.")
ALLOWED_HOSTS = [f".{BASE_DOMAIN}"]
APEX_URLCONF = "portal.site.urls"
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TENANTS_UNKNOWN_HOST = "portal.errors.unknown_host"
TENANTS_SUSPENDED = "portal.limits.suspended"

# What runs

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django.forms",
    "template_partials",
    "procrastinate.contrib.django",
    "tenants",
    "loyalty",
    "portal",
]
MIDDLEWARE = [
    "portal.health.HealthMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.requests.LogMiddleware",
    "portal.requests.BodyMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "portal.security.SecurityHeadersMiddleware",
    "portal.cors.CorsMiddleware",
    "portal.limits.StrangersMiddleware",
    "portal.unavailable.RetryMiddleware",
    "tenants.middleware.TenantMiddleware",
    "portal.limits.LimitsMiddleware",
    "portal.bulkhead.BulkheadMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "portal.language.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
# Traces, where somebody gathers them: "otlp", "console" or "none" (portal.tracing).
TRACES_NAME = env.text("OTEL_SERVICE_NAME", "loyalaura")
TRACES = env.text(
    "OTEL_TRACES_EXPORTER", "otlp" if env.text("OTEL_EXPORTER_OTLP_ENDPOINT") else "none"
)
if TRACES != "none":
    MIDDLEWARE.insert(
        MIDDLEWARE.index("portal.requests.LogMiddleware") + 1, "portal.tracing.TracingMiddleware"
    )
# Tables outside the tenants that are not ours to declare (tenants.E001).
TENANTS_LOCAL_APPS = {"auth", "contenttypes", "account", "mfa", "procrastinate"}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "portal.context.portal",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static"],
        },
    }
]
FORM_RENDERER = "portal.forms.Renderer"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# What it stands on

DATABASES = {"default": env.database()}
WEB_THREADS = env.number("WEB_THREADS", 64)
RATE_LIMITS = env.flag("RATE_LIMITS", True)
WEB_CONCURRENCY = max(1, env.number("WEB_CONCURRENCY", 2))


def _cache(name: str, backend: str, key_function: str) -> dict[str, Any]:
    """django-redis shares one pool among equal URLs: a client name keeps them apart."""
    url = env.redis()
    guarded = {"REDIS_CLIENT_CLASS": "tenants.valkey.Client"}
    if env.flag("REDIS_CLUSTER"):
        guarded = {"CLIENT_CLASS": "tenants.valkey.ClusterClient"}
    return {
        "BACKEND": backend,
        "LOCATION": f"{url}{'&' if '?' in url else '?'}client_name={name}",
        "KEY_FUNCTION": f"tenants.cache.{key_function}",
        "REVERSE_KEY_FUNCTION": "tenants.cache.unkeyed",
        "OPTIONS": {
            "IGNORE_EXCEPTIONS": True,  # losing the cache makes pages slower, never wrong
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "SOCKET_CONNECT_TIMEOUT": 0.1,
            "SOCKET_TIMEOUT": 0.25,
            **guarded,
        },
    }


CACHES = {
    "default": _cache("default", "django_redis.cache.RedisCache", "plain_key"),
    "tenant": _cache("tenant", "tenants.cache.TenantCache", "tenant_key"),
}

# Who comes in

AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = ["portal.accounts.Backend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "manage:home"
ACCOUNT_ADAPTER = "portal.accounts.Adapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # a code by mail has proved the address before it is kept
PIN_ROUNDS = 20 if env.text("PORTAL_ASSUME_ROLE") else 20_000  # tests give many, and keep none
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_FORMAT = {"length": 6, "dashed": True}
ACCOUNT_LOGIN_BY_CODE_MAX_ATTEMPTS = 3
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = 4
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = ACCOUNT_LOGIN_TIMEOUT = 15 * 60
ACCOUNT_REAUTHENTICATION_TIMEOUT = 5 * 60
ACCOUNT_EMAIL_NOTIFICATIONS = True
MFA_ADAPTER = "portal.factors.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 1  # a phone's clock may be half a minute off
MFA_FORMS = {
    "authenticate": "portal.doors.forms.SecondProof",
    "authenticate_webauthn": "portal.doors.forms.PasskeyProof",
    "activate_totp": "portal.doors.forms.Activate",
}
# REMOTE_ADDR is the client's when allauth sees it: portal.requests has read what our proxy wrote.
ALLAUTH_TRUSTED_PROXY_COUNT = 0
# They live in a cache, which may be lost; guesses count in PostgreSQL (tenants.guesses).
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False
SESSION_ENGINE = "tenants.sessions"
SESSION_COOKIE_AGE = 30 * 24 * 3600
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Host-only cookies. The prefix makes the browser itself refuse a Domain. Plain http exists only on
# a loopback address, where Safari refuses Secure cookies.
COOKIE_PREFIX = "__Host-" if SECURE else ""
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "portal.errors.csrf"
SECURE_SSL_REDIRECT = SECURE and not BEHIND_PROXY
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_REFERRER_POLICY = None  # portal.security says it
SECURE_CROSS_ORIGIN_OPENER_POLICY = None

# Words and times

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ar", _("Arabic")), ("bn", _("Bengali"))]
LOCALE_PATHS = [ROOT / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# Files

STATIC_URL = "/static/"
STATIC_ROOT = home() / "static"
STATICFILES_DIRS = [ROOT / "static"]
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]  # ours, nobody else's
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if env.text("PORTAL_ASSUME_ROLE")  # tests serve the sources as they are
        else "portal.storage.FaceStorage"
    },
}
# Tests look for a file when it is asked for: each of their clients would walk all of them first.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = bool(env.text("PORTAL_ASSUME_ROLE"))
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# Mail

# Where nothing is served to anybody else, letters go nowhere and are read on the outbox page.
OUTBOX = env.flag("PORTAL_OUTBOX", not SECURE)
_mail = env.mail()
EMAIL_BACKEND = _mail.pop("EMAIL_BACKEND")
EMAIL_HOST = _mail.pop("EMAIL_HOST", "")
EMAIL_PORT = _mail.pop("EMAIL_PORT", 25)
EMAIL_HOST_USER = _mail.pop("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = _mail.pop("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _mail.pop("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _mail.pop("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
TEXT_BACKEND = env.text("TEXT_BACKEND")  # "package.module.send": called with a phone and a text
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", f"LoyalAura <no-reply@{BASE_DOMAIN}>")

# Jobs

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "tasks"

# What is told

SLOW_QUERY_MS = env.number("SLOW_QUERY_MS", 200)
USAGE_EVERY = 0 if env.text("PORTAL_ASSUME_ROLE") else 30  # seconds; tests write when they mean to
METRICS_FOLDER = env.text("PROMETHEUS_MULTIPROC_DIR")
METRICS_HOST = env.text("PORTAL_METRICS_HOST", "127.0.0.1")
METRICS_PORT = env.number("PORTAL_METRICS_PORT", 9464)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "tenants.logs.JsonFormatter"}},
    "filters": {"told": {"()": "tenants.logs.ToldByTheJob"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        # Of what was refused portal.request tells already, without the path.
        "django.request": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
        "portal": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "procrastinate": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "procrastinate.worker": {"filters": ["told"]},
    },
}
