"""The page ``/logs``, in parts.

``page`` joins them: what stands in its list of parts is on the page. Each part is made with the ``tab``, shows what is
so there and calls it when the reader does something; none knows of another. ``link`` is the tab's URL. Below them
``viewer`` takes a service's rows through ``sieve`` and ``render`` to ``log_view``, the element in the browser.
"""

from __future__ import annotations

from dashboard.pages.logs.page import install as install
