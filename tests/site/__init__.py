"""The site: pages that are made of the code, and the hooks with which MkDocs makes them (``make docs``)."""
