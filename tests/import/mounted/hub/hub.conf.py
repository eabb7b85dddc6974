import os

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ.get("HUB_DB", "hub"),
        "USER": "hub",
        "PASSWORD": "hidden",
        "HOST": "db",
    },
    "archive": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "hub_archive",
        "USER": "hub",
        "PASSWORD": "hidden",
        "HOST": "archive.example.com",
    },
}
OPTIONS["clusters"] = {"default": {"hosts": {0: {"host": "cache", "port": "6379"}}}}
