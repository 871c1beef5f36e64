"""What Prometheus is told."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from starlette.types import Scope

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The numbers of one server."""

    def __init__(self) -> None:
        """Begin to count."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "omninegclip_requests", "Requests answered.", ("route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "omninegclip_request_seconds",
            "From a request's head to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.batches = Histogram(
            "omninegclip_batch_size",
            "Requests that the model answered together.",
            buckets=_SIZES,
            registry=self.registry,
        )
        self.waiting = Gauge(
            "omninegclip_waiting", "Requests that wait for the model.", registry=self.registry
        )
        self.cached = Gauge(
            "omninegclip_cached_share", "Share of texts whose embedding was known.", registry=self.registry
        )
        self.images = Gauge("omninegclip_images", "Images in the index.", registry=self.registry)

    def note(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a request by its route: labels by path would fill the memory."""
        route = getattr(scope.get("route"), "path", "none")
        self.requests.labels(route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return it all as Prometheus reads it."""
        return generate_latest(self.registry)
