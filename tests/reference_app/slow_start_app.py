"""The application, whose workers take longer to import it than they may be silent."""

import time

from reference_app import create_app as create_app
from reference_app.asynchronous import create_app as create_loop_app  # noqa: F401 -- gunicorn calls it by its name

WSGI_APP = f"{__name__}:create_app()"
LOOP_APP = f"{__name__}:create_loop_app()"
IMPORT_S = 5.0

time.sleep(IMPORT_S)
