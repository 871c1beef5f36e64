"""An index of images over HTTP: an API, a page that shows what was understood and why, and a client."""
