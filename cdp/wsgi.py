"""The web server's way in. Pixel hits are answered before Django's middleware; everything else goes to Django."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cdp.settings")

from django.core.wsgi import get_wsgi_application

_django: Any = get_wsgi_application()

from contacts.extensions import refuse_broken  # noqa: E402
from tenants.isolation.checks import refuse_bypassing_role  # noqa: E402
from tracking.pixel.collector import Collector  # noqa: E402

refuse_bypassing_role()
refuse_broken()
application = Collector(_django)
